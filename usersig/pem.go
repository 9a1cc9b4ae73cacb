package usersig

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Texts for errors about keys, and parts of PEM.
const (
	curvesAccepted = "P-224, P-256, P-384, P-521 and secp256k1"
	givePublic     = "; give the app's ECDSA public key in PEM, on one of the curves " + curvesAccepted
	givePrivate    = "; give the app's ECDSA private key in PEM, on one of the curves " + curvesAccepted
	byteOrder      = "\ufeff" // the byte order mark, which some editors write before a text
	blockPublic    = "PUBLIC KEY"
	blockPKCS8     = "PRIVATE KEY"
	blockSEC1      = "EC PRIVATE KEY"
	blockBeginning = "-----BEGIN"
)

// ParsePublicKey returns the key that verifies version 1. It reads a PEM block
// "PUBLIC KEY" or "EC PUBLIC KEY" (SubjectPublicKeyInfo) on the curve P-224,
// P-256, P-384, P-521 or secp256k1. It ignores other blocks and text around it,
// white space, a byte order mark, and the kind of line ends.
//
// The error says what was found and what is accepted. It contains nothing of a
// key.
func ParsePublicKey(pemText []byte) (Key, error) {
	block, err := findPEM(pemText, givePublic, blockPublic, "EC "+blockPublic)
	if err != nil {
		return Key{}, err
	}
	ec, err := parsePublic(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("%w%s", err, givePublic)
	}
	return Key{ec: ec}, nil
}

// ParsePrivateKey returns the key that signs and verifies version 1. It reads a
// PEM block "EC PRIVATE KEY" (SEC 1) or "PRIVATE KEY" (PKCS #8) on one of the
// curves of [ParsePublicKey]. It ignores a block "EC PARAMETERS", which OpenSSL
// writes before the key. Errors are like those of ParsePublicKey.
func ParsePrivateKey(pemText []byte) (Key, error) {
	block, err := findPEM(pemText, givePrivate, blockSEC1, blockPKCS8)
	if err != nil {
		return Key{}, err
	}
	ec, err := parsePrivate(block)
	if err != nil {
		return Key{}, fmt.Errorf("%w%s", err, givePrivate)
	}
	return Key{ec: ec}, nil
}

// findPEM returns the first block of one of the types. Its error ends with
// give, which says what to provide.
func findPEM(text []byte, give string, types ...string) (*pem.Block, error) {
	rest := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte(byteOrder)))
	var other *pem.Block
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil && other != nil:
			return nil, errors.New(describeBlock(other) + give)
		case block == nil:
			return nil, errors.New(whyNoPEM(string(text)) + give)
		case slices.Contains(types, block.Type):
			return block, nil
		case other == nil && block.Type != "EC PARAMETERS":
			other = block
		}
	}
}

// describeBlock says what a PEM block is.
func describeBlock(block *pem.Block) string {
	kind := block.Type
	switch key, _ := x509.ParsePKCS8PrivateKey(block.Bytes); key.(type) { // RSA and Ed25519 keys are not accepted, not even their public keys
	case *rsa.PrivateKey:
		return "it is an RSA key"
	case ed25519.PrivateKey:
		return "it is an Ed25519 key"
	}
	switch {
	case strings.Contains(kind, "CERTIFICATE REQUEST"):
		return "it is a request for a certificate"
	case strings.Contains(kind, "CERTIFICATE"):
		return "it is a certificate (openssl x509 -pubkey -noout prints the public key in one)"
	case strings.HasPrefix(kind, "RSA "):
		return "it is an RSA key"
	case strings.HasPrefix(kind, "ENCRYPTED "):
		return "it is an encrypted private key (openssl pkey decrypts one)"
	case strings.HasSuffix(kind, blockPKCS8):
		return "it is a private key (openssl pkey -pubout makes the public key of one)"
	case strings.HasSuffix(kind, blockPublic):
		return "it is a public key, which only verifies"
	}
	return fmt.Sprintf("it is a PEM block of another kind (%.40q)", kind)
}

// whyNoPEM says what is wrong with a text that contains no PEM block.
func whyNoPEM(text string) string {
	switch at := strings.Index(text, blockBeginning); {
	case strings.TrimSpace(text) == "":
		return "it is empty"
	case at < 0:
		return "it is not PEM: no line begins with " + blockBeginning
	case strings.Contains(text, `\n`):
		return `it is not PEM: its line ends are written as \n, not as line ends`
	case at > 0 && strings.ContainsAny(text[at-1:at], "\"'`"):
		return "it is not PEM: it stands in quotes"
	case !strings.Contains(text, "-----END"):
		return "its PEM ends early: the line with -----END is missing"
	}
	return "its PEM is damaged: between the lines BEGIN and END there must be lines of base64, not indented"
}
