package usersig

import (
	"crypto/ecdsa"
	"crypto/rand"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// A nistPublic is a public key on one of the curves of package [ecdsa].
type nistPublic struct{ key *ecdsa.PublicKey }

func (k nistPublic) curve() string                  { return k.key.Params().Name }
func (k nistPublic) verify(digest, sig []byte) bool { return ecdsa.VerifyASN1(k.key, digest, sig) }

// A nistPrivate is a private key on one of the curves of package [ecdsa].
type nistPrivate struct {
	nistPublic
	secret *ecdsa.PrivateKey
}

func (k nistPrivate) sign(digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, k.secret, digest)
}

// A koblitzPublic is a public key on secp256k1, the curve of the oldest apps.
type koblitzPublic struct{ key *secp256k1.PublicKey }

func (k koblitzPublic) curve() string { return "secp256k1" }

func (k koblitzPublic) verify(digest, sig []byte) bool {
	s, err := secp256k1ecdsa.ParseDERSignature(sig)
	return err == nil && s.Verify(digest, k.key)
}

// A koblitzPrivate is a private key on secp256k1.
type koblitzPrivate struct {
	koblitzPublic
	secret *secp256k1.PrivateKey
}

func (k koblitzPrivate) sign(digest []byte) ([]byte, error) {
	return secp256k1ecdsa.Sign(k.secret, digest).Serialize(), nil
}
