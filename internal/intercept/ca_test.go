package intercept

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/region"
)

// TestAuthority checks the certificates as a client does: the names that the server
// needs are accepted until the end of the certificate, and no others.
func TestAuthority(t *testing.T) {
	now := time.Now()
	a, err := NewAuthority([]string{"api.example.com"}, now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(a.Leaf, a.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.CA) {
		t.Fatal("the CA is no certificate in PEM")
	}
	verify := func(name string, at time.Time) error {
		_, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: at})
		return err
	}
	for _, name := range append(region.Hosts(), "api.example.com", "localhost", "127.0.0.1", "::1") {
		if err := verify(name, now.Add(89*24*time.Hour)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"example.com", "other.im.qcloud.com", "127.0.0.2"} {
		if verify(name, now) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if verify(region.China, now.Add(91*24*time.Hour)) == nil {
		t.Error("the certificate is valid after 90 days")
	}
	if _, err := NewAuthority([]string{"*.example.com"}, now); err == nil {
		t.Error("a name with an asterisk is accepted")
	}
}

// TestConstraints signs certificates for other names with the key of such a CA, which
// only the test keeps. Clients must refuse them.
func TestConstraints(t *testing.T) {
	now := time.Now()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := createCA([]string{"api.example.com"}, now, key)
	if err != nil {
		t.Fatal(err)
	}
	if !ca.PermittedDNSDomainsCritical || !ca.MaxPathLenZero || !slices.Equal(ca.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("constraints critical: %v, path length 0: %v, usage %v", ca.PermittedDNSDomainsCritical, ca.MaxPathLenZero, ca.ExtKeyUsage)
	}
	for name, want := range map[string]bool{
		"new.im.qcloud.com": true, "api.example.com": true, "localhost": true, "127.9.9.9": true,
		"qcloud.com": false, "tim.qq.com": false, "example.com": false, "evil-im.qcloud.com": false, "10.0.0.1": false, "::2": false,
	} {
		leaf := &x509.Certificate{NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = []net.IP{ip}
		} else {
			leaf.DNSNames = []string{name}
		}
		err := verifySigned(t, leaf, ca, key)
		if _, refused := errors.AsType[x509.CertificateInvalidError](err); want && err != nil || !want && !refused {
			t.Errorf("%s: %v, want accepted %v", name, err, want)
		}
	}
	second := &x509.Certificate{NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"localhost"}}
	if sub := sign(t, second, ca, key); verifySigned(t, &x509.Certificate{NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, DNSNames: []string{"localhost"}}, sub, key, ca) == nil {
		t.Error("a CA below the CA is accepted")
	}
}

// sign signs template with the key of ca.
func sign(t *testing.T, template, ca *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// verifySigned signs template and verifies it. Without a root, ca is the root, otherwise
// an intermediate.
func verifySigned(t *testing.T, template, ca *x509.Certificate, key *ecdsa.PrivateKey, root ...*x509.Certificate) error {
	t.Helper()
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	o.Intermediates.AddCert(ca)
	for _, c := range append(root, ca)[:1] {
		o.Roots.AddCert(c)
	}
	_, err := sign(t, template, ca, key).Verify(o)
	return err
}

// TestOpenSSL verifies the chain with another implementation.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl on this machine")
	}
	dir := t.TempDir()
	if _, err := Ensure(dir, nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, check := range [][]string{
		{"-verify_hostname", region.China}, {"-verify_hostname", region.FrankfurtBackup}, {"-verify_ip", "127.0.0.1"}, {"-verify_ip", "::1"},
	} {
		args := append([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", CAFile(dir)}, check...)
		if out, err := exec.Command(openssl, append(args, LeafFile(dir))...).CombinedOutput(); err != nil {
			t.Errorf("openssl %v: %v\n%s", args, err, out)
		}
	}
	out, err := exec.Command(openssl, "x509", "-noout", "-text", "-in", CAFile(dir)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "X509v3 Name Constraints: critical") {
		t.Errorf("openssl x509: %v\n%s", err, out)
	}
}

// TestEnsure checks when the files are created anew, and their modes.
func TestEnsure(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for _, step := range []struct {
		name              string
		change            func()
		names             []string
		at                time.Duration
		changed, replaced bool
	}{
		{name: "first", changed: true},
		{name: "again"},
		{name: "in 75 days", at: 75 * 24 * time.Hour},
		{name: "in 77 days", at: 77 * 24 * time.Hour, changed: true, replaced: true},
		{name: "another name", names: []string{"api.example.com"}, changed: true, replaced: true},
		{name: "fewer names"},
		{name: "no key", change: func() { remove(t, LeafFile(dir)) }, changed: true, replaced: true},
		{name: "no CA", change: func() { remove(t, CAFile(dir)) }, changed: true},
	} {
		if step.change != nil {
			step.change()
		}
		before, _ := os.ReadFile(CAFile(dir))
		replaced, err := Ensure(dir, step.names, now.Add(step.at))
		after, readErr := os.ReadFile(CAFile(dir))
		if err != nil || readErr != nil || replaced != step.replaced || (string(before) != string(after)) != step.changed {
			t.Errorf("%s: replaced %v, changed %v, %v, %v", step.name, replaced, string(before) != string(after), err, readErr)
		}
	}
	for file, want := range map[string]os.FileMode{CAFile(dir): 0o644, LeafFile(dir): 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", filepath.Base(file), info.Mode(), err, want)
		}
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// TestRead checks that only a CA with limits is read, and its names.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	a, err := NewAuthority([]string{"api.example.com", "sg.api.im.qcloud.com"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	ca, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := AddedNames(ca); !slices.Equal(got, []string{"api.example.com", "sg.api.im.qcloud.com"}) {
		t.Errorf("names %q", got)
	}
	if err := os.WriteFile(CAFile(dir), a.Leaf, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "not the certificate of a local CA") {
		t.Errorf("a server's certificate: %v", err)
	}
}

func TestIsVendor(t *testing.T) {
	for host, want := range map[string]bool{
		"console.tim.qq.com": true, "sg.api.im.qcloud.com": true, "adminapi.my-imcloud.com": true,
		"tim.qq.com": false, "notim.qcloud.com": false, "im.qcloud.com.example.com": false, "": false,
	} {
		if IsVendor(host) != want {
			t.Errorf("IsVendor(%q) = %v", host, !want)
		}
	}
}

// TestLimited refuses a CA that could sign for more than a local CA.
func TestLimited(t *testing.T) {
	a, err := NewAuthority([]string{"api.example.com"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	good, err := decode(a.CA)
	if err != nil || !limited(good) {
		t.Fatalf("a local CA is refused, %v", err)
	}
	for name, change := range map[string]func(*x509.Certificate){
		"a top-level domain": func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"com"} },
		"every domain":       func(c *x509.Certificate) { c.PermittedDNSDomains = nil },
		"every address":      func(c *x509.Certificate) { c.PermittedIPRanges = nil },
		"other addresses": func(c *x509.Certificate) {
			c.PermittedIPRanges = []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(1, 32)}}
		},
		"other uses":   func(c *x509.Certificate) { c.ExtKeyUsage = nil },
		"further CAs":  func(c *x509.Certificate) { c.MaxPathLenZero = false },
		"not critical": func(c *x509.Certificate) { c.PermittedDNSDomainsCritical = false },
	} {
		c := *good
		if change(&c); limited(&c) {
			t.Errorf("%s: accepted", name)
		}
	}
}
