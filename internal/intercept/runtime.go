package intercept

import (
	"bytes"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"software.sslmate.com/src/go-pkcs12"

	"rollcall/internal/region"
)

// preload leads the connections of Node to the proxy. Most of its libraries ignore the
// variables of a proxy.
//
//go:embed preload.js
var preload string

// A Runtime leads the programs of each language to a proxy and lets them trust its CA: by
// variables, and by files that the variables name.
type Runtime struct {
	Dir       string // for the files; it must exist
	Port      int    // of the proxy on 127.0.0.1
	Password  string // of the proxy, or ""
	Authority *Authority
	Names     []string // host names to intercept, besides the vendor's
	Trust     []byte   // certificates in PEM to trust besides that of the CA

	// Passthrough keeps the hosts that the environment excepts from proxies. Without it,
	// only this machine is excepted.
	Passthrough bool
}

// Names of the files of a [Runtime].
const (
	runtimeCA  = "ca.pem"
	bundle     = "bundle.pem"
	preloadJS  = "preload.js"
	trustStore = "truststore.p12"
	phpDir     = "php"
)

// storePassword is the usual password of trust stores, which contain no secrets.
const storePassword = "changeit"

// CAFile returns the file with the certificate of the CA and those of Trust.
func (r *Runtime) CAFile() string { return filepath.Join(r.Dir, runtimeCA) }

func (r *Runtime) file(name string) string { return filepath.Join(r.Dir, name) }

// Write writes the files. environ is the environment that the programs would have without
// them: it can name further certificates to trust. Every user can read the files, because
// a program may go on as another user. None of them is secret.
func (r *Runtime) Write(environ []string) error {
	own := slices.Concat(r.Authority.CA, r.Trust)
	roots := append(systemRoots(environ), own...)
	store, err := javaStore(roots)
	if err != nil {
		return err
	}
	script, err := r.script()
	if err != nil {
		return err
	}
	errs := []error{os.Mkdir(r.file(phpDir), 0o700), os.Chmod(r.file(phpDir), 0o755), os.Chmod(r.Dir, 0o711)}
	for name, content := range map[string][]byte{
		runtimeCA:                own,
		bundle:                   roots,
		preloadJS:                script,
		trustStore:               store,
		phpDir + "/rollcall.ini": fmt.Appendf(nil, "curl.cainfo=%q\nopenssl.cafile=%q\n", r.file(bundle), r.file(bundle)),
	} {
		// Chmod does not depend on the umask.
		errs = append(errs, os.WriteFile(r.file(name), content, 0o600), os.Chmod(r.file(name), 0o644))
	}
	return errors.Join(errs...)
}

// script returns the preload with the hosts and the port.
func (r *Runtime) script() ([]byte, error) {
	hosts, err := json.Marshal(unique(region.Hosts(), r.Names))
	if err != nil {
		return nil, err
	}
	trees, err := json.Marshal(subtrees)
	if err != nil {
		return nil, err
	}
	return []byte(strings.NewReplacer("HOSTS", string(hosts), "SUBTREES", string(trees), "PORT", strconv.Itoa(r.Port)).Replace(preload)), nil
}

// rootFiles are the files with the certificates that systems trust: Debian, Fedora, SUSE,
// Alpine and macOS.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// systemRoots returns the certificates that programs trust without us, in PEM: those of
// the system, or of the variable that replaces them, and those that single programs add or
// have in their place, such as that of a company's proxy.
func systemRoots(environ []string) []byte {
	var all []byte
	var known []string
	for _, file := range append([]string{lookup(environ, "SSL_CERT_FILE")}, rootFiles...) {
		if b, err := os.ReadFile(file); err == nil {
			all = append(b, '\n')
			known = append(known, file)
			break
		}
	}
	for _, name := range []string{"NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		file := lookup(environ, name)
		if b, err := os.ReadFile(file); err == nil && !slices.Contains(known, file) {
			all = append(append(all, b...), '\n')
			known = append(known, file)
		}
	}
	return all
}

// javaStore returns a trust store for Java with the certificates in roots. It leaves out
// those that Go cannot read.
func javaStore(roots []byte) ([]byte, error) {
	var certs []pkcs12.TrustStoreEntry
	var known [][]byte
	for {
		block, rest := pem.Decode(roots)
		if block == nil {
			break
		}
		again := slices.ContainsFunc(known, func(der []byte) bool { return bytes.Equal(der, block.Bytes) })
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && !again {
			known = append(known, block.Bytes)
			certs = append(certs, pkcs12.TrustStoreEntry{Cert: c, FriendlyName: strconv.Itoa(len(certs))})
		}
		roots = bytes.TrimSpace(rest)
	}
	return pkcs12.Modern2023.EncodeTrustStoreEntries(certs, storePassword)
}

// Environ returns environ with the variables for every language. It adds to variables
// that hold options or lists.
func (r *Runtime) Environ(environ []string) []string {
	bundle := r.file(bundle)
	proxy := url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port))}
	if r.Password != "" {
		proxy.User = url.UserPassword("rollcall", r.Password)
	}
	set := map[string]string{
		"NODE_EXTRA_CA_CERTS": bundle,
		"NODE_OPTIONS":        join(lookup(environ, "NODE_OPTIONS"), " ", "--require "+strconv.Quote(r.file(preloadJS))),
		"PHP_INI_SCAN_DIR":    lookup(environ, "PHP_INI_SCAN_DIR") + ":" + r.file(phpDir),
		"JAVA_TOOL_OPTIONS":   join(lookup(environ, "JAVA_TOOL_OPTIONS"), " ", r.javaOptions()),
	}
	for _, name := range []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"} {
		set[name] = bundle
	}
	for _, name := range []string{"http_proxy", "https_proxy"} {
		set[name], set[strings.ToUpper(name)] = proxy.String(), proxy.String()
	}
	excepted := ""
	if r.Passthrough {
		excepted = join(lookup(environ, "no_proxy"), ",", lookup(environ, "NO_PROXY"))
	}
	direct := r.direct(excepted)
	set["no_proxy"], set["NO_PROXY"] = direct, direct
	return With(environ, set)
}

// javaOptions returns options of the Java virtual machine. It reads words in quotes.
func (r *Runtime) javaOptions() string {
	options := []string{
		"-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword=" + storePassword,
		"-Dhttp.nonProxyHosts=localhost|127.*|[::1]", strconv.Quote("-Djavax.net.ssl.trustStore=" + r.file(trustStore)),
	}
	for _, scheme := range []string{"http", "https"} {
		options = append(options, "-D"+scheme+".proxyHost=127.0.0.1", fmt.Sprintf("-D%s.proxyPort=%d", scheme, r.Port))
	}
	return strings.Join(options, " ")
}

// direct returns the hosts that programs call without a proxy: those of list, and this
// machine. It leaves out entries that would let calls of the vendor's hosts escape.
func (r *Runtime) direct(list string) string {
	hosts := unique(region.Hosts(), r.Names)
	kept := []string{"localhost", "127.0.0.1", "::1"}
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		domain := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(entry), "*"), ".")
		if host, _, err := net.SplitHostPort(domain); err == nil {
			domain = host
		}
		escapes := slices.ContainsFunc(hosts, func(h string) bool { return h == domain || strings.HasSuffix(h, "."+domain) })
		if domain != "" && !escapes && !slices.Contains(kept, entry) {
			kept = append(kept, entry)
		}
	}
	return strings.Join(kept, ",")
}

// join returns a and b with sep between them, if both have a text.
func join(a, sep, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + sep + b
}

// lookup returns the value of a variable, or "".
func lookup(environ []string, name string) (value string) {
	for _, v := range environ {
		if text, ok := strings.CutPrefix(v, name+"="); ok {
			value = text // the last one counts
		}
	}
	return value
}

// With returns environ with the variables of set in place of those with the same names. A
// variable whose value is empty is left out.
func With(environ []string, set map[string]string) []string {
	result := slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, replaced := set[name]
		return replaced
	})
	for name, value := range set {
		if value != "" {
			result = append(result, name+"="+value)
		}
	}
	slices.Sort(result)
	return result
}
