package usersig

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
)

// A Key signs or verifies UserSigs of one version. Create it once with
// [HMACKey], [ParsePublicKey] or [ParsePrivateKey] and keep it, because it
// contains prepared state. The zero Key cannot sign and verifies no signature.
//
// Formatting a Key prints its kind, never its content.
type Key struct {
	hmac *hmacKey
	ec   ecKey // nil, or comparable
}

// An ecKey is an ECDSA key, for version 1.
type ecKey interface {
	curve() string
	verify(digest, sig []byte) bool
}

// An ecSigner is an ECDSA private key, for version 1.
type ecSigner interface {
	ecKey
	sign(digest []byte) ([]byte, error)
}

// HMACKey returns the key that signs and verifies version 2. The secret is the
// text that the console shows, usually 64 hexadecimal digits. It is used as it
// is written, without decoding. An empty secret returns the zero Key.
func HMACKey(secret string) Key {
	if secret == "" {
		return Key{}
	}
	return Key{hmac: newHMACKey(secret)}
}

// String returns the kind of k, such as "ECDSA P-256 public key".
func (k Key) String() string {
	switch {
	case k.hmac != nil:
		return "HMAC key"
	case k.ec == nil:
		return "no key"
	}
	if _, ok := k.ec.(ecSigner); ok {
		return "ECDSA " + k.ec.curve() + " private key"
	}
	return "ECDSA " + k.ec.curve() + " public key"
}

// GoString prevents %#v from printing the content of k.
func (k Key) GoString() string { return "usersig.Key(" + k.String() + ")" }

// version returns the version of UserSigs that k is for, or 0 for the zero Key.
func (k Key) version() int {
	switch {
	case k.hmac != nil:
		return 2
	case k.ec != nil:
		return 1
	}
	return 0
}

// sign returns the signature of s, which must be of the version of k.
func (k Key) sign(s *Sig) ([]byte, error) {
	if k.hmac != nil {
		return k.hmac.sum(s), nil
	}
	signer, ok := k.ec.(ecSigner)
	if !ok {
		return nil, fmt.Errorf("usersig: cannot sign with this key: %v", k)
	}
	digest := sha256.Sum256(s.appendSigned(nil))
	return signer.sign(digest[:])
}

// signed reports whether k made the signature of s.
func (k Key) signed(s *Sig) bool {
	if k.version() != s.Version {
		return false
	}
	if k.hmac != nil {
		return k.hmac.fits(s)
	}
	digest := sha256.Sum256(s.appendSigned(nil))
	return k.ec.verify(digest[:], s.mac)
}

// An hmacKey keeps keyed hash states for reuse, because preparing one costs
// more than hashing the text.
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

// sum returns the signature of s by k.
func (k *hmacKey) sum(s *Sig) []byte {
	st := k.states.Get().(*hmacState)
	defer k.states.Put(st)
	return bytes.Clone(st.of(s))
}

// fits reports whether the signature of s is that of k. The comparison takes
// the same time for a wrong signature as for the right one.
func (k *hmacKey) fits(s *Sig) bool {
	st := k.states.Get().(*hmacState)
	defer k.states.Put(st)
	return hmac.Equal(st.of(s), s.mac)
}

// of returns the signature of s. The result shares the memory of st.
func (st *hmacState) of(s *Sig) []byte {
	st.text = s.appendSigned(st.text[:0])
	st.mac.Reset()
	st.mac.Write(st.text)
	return st.mac.Sum(st.sum[:0])
}
