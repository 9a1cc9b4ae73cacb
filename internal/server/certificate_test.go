package server

import (
	"bytes"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/testutil"
)

// A pair is a certificate in files, with its log.
type pair struct {
	*certificate
	t   *testing.T
	log bytes.Buffer
}

// newPair returns a pair with a new certificate, and that certificate in DER.
func newPair(t *testing.T) (*pair, []byte) {
	dir := t.TempDir()
	p := &pair{certificate: &certificate{certFile: filepath.Join(dir, "cert.pem"), keyFile: filepath.Join(dir, "key.pem")}, t: t}
	der := p.renew()
	c, err := newCertificate(p.certFile, p.keyFile, slog.New(slog.NewTextHandler(testutil.Keep(t, &p.log), nil)))
	if err != nil {
		t.Fatal(err)
	}
	p.certificate = c
	return p, der
}

// renew writes a new certificate to the files, and returns it in DER.
func (p *pair) renew() []byte {
	cert, key := testutil.Certificate(p.t)
	for line := range strings.Lines(string(key)) {
		if !strings.HasPrefix(line, "---") {
			testutil.Secret(p.t, strings.TrimSpace(line))
		}
	}
	p.write(p.certFile, cert)
	p.write(p.keyFile, key)
	block, _ := pem.Decode(cert)
	return block.Bytes
}

// write replaces a file in one step. The new file has the same time as the old one.
func (p *pair) write(file string, content []byte) {
	p.t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chtimes(file+".new", time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		p.t.Fatal(err)
	}
}

// wants checks which certificate a handshake gets.
func (p *pair) wants(der []byte) {
	p.t.Helper()
	got, err := p.get(nil)
	if err != nil || !bytes.Equal(got.Certificate[0], der) {
		p.t.Errorf("another certificate is served (%v)", err)
	}
}

// logged checks how often text was logged.
func (p *pair) logged(text string, n int) {
	p.t.Helper()
	if got := strings.Count(p.log.String(), text); got != n {
		p.t.Errorf("%q is logged %d times, want %d:\n%s", text, got, n, p.log.String())
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, first := newPair(t)
		second := p.renew()
		p.wants(first) // the files were checked a moment ago
		time.Sleep(certificateInterval)
		p.wants(second)
		time.Sleep(certificateInterval)
		p.wants(second)
		p.logged("certificate loaded", 1)
		p.logged("WARN", 0)
	})
}

func TestBrokenCertificate(t *testing.T) {
	for name, spoil := range map[string]func(p *pair){
		"no file":      func(p *pair) { _ = os.Remove(p.keyFile) }, // a test without its fault fails
		"no PEM":       func(p *pair) { p.write(p.certFile, []byte("none")) },
		"another key":  func(p *pair) { _, key := testutil.Certificate(p.t); p.write(p.keyFile, key) },
		"half of both": func(p *pair) { cert, _ := testutil.Certificate(p.t); p.write(p.certFile, cert) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, first := newPair(t)
				spoil(p)
				for range 3 {
					time.Sleep(certificateInterval)
					p.wants(first)
				}
				p.logged("level=WARN", 1)
				p.logged("mend the files", 1)
				second := p.renew()
				time.Sleep(certificateInterval)
				p.wants(second)
				p.logged("level=WARN", 1)
				p.logged("certificate loaded", 1)
			})
		})
	}
}

// TestCertificateForMany makes many handshakes during renewals. Each gets a certificate.
func TestCertificateForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPair(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					time.Sleep(certificateInterval / 2)
					if c, err := p.get(nil); err != nil || c == nil {
						t.Errorf("no certificate: %v", err)
					}
				}
			})
		}
		var last []byte
		for range 5 {
			last = p.renew()
			time.Sleep(2 * certificateInterval)
		}
		wg.Wait()
		p.wants(last)
	})
}

// TestUse renews a certificate and calls use, after which it is served at once.
func TestUse(t *testing.T) {
	p, before := newPair(t)
	if p.use() {
		t.Error("files that have not changed are used anew")
	}
	der := p.renew()
	p.wants(before) // the files were checked a moment ago
	if err := p.check(); err != nil {
		t.Error(err)
	}
	p.wants(before)
	if !p.use() {
		t.Error("renewed files are not used")
	}
	p.wants(der)
	p.logged("certificate loaded", 1)
	if got := p.notAfter(); got.IsZero() {
		t.Error("no end of the certificate")
	}
}

// TestUseBroken checks and uses invalid files. The old certificate stays.
func TestUseBroken(t *testing.T) {
	p, first := newPair(t)
	p.write(p.certFile, []byte("none"))
	for range 2 {
		if err := p.check(); err == nil || !strings.Contains(err.Error(), "--tls-cert "+p.certFile) {
			t.Errorf("check: %v", err)
		}
		if p.use() {
			t.Error("files that are none are used")
		}
		p.logged("level=WARN", 1)
	}
	_ = os.Remove(p.keyFile) // a test without its fault fails
	if p.check() == nil || p.use() {
		t.Error("files without a key are used")
	}
	p.wants(first)
	second := p.renew()
	if !p.use() {
		t.Error("renewed files are not used")
	}
	p.wants(second)
}
