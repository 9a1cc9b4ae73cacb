package intercept

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"rollcall/internal/region"
)

// Validity of the certificates.
const (
	validity = 90 * 24 * time.Hour
	backdate = time.Hour // for clients whose clock is slow
)

// commonName is the name of every local CA in lists of certificates.
const commonName = "Rollcall local CA"

// subtrees are the vendor's domains whose names the CA may sign, with all names below
// them. Every host of protocol.md §1.3 is in one of them.
var subtrees = []string{"im.qcloud.com", "my-imcloud.com", region.China}

// loopback are the addresses of this machine that the CA may sign.
var loopback = []*net.IPNet{
	{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
	{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
}

// An Authority is a local CA with the only certificate that it has signed. Its private
// key no longer exists, so nothing else can ever be signed by it.
type Authority struct {
	CA   []byte // certificate of the CA, in PEM
	Leaf []byte // certificate for the names and its private key, in PEM
}

// NewAuthority creates a local CA. The certificate that it signs is valid for 90 days,
// for every host of the vendor's data centres, for names, and for this machine.
//
// The CA is limited by critical name constraints to the vendor's domains, names and this
// machine. A computer that trusts it therefore trusts it for nothing else.
func NewAuthority(names []string, now time.Time) (*Authority, error) {
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return nil, err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, err := createCA(names, now, key)
	if err != nil {
		return nil, err
	}
	leaf, err := createLeaf(names, now, ca, key)
	if err != nil {
		return nil, err
	}
	return &Authority{CA: encode("CERTIFICATE", ca.Raw), Leaf: leaf}, nil
}

// createCA creates the certificate of a CA that may sign for names.
func createCA(names []string, now time.Time, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		Subject:                     pkix.Name{Organization: []string{"Rollcall"}, CommonName: commonName},
		NotBefore:                   now.Add(-backdate),
		NotAfter:                    now.Add(validity),
		KeyUsage:                    x509.KeyUsageCertSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         unique(subtrees, names, []string{"localhost"}),
		PermittedIPRanges:           loopback,
	}, &x509.Certificate{Subject: pkix.Name{Organization: []string{"Rollcall"}, CommonName: commonName}}, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// createLeaf creates a certificate for names that ca signs, and returns it with its key.
func createLeaf(names []string, now time.Time, ca *x509.Certificate, caKey *ecdsa.PrivateKey) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"Rollcall"}, CommonName: region.China},
		NotBefore:             ca.NotBefore,
		NotAfter:              ca.NotAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              unique(region.Hosts(), names, []string{"localhost"}),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, ca, key.Public(), caKey)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(encode("CERTIFICATE", der), encode("PRIVATE KEY", private)...), nil
}

// unique returns the names of all lists, each once.
func unique(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// decode returns the first certificate in b.
func decode(b []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(b)
		switch {
		case block == nil:
			return nil, errors.New("no certificate in PEM")
		case block.Type == "CERTIFICATE":
			return x509.ParseCertificate(block.Bytes)
		}
		b = rest
	}
}

// maxName is the limit of the length of a host name, from RFC 1035.
const maxName = 253

// CheckName returns an error unless name is the host name of a certificate: at least two
// labels of small letters, digits and hyphens.
func CheckName(name string) error {
	labels := strings.Split(name, ".")
	valid := len(name) <= maxName && len(labels) > 1 && net.ParseIP(name) == nil
	for _, label := range labels {
		valid = valid && validLabel(label)
	}
	if !valid {
		return fmt.Errorf("%q is no host name: give one in small letters, such as api.example.com, without a port", name)
	}
	return nil
}

func validLabel(label string) bool {
	strange := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}
	return label != "" && len(label) <= 63 && label[0] != '-' && label[len(label)-1] != '-' && !strings.ContainsFunc(label, strange)
}

// IsVendor reports whether host is in one of the vendor's domains. Host must be in lower
// case and without a port.
func IsVendor(host string) bool {
	return slices.ContainsFunc(subtrees, func(tree string) bool { return host == tree || strings.HasSuffix(host, "."+tree) })
}
