package conformance

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/usersig"
)

// An execClient is an HTTP client of some language that calls the vendor's host.
type execClient struct {
	name    string
	command []string
	needs   []string // commands that succeed if the client is installed
	unset   []string // variables that the client must do without
}

// Clients that find the server by their environment.
var proxied = []execClient{
	{name: "curl", command: curl, needs: []string{"curl --version"}},
	{name: "Go", command: []string{"{go}", "default"}},
	{name: "Node axios 0.16, proxy", command: nodeJS("axios 0.16"), needs: npm, unset: []string{"NODE_OPTIONS"}},
	{name: "Node axios 0.21, proxy", command: nodeJS("axios 0.21"), needs: npm, unset: []string{"NODE_OPTIONS"}},
	{name: "Node axios 1, proxy", command: nodeJS("axios 1"), needs: npm, unset: []string{"NODE_OPTIONS"}},
	{name: "Node axios 0.16", command: nodeJS("axios 0.16"), needs: npm},
	{name: "Node axios 0.21", command: nodeJS("axios 0.21"), needs: npm},
	{name: "Node axios 1", command: nodeJS("axios 1"), needs: npm},
	{name: "Node fetch", command: nodeJS("fetch"), needs: npm},
	{name: "Node undici", command: nodeJS("undici"), needs: npm},
	{name: "Node https", command: nodeJS("https"), needs: npm},
	{name: "Node worker", command: nodeJS("worker"), needs: npm},
	{name: "Node axios 0.16, preload", command: nodeJS("axios 0.16"), needs: npm, unset: proxies},
	{name: "Node axios 1, preload", command: nodeJS("axios 1"), needs: npm, unset: proxies},
	{name: "Python requests", command: python("requests"), needs: []string{"/usr/bin/python3 -c import+requests"}},
	{name: "Python urllib", command: python("urllib"), needs: []string{"/usr/bin/python3 --version"}},
	{name: "PHP curl", command: php("curl"), needs: []string{"php -r curl_version();"}},
	{name: "PHP Guzzle", command: php("guzzle"), needs: []string{"php -r curl_version();", "php -r require'GuzzleHttp/autoload.php';"}},
	{name: "Ruby Net::HTTP", command: ruby("net/http"), needs: []string{"ruby --version"}},
	{name: "Ruby Faraday", command: ruby("faraday"), needs: []string{"ruby -rfaraday -e 1"}},
	{name: "Java HttpURLConnection", command: java("HttpURLConnection"), needs: []string{"javac -version"}},
	{name: "Java HttpClient", command: java("HttpClient"), needs: []string{"javac -version"}},
}

// Clients that find it by the hosts file alone.
var hosted = []execClient{
	{name: "curl", command: curl, needs: []string{"curl --version"}, unset: proxies},
	{name: "Go with a transport of its own", command: []string{"{go}", "own"}},
	{name: "Node https", command: nodeJS("https"), needs: npm, unset: append([]string{"NODE_OPTIONS"}, proxies...)},
	{name: "Python http.client", command: python("http.client"), needs: []string{"/usr/bin/python3 --version"}},
	{name: "PHP streams", command: php("streams"), needs: []string{"php --version"}},
}

// Parts of the tables. In a command, {go} stands for a compiled program.
var (
	curl    = []string{"sh", "-c", `curl --silent --show-error --data "$BODY" "$TARGET"`}
	npm     = []string{"node --version", "test -d npm/node_modules/undici"}
	proxies = []string{"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}
)

func nodeJS(library string) []string { return []string{"node", "npm/exec.js", library} }

func python(library string) []string {
	return []string{"/usr/bin/python3", "testdata/exec/client.py", library}
}

func php(library string) []string { return []string{"php", "testdata/exec/client.php", library} }

func ruby(library string) []string { return []string{"ruby", "testdata/exec/client.rb", library} }

func java(class string) []string { return []string{"java", "testdata/exec/Client.java", class} }

// need skips the test if the client is not installed. In CI it fails instead.
func (c *execClient) need(t *testing.T) {
	t.Helper()
	for _, line := range c.needs {
		words := strings.Fields(line)
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "+", " ")
		}
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
			t.Skipf("the client is not installed; \"make setup\" installs it: %s: %v", line, err)
		}
	}
}

// buildPrograms builds rollcall and the client of Go, and returns their directory.
func buildPrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, source := range map[string]string{"rollcall": "../cmd/rollcall", "client": "testdata/exec/client.go"} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), source).CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", source, err, out)
		}
	}
	return dir
}

// An execRun is one run of "rollcall exec" with the app of sampleKey.
type execRun struct {
	programs string // the directory of buildPrograms
	flags    []string
	command  []string
	unset    []string // variables that the program must do without
	environ  []string // further variables
}

// output runs r and returns what the program and rollcall print.
func (r *execRun) output(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // only limits a hang
	defer cancel()
	args := append([]string{"exec", "--sdkappid", "1400000000", "--key-file", writeFile(t, "key.txt", []byte(sampleKey))}, r.flags...)
	args = append(args, "--", "env")
	for _, name := range r.unset {
		args = append(args, "-u", name)
	}
	for _, word := range r.command {
		args = append(args, strings.ReplaceAll(word, "{go}", filepath.Join(r.programs, "client")))
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.programs, "rollcall"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), r.environ...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("exec: %v", err)
	}
	return string(out)
}

// TestExec runs clients of many languages, unchanged, under "rollcall exec". Each calls
// the vendor's host over TLS, with the settings that its environment gives it.
func TestExec(t *testing.T) {
	programs := buildPrograms(t)
	for _, c := range proxied {
		t.Run(c.name, func(t *testing.T) { c.run(t, programs) })
	}
	for _, c := range hosted {
		t.Run("hosts, "+c.name, func(t *testing.T) {
			needNamespaces(t)
			c.run(t, programs, "--hosts", "--isolated")
		})
	}
	t.Run("npm", func(t *testing.T) { npmScenario(t, programs) })
	t.Run("docs/testing.md", func(t *testing.T) { firstOK(t, programs) })
}

// run runs c and checks that exactly one call came, with the response of the server.
func (c *execClient) run(t *testing.T, programs string, flags ...string) {
	t.Helper()
	t.Parallel()
	c.need(t)
	sig, err := usersig.Sign(usersig.HMACKey(sampleKey), usersig.Claims{SDKAppID: 1400000000, Identifier: "administrator", Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	r := execRun{programs: programs, flags: flags, command: c.command, unset: c.unset, environ: []string{
		"TARGET=https://" + npmHost + "/v4/im_open_login_svc/account_check?sdkappid=1400000000&identifier=administrator&random=1&contenttype=json&usersig=" + sig,
		`BODY={"CheckItem":[{"UserID":"administrator"}]}`,
	}}
	if out := r.output(t); !strings.Contains(out, `"AccountStatus":"Imported"`) || !strings.Contains(out, "rollcall exec: 1 call reached the service") {
		t.Errorf("output %s", out)
	}
}

// needNamespaces skips the test where a process cannot have a network of its own.
func needNamespaces(t *testing.T) {
	t.Helper()
	cmd := exec.Command("true")
	cmd.SysProcAttr = isolation
	if err := cmd.Run(); isolation == nil || err != nil {
		t.Skip("this system creates no namespaces: ", err)
	}
}

// npmScenario runs the whole scenario of a published client, unmodified and without a
// redirect, by each way that "rollcall exec" leads it to the server.
func npmScenario(t *testing.T, programs string) {
	needNodeModules(t)
	key := writeFile(t, "key.pem", newKeys(t).privatePEM)
	for name, test := range map[string]struct{ flags, unset []string }{
		"preload": {nil, proxies},
		"proxy":   {nil, []string{"NODE_OPTIONS"}},
		"both":    {nil, nil},
		"hosts":   {[]string{"--hosts", "--isolated"}, append([]string{"NODE_OPTIONS"}, proxies...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.flags != nil {
				needNamespaces(t)
			}
			r := execRun{
				programs: programs, flags: test.flags, unset: test.unset, command: []string{"node", "npm/scenario.js"},
				environ: []string{"NODE_NO_WARNINGS=1", "ROLLCALL_SIGNER=vendor", "ROLLCALL_KEY_FILE=" + key, "ROLLCALL_SECRET=" + sampleKey},
			}
			out := r.output(t)
			if !strings.Contains(out, "25 steps passed") || !strings.Contains(out, "rollcall exec: 25 calls reached the service") {
				t.Errorf("output %s", out)
			}
		})
	}
}
