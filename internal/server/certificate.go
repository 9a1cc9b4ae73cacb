package server

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// certificateInterval is the shortest time between two checks of the files of a
// certificate by handshakes.
const certificateInterval = 5 * time.Second

// A certificate is used for TLS connections. Handshakes check its files, so that a
// renewed certificate needs no restart. It is safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	lg                *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	mu      sync.Mutex // locked during a check of the files
	checked time.Time  // last check
	state   string     // of the files at the last check
	fault   error      // why that state cannot be used
}

// newCertificate reads the certificate in the files.
func newCertificate(certFile, keyFile string, lg *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, lg: lg}
	if err := c.load(); err != nil {
		return nil, c.explain(err)
	}
	return c, nil
}

// config returns a TLS configuration with c.
func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
}

// get returns the certificate for a handshake. While one handshake checks the files,
// other handshakes use the current certificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		if time.Since(c.checked) >= certificateInterval {
			_ = c.reload() // it is logged
		}
	}
	return c.current.Load(), nil
}

// check reads the files and returns an error if they cannot be used. It uses nothing.
func (c *certificate) check() error {
	certPEM, keyPEM, err := c.read()
	if err == nil {
		_, err = tls.X509KeyPair(certPEM, keyPEM)
	}
	if err != nil {
		return c.explain(err)
	}
	return nil
}

// use reads the files at once, and reports whether they are used and differ from those before.
func (c *certificate) use() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.current.Load()
	return c.reload() == nil && c.current.Load() != before
}

// explain returns err with the name of the file and the remedy.
func (c *certificate) explain(err error) error {
	return fmt.Errorf("--tls-cert %s: %w; give a certificate and the key that belongs to it, both in PEM", c.certFile, err)
}

// notAfter returns the time at which the current certificate expires.
func (c *certificate) notAfter() time.Time { return c.current.Load().Leaf.NotAfter }

// reload loads the files if they changed, and returns an error if they cannot be used.
// The old certificate then stays in use. Such an error is normal for a moment while the
// files are replaced one after the other. reload logs one line for each state of the files.
func (c *certificate) reload() error {
	before := c.state
	err := c.load()
	switch {
	case c.state == before:
	case err != nil:
		c.lg.Warn("the new certificate cannot be used, the old one stays: mend the files, they are read again",
			slog.String("tls_cert", c.certFile), slog.String("tls_key", c.keyFile), slog.String("err", err.Error()))
	default:
		c.lg.Info("certificate loaded", slog.String("tls_cert", c.certFile),
			slog.Time("not_after", c.notAfter()))
	}
	return err
}

// load reads the files and uses them if their content changed. It compares the content,
// because times and sizes can stay the same.
func (c *certificate) load() error {
	c.checked = time.Now()
	certPEM, keyPEM, err := c.read()
	if err != nil {
		c.state, c.fault = err.Error(), err
		return err
	}
	sum := sha256.Sum256(slices.Concat(certPEM, keyPEM))
	if state := string(sum[:]); state != c.state {
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		c.state, c.fault = state, err
		if err == nil {
			c.current.Store(&pair)
		}
	}
	return c.fault
}

func (c *certificate) read() (certPEM, keyPEM []byte, err error) {
	if certPEM, err = os.ReadFile(c.certFile); err != nil {
		return nil, nil, err
	}
	keyPEM, err = os.ReadFile(c.keyFile)
	return certPEM, keyPEM, err
}
