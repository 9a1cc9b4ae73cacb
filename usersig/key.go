package usersig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
)

// A Key signs or verifies UserSigs of one version. Make one with [HMACKey],
// [ParsePublicKey] or [ParsePrivateKey], once, and keep it: it holds prepared
// state. The zero Key signs nothing and fits no signature.
//
// A Key prints as its kind, never as its content.
type Key struct {
	hmac    *hmacKey
	public  *ecdsa.PublicKey
	private *ecdsa.PrivateKey
}

// HMACKey returns the key that signs and verifies version 2. The secret is the
// text that the console shows, usually 64 hexadecimal digits, taken as it
// stands: it is not decoded. An empty secret gives the zero Key.
func HMACKey(secret string) Key {
	if secret == "" {
		return Key{}
	}
	return Key{hmac: newHMACKey(secret)}
}

// ParsePublicKey returns the key that verifies version 1, from a PEM block
// "PUBLIC KEY" (SubjectPublicKeyInfo) on the curve P-224, P-256, P-384 or
// P-521. Other blocks and text around it are passed over.
func ParsePublicKey(pemText []byte) (Key, error) {
	block, err := findPEM(pemText, "PUBLIC KEY")
	if err != nil {
		return Key{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("usersig: public key: %w", err)
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return Key{}, errors.New("usersig: public key: not an elliptic curve key")
	}
	return Key{public: public}, nil
}

// ParsePrivateKey returns the key that signs and verifies version 1, from a
// PEM block "EC PRIVATE KEY" (SEC 1) or "PRIVATE KEY" (PKCS #8) on one of the
// curves of [ParsePublicKey]. A block "EC PARAMETERS" before it, which
// OpenSSL writes, is passed over.
func ParsePrivateKey(pemText []byte) (Key, error) {
	block, err := findPEM(pemText, "EC PRIVATE KEY", "PRIVATE KEY")
	if err != nil {
		return Key{}, err
	}
	var parsed any
	if block.Type == "PRIVATE KEY" {
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	} else {
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if err != nil {
		return Key{}, fmt.Errorf("usersig: private key: %w", err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return Key{}, errors.New("usersig: private key: not an elliptic curve key")
	}
	return Key{public: &private.PublicKey, private: private}, nil
}

// findPEM returns the first block of one of the types.
func findPEM(text []byte, types ...string) (*pem.Block, error) {
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("usersig: no PEM block %q found", types)
		}
		if slices.Contains(types, block.Type) {
			return block, nil
		}
	}
}

// String returns the kind of k, such as "ECDSA P-256 public key".
func (k Key) String() string {
	switch {
	case k.hmac != nil:
		return "HMAC key"
	case k.private != nil:
		return "ECDSA " + k.private.Params().Name + " private key"
	case k.public != nil:
		return "ECDSA " + k.public.Params().Name + " public key"
	}
	return "no key"
}

// GoString keeps %#v from printing what String hides.
func (k Key) GoString() string { return "usersig.Key(" + k.String() + ")" }

// version returns the version that k is for, or 0 for the zero Key.
func (k Key) version() int {
	switch {
	case k.hmac != nil:
		return 2
	case k.public != nil:
		return 1
	}
	return 0
}

// sign returns the signature of s, which is of the version of k.
func (k Key) sign(s *Sig) ([]byte, error) {
	switch {
	case k.hmac != nil:
		return k.hmac.sum(s), nil
	case k.private != nil:
		digest := sha256.Sum256(s.appendSigned(nil))
		return ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	}
	return nil, fmt.Errorf("usersig: cannot sign with this key: %v", k)
}

// signed reports whether the signature of s was made with k.
func (k Key) signed(s *Sig) bool {
	if k.version() != s.Version {
		return false
	}
	if k.hmac != nil {
		return k.hmac.fits(s)
	}
	digest := sha256.Sum256(s.appendSigned(nil))
	return ecdsa.VerifyASN1(k.public, digest[:], s.mac)
}

// An hmacKey keeps keyed hash states for reuse: preparing one costs more than
// hashing the text.
type hmacKey struct {
	secret string
	states sync.Pool // of *hmacState
}

type hmacState struct {
	mac  hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

func newHMACKey(secret string) *hmacKey {
	k := &hmacKey{secret: secret}
	k.states.New = func() any { return &hmacState{mac: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// sum returns the signature of s.
func (k *hmacKey) sum(s *Sig) []byte {
	st := k.states.Get().(*hmacState)
	defer k.states.Put(st)
	return bytes.Clone(st.of(s))
}

// fits reports whether the signature of s is that of k. It takes as long for a
// wrong one as for the right one.
func (k *hmacKey) fits(s *Sig) bool {
	st := k.states.Get().(*hmacState)
	defer k.states.Put(st)
	return hmac.Equal(st.of(s), s.mac)
}

// of returns the signature of s. It lives in st.
func (st *hmacState) of(s *Sig) []byte {
	st.text = s.appendSigned(st.text[:0])
	st.mac.Reset()
	st.mac.Write(st.text)
	return st.mac.Sum(st.sum[:0])
}
