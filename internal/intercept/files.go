package intercept

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall/internal/durable"
	"rollcall/internal/region"
)

// renewBefore is the time before the end of a certificate at which it is replaced.
const renewBefore = 14 * 24 * time.Hour

// Names of the files of an [Authority] in a data directory.
const (
	caFile   = "local-ca.pem"
	leafFile = "local-cert.pem"
)

// CAFile returns the file of the CA's certificate in the data directory dir. It is no
// secret.
func CAFile(dir string) string { return filepath.Join(dir, caFile) }

// LeafFile returns the file of the server's certificate and its private key in the data
// directory dir.
func LeafFile(dir string) string { return filepath.Join(dir, leafFile) }

// Write writes the files of a to the data directory dir. A reader may see the new CA with
// the old certificate for a moment.
func (a *Authority) Write(dir string) error {
	if err := durable.Write(CAFile(dir), a.CA); err != nil {
		return err
	}
	if err := os.Chmod(CAFile(dir), 0o644); err != nil {
		return err
	}
	return durable.Write(LeafFile(dir), a.Leaf)
}

// Ensure creates the files of an [Authority] in the data directory dir unless they are
// there, valid for names, and not about to expire. It reports whether it replaced a CA,
// because clients must then trust the new one.
func Ensure(dir string, names []string, now time.Time) (replaced bool, err error) {
	if usable(dir, names, now) == nil {
		return false, nil
	}
	a, err := NewAuthority(names, now)
	if err != nil {
		return false, err
	}
	_, absent := os.Lstat(CAFile(dir))
	return absent == nil, a.Write(dir)
}

// usable returns an error unless the files in dir can be used for names for some time.
func usable(dir string, names []string, now time.Time) error {
	ca, err := Read(dir)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(LeafFile(dir))
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(b, b)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	for _, name := range unique(region.Hosts(), names, []string{"localhost"}) {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now.Add(renewBefore)}); err != nil {
			return err
		}
	}
	return nil
}

// Read returns the certificate of the local CA in the data directory dir. It refuses one
// without the limits of a local CA. The error is [io/fs.ErrNotExist] if there is none.
func Read(dir string) (*x509.Certificate, error) {
	b, err := os.ReadFile(CAFile(dir))
	if err != nil {
		return nil, err
	}
	ca, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", CAFile(dir), err)
	}
	if !limited(ca) {
		return nil, fmt.Errorf("%s is not the certificate of a local CA: remove it, and \"rollcall ca renew\" creates one", CAFile(dir))
	}
	return ca, nil
}

// limited reports whether ca has the limits of a local CA: it signs no further CA, only
// for servers, and only for host names that were given whole and for this machine.
func limited(ca *x509.Certificate) bool {
	wide := func(name string) bool { return name != "localhost" && CheckName(name) != nil }
	foreign := func(r *net.IPNet) bool {
		ones, bits := r.Mask.Size()
		return !r.IP.IsLoopback() || bits == 32 && ones < 8
	}
	return ca.IsCA && ca.MaxPathLenZero && slices.Equal(ca.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) &&
		ca.PermittedDNSDomainsCritical && len(ca.PermittedDNSDomains) > 0 && !slices.ContainsFunc(ca.PermittedDNSDomains, wide) &&
		len(ca.PermittedIPRanges) > 0 && !slices.ContainsFunc(ca.PermittedIPRanges, foreign)
}

// AddedNames returns the names that ca was created for, besides the vendor's.
func AddedNames(ca *x509.Certificate) []string {
	var names []string
	for _, name := range ca.PermittedDNSDomains {
		if CheckName(name) == nil && !slices.Contains(subtrees, name) {
			names = append(names, name)
		}
	}
	return names
}
