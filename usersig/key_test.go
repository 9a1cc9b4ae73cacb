package usersig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
)

// pems contains one key in all its forms.
type pems struct{ sec1, pkcs8, public []byte }

func newPEM(t testing.TB, curve elliptic.Curve) pems {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pems{block("EC PRIVATE KEY", sec1), block("PRIVATE KEY", pkcs8), block("PUBLIC KEY", public)}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func mustPublic(t testing.TB, p pems) Key {
	t.Helper()
	k, err := ParsePublicKey(p.public)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustPrivate(t testing.TB, p pems) Key {
	t.Helper()
	k, err := ParsePrivateKey(p.sec1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyForms(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		t.Run(curve.Params().Name, func(t *testing.T) {
			p := newPEM(t, curve)
			public := mustPublic(t, p)
			other := mustPublic(t, newPEM(t, curve))
			parameters := block("EC PARAMETERS", []byte{6, 0})
			for _, private := range [][]byte{p.sec1, p.pkcs8, append(parameters, p.sec1...)} {
				k, err := ParsePrivateKey(private)
				if err != nil {
					t.Fatal(err)
				}
				text, err := Sign(k, vectorClaims("administrator"))
				if err != nil {
					t.Fatal(err)
				}
				r := vectorRequest("administrator")
				for _, test := range []struct {
					keys []Key
					want error
				}{
					{[]Key{public}, nil},
					{[]Key{k}, nil},
					{[]Key{HMACKey(vectorSecret), other, public}, nil},
					{[]Key{HMACKey(vectorSecret), other}, &Error{Reason: BadSignature}},
				} {
					r.Keys = test.keys
					if s, err := Verify(text, r); !sameReason(err, test.want) || (err == nil && s.Version != 1) {
						t.Errorf("keys %v: Verify = %+v, %v; want %v", test.keys, s, err, test.want)
					}
				}
			}
		})
	}
}

func TestBadPEM(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(edwards)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(edwards.Public())
	if err != nil {
		t.Fatal(err)
	}
	p := newPEM(t, elliptic.P256())
	for name, text := range map[string][]byte{
		"empty":          nil,
		"not PEM":        []byte("secret"),
		"private key":    p.sec1,
		"damaged":        block("PUBLIC KEY", []byte("x")),
		"other key type": block("PUBLIC KEY", public),
	} {
		if k, err := ParsePublicKey(text); err == nil || k != (Key{}) {
			t.Errorf("%s: ParsePublicKey = %v, %v", name, k, err)
		}
	}
	for name, text := range map[string][]byte{
		"empty":          nil,
		"public key":     p.public,
		"damaged SEC 1":  block("EC PRIVATE KEY", []byte("x")),
		"damaged PKCS 8": block("PRIVATE KEY", []byte("x")),
		"other key type": block("PRIVATE KEY", private),
	} {
		if k, err := ParsePrivateKey(text); err == nil || k != (Key{}) {
			t.Errorf("%s: ParsePrivateKey = %v, %v", name, k, err)
		}
	}
}

func TestKeyPrintsNoSecret(t *testing.T) {
	p := newPEM(t, elliptic.P256())
	for want, k := range map[string]Key{
		"no key":                  {},
		"HMAC key":                HMACKey("open sesame"),
		"ECDSA P-256 public key":  mustPublic(t, p),
		"ECDSA P-256 private key": mustPrivate(t, p),
	} {
		if k.String() != want {
			t.Errorf("String = %q; want %q", k, want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			for _, v := range []any{k, &k, Request{Keys: []Key{k}}} {
				if got := fmt.Sprintf(verb, v); !strings.Contains(got, want) || strings.Contains(got, "sesame") {
					t.Errorf("%s of %T: %s", verb, v, got)
				}
			}
		}
	}
}
