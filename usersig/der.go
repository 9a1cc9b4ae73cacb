package usersig

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// ASN.1 object identifiers of kinds of keys and of a curve.
var (
	oidEC        = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidRSA       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEd25519   = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidSecp256k1 = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
)

// curveNames are the names of common curves, including the accepted ones.
var curveNames = map[string]string{
	"1.3.132.0.33":          "P-224",
	"1.2.840.10045.3.1.7":   "P-256",
	"1.3.132.0.34":          "P-384",
	"1.3.132.0.35":          "P-521",
	"1.2.840.10045.3.1.1":   "P-192",
	"1.3.132.0.32":          "secp224k1",
	"1.3.132.0.31":          "secp192k1",
	"1.3.36.3.3.2.8.1.1.7":  "brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
	"1.2.156.10197.1.301":   "SM2",
}

var errDamaged = errors.New("what its PEM block holds is damaged")

// parsePublic parses a SubjectPublicKeyInfo (RFC 5280). Package x509 does not
// support secp256k1 and does not say what other kind of key it found.
func parsePublic(der []byte) (ecKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if key, ok := parsed.(*ecdsa.PublicKey); err == nil && ok {
		return nistPublic{key}, nil
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, errDamaged
	}
	curve, err := curveOf(info.Algorithm)
	if err != nil {
		return nil, err
	}
	if !curve.Equal(oidSecp256k1) {
		return nil, whyUnread(curve, info.Key.Bytes)
	}
	key, err := secp256k1.ParsePubKey(info.Key.RightAlign())
	if err != nil {
		return nil, errDamaged
	}
	return koblitzPublic{key}, nil
}

// curveOf returns the identifier of the curve of an elliptic curve key.
func curveOf(a pkix.AlgorithmIdentifier) (asn1.ObjectIdentifier, error) {
	switch {
	case a.Algorithm.Equal(oidRSA):
		return nil, errors.New("it is an RSA key")
	case a.Algorithm.Equal(oidEd25519):
		return nil, errors.New("it is an Ed25519 key")
	case !a.Algorithm.Equal(oidEC):
		return nil, fmt.Errorf("it is no ECDSA key, but one of the kind %v", a.Algorithm)
	}
	var curve asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(a.Parameters.FullBytes, &curve); err != nil || len(rest) > 0 {
		return nil, errors.New("its curve is spelt out instead of named (openssl ec -param_enc named_curve names it)")
	}
	return curve, nil
}

// whyUnread says why package x509 cannot parse a key on the curve.
func whyUnread(curve asn1.ObjectIdentifier, point []byte) error {
	name, known := curveNames[curve.String()]
	switch {
	case curve == nil:
		return errDamaged
	case !known:
		return fmt.Errorf("it is on the curve %v", curve)
	case name[:2] != "P-" || name == "P-192":
		return fmt.Errorf("it is on the curve %s", name)
	case len(point) > 0 && (point[0] == 2 || point[0] == 3):
		return errors.New("its point is compressed (openssl ec -pubin -conv_form uncompressed writes it out)")
	}
	return errDamaged
}

// parsePrivate parses a private key in SEC 1 or PKCS #8.
func parsePrivate(block *pem.Block) (ecKey, error) {
	if _, ok := block.Headers["DEK-Info"]; ok {
		return nil, errors.New("it is encrypted (openssl ec decrypts it)")
	}
	if key := nistSecret(block); key != nil {
		return nistPrivate{nistPublic{&key.PublicKey}, key}, nil
	}
	der, curve, err := unwrapPKCS8(block)
	if err != nil {
		return nil, err
	}
	var key struct {
		Version int
		Secret  []byte
		Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		Public  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 || key.Version != 1 {
		return nil, errDamaged
	}
	if curve == nil {
		curve = key.Curve
	}
	if !curve.Equal(oidSecp256k1) {
		return nil, whyUnread(curve, nil)
	}
	return koblitzSecret(key.Secret)
}

// nistSecret returns the key of block, or nil if package x509 cannot parse it.
func nistSecret(block *pem.Block) *ecdsa.PrivateKey {
	if block.Type == blockSEC1 {
		key, _ := x509.ParseECPrivateKey(block.Bytes)
		return key
	}
	parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, _ := parsed.(*ecdsa.PrivateKey)
	return key
}

// unwrapPKCS8 returns the SEC 1 form of the key in block, and its curve if that
// is outside of the SEC 1 form.
func unwrapPKCS8(block *pem.Block) ([]byte, asn1.ObjectIdentifier, error) {
	if block.Type == blockSEC1 {
		return block.Bytes, nil, nil
	}
	var key struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
		// optional attributes follow
	}
	if _, err := asn1.Unmarshal(block.Bytes, &key); err != nil {
		return nil, nil, errDamaged
	}
	curve, err := curveOf(key.Algorithm)
	return key.Key, curve, err
}

func koblitzSecret(secret []byte) (ecKey, error) {
	var n secp256k1.ModNScalar
	if len(secret) > 32 || n.SetByteSlice(secret) || n.IsZero() {
		return nil, errDamaged
	}
	key := secp256k1.NewPrivateKey(&n)
	return koblitzPrivate{koblitzPublic{key.PubKey()}, key}, nil
}
