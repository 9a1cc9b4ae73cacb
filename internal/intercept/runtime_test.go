package intercept

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"
)

// newRuntime returns a runtime whose files are written, for an environment with its own
// certificates.
func newRuntime(t *testing.T) (r *Runtime, own []byte) {
	t.Helper()
	dir := t.TempDir()
	other, err := NewAuthority(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r = &Runtime{Dir: filepath.Join(dir, "a b"), Port: 4711, Names: []string{"api.example.com"}}
	if r.Authority, err = NewAuthority(r.Names, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(r.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "own.pem")
	if err := os.WriteFile(file, append(other.CA, other.CA...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Write([]string{"SSL_CERT_FILE=" + file}); err != nil {
		t.Fatal(err)
	}
	return r, other.CA
}

// TestBundle checks that programs trust what they trusted before, and the local CA.
func TestBundle(t *testing.T) {
	r, own := newRuntime(t)
	b, err := os.ReadFile(r.file(bundle))
	if want := string(own) + string(own) + "\n" + string(r.Authority.CA); err != nil || string(b) != want {
		t.Errorf("bundle %q, %v, want %q", b, err, want)
	}
	b, err = os.ReadFile(r.file(trustStore))
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkcs12.DecodeTrustStore(b, storePassword)
	if err != nil || len(certs) != 2 {
		t.Fatalf("%d certificates in the trust store, %v, want 2", len(certs), err)
	}
	if !slices.Equal(encode("CERTIFICATE", certs[1].Raw), r.Authority.CA) {
		t.Error("the trust store lacks the local CA")
	}
}

// TestReadable checks that another user can read every file, and list no directory.
func TestReadable(t *testing.T) {
	r, _ := newRuntime(t)
	for name, want := range map[string]os.FileMode{
		".": 0o711, phpDir: 0o755, phpDir + "/rollcall.ini": 0o644, bundle: 0o644, runtimeCA: 0o644, preloadJS: 0o644, trustStore: 0o644,
	} {
		info, err := os.Stat(r.file(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %v, want %v", name, got, want)
		}
	}
}

// TestEnviron checks that lists and options of the environment are kept, and that nothing
// of it lets calls escape.
func TestEnviron(t *testing.T) {
	r, _ := newRuntime(t)
	r.Passthrough = true
	got := r.Environ([]string{
		"HOME=/", "https_proxy=http://old", "NO_PROXY=.corp, *,qcloud.com,10.0.0.1 .qq.com,console.tim.qq.com:443", "no_proxy=Console.tim.qq.com,example.com,b.example.com",
		"NODE_OPTIONS=--no-warnings", "JAVA_TOOL_OPTIONS=-Xmx1g", "PHP_INI_SCAN_DIR=/etc/php",
	})
	d := r.Dir
	want := []string{
		"CURL_CA_BUNDLE=" + d + "/bundle.pem",
		"HOME=/",
		"HTTPS_PROXY=http://127.0.0.1:4711",
		"HTTP_PROXY=http://127.0.0.1:4711",
		`JAVA_TOOL_OPTIONS=-Xmx1g -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit -Dhttp.nonProxyHosts=localhost|127.*|[::1] "-Djavax.net.ssl.trustStore=` +
			d + `/truststore.p12" -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=4711 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=4711`,
		"NODE_EXTRA_CA_CERTS=" + d + "/bundle.pem",
		`NODE_OPTIONS=--no-warnings --require "` + d + `/preload.js"`,
		"NO_PROXY=localhost,127.0.0.1,::1,b.example.com,.corp,10.0.0.1",
		"PHP_INI_SCAN_DIR=/etc/php:" + d + "/php",
		"REQUESTS_CA_BUNDLE=" + d + "/bundle.pem",
		"SSL_CERT_FILE=" + d + "/bundle.pem",
		"http_proxy=http://127.0.0.1:4711",
		"https_proxy=http://127.0.0.1:4711",
		"no_proxy=localhost,127.0.0.1,::1,b.example.com,.corp,10.0.0.1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	r.Passthrough = false
	if got := lookup(r.Environ([]string{"NO_PROXY=example.com"}), "NO_PROXY"); got != "localhost,127.0.0.1,::1" {
		t.Errorf("without passthrough, NO_PROXY=%s", got)
	}
	r.Password = "p"
	if got := lookup(r.Environ(nil), "https_proxy"); got != "http://rollcall:p@127.0.0.1:4711" {
		t.Errorf("with a password: %s", got)
	}
}

// TestScript checks that the preload has the hosts and the port.
func TestScript(t *testing.T) {
	r, _ := newRuntime(t)
	b, err := os.ReadFile(r.file(preloadJS))
	if err != nil || !strings.Contains(string(b), `"api.example.com",`) || !strings.Contains(string(b), "const port = 4711;") {
		t.Errorf("%s, %v", b, err)
	}
}

func TestWith(t *testing.T) {
	got := With([]string{"A=1", "B=2", "C=3", "A=4"}, map[string]string{"A": "5", "B": "", "D": "6"})
	if want := []string{"A=5", "C=3", "D=6"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSystemRoots keeps the certificates that single programs trusted, each file once.
func TestSystemRoots(t *testing.T) {
	dir := t.TempDir()
	var environ []string
	for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		environ = append(environ, name+"="+file)
	}
	environ = append(environ, "CURL_CA_BUNDLE="+filepath.Join(dir, "REQUESTS_CA_BUNDLE"))
	if got, want := string(systemRoots(environ)), "SSL_CERT_FILE\nNODE_EXTRA_CA_CERTS\nREQUESTS_CA_BUNDLE\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPreload checks that Node reaches no host of the vendor that is not intercepted.
func TestPreload(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node on this machine")
	}
	r, _ := newRuntime(t)
	for _, call := range []string{`require('https').get({ host }).on('error', (e) => console.log(e.message))`, `fetch('https://' + host).catch((e) => console.log(e.cause.message))`, `require('net').connect(443, host).on('error', (e) => console.log(e.message))`} {
		out, err := exec.Command("node", "--require", r.file(preloadJS), "-e", `const host = 'sg.api.im.qcloud.com'; `+call).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "add --intercept sg.api.im.qcloud.com") {
			t.Errorf("%s: %s, %v", call, out, err)
		}
	}
}
