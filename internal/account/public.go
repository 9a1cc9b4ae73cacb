package account

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// These replacers normalize a key that was written on one line: they remove spaces and
// the escapes \r and \n. Base64 has three alphabets: the standard one, the one for URLs
// and the one of a UserSig.
var (
	base64URL     = strings.NewReplacer(" ", "", "\t", "", `\r`, "", `\n`, "", "=", "", "-", "+", "_", "/")
	base64UserSig = strings.NewReplacer(" ", "", "\t", "", `\r`, "", `\n`, "", "=", "", "*", "+", "-", "/", "_", "")
	hexDigits     = strings.NewReplacer(" ", "", "\t", "", `\r`, "", `\n`, "", ":", "", ",", "", "0x", "", "0X", "")
)

// isPublic reports whether the secret of an HMAC key is a key in PEM or JSON (RFC
// 7517), or a bare public key of any algorithm in base64 or hexadecimal digits. A
// public key is not secret: everybody who knows it could sign with it. isPublic does
// not recognize a compressed point, because a random secret may look like one.
func isPublic(secret string) bool {
	if strings.Contains(secret, "-----BEGIN") || strings.Contains(secret, "PUBLIC KEY") || strings.Contains(secret, `"kty"`) {
		return true
	}
	for word := range strings.FieldsSeq(secret) { // "ssh-ed25519 AAAA… user@host"
		if b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "=")); err == nil && isSSH(b) {
			return true
		}
	}
	for _, text := range []string{base64URL.Replace(secret), base64UserSig.Replace(secret)} {
		if b, err := base64.RawStdEncoding.DecodeString(text); err == nil && isPublicBytes(b) {
			return true
		}
	}
	b, err := hex.DecodeString(hexDigits.Replace(secret))
	return err == nil && isPublicBytes(b)
}

// isSSH reports whether b is a public key of SSH (RFC 4253, section 6.6), which begins
// with its kind.
func isSSH(b []byte) bool {
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return false
	}
	kind := b[4 : 4+binary.BigEndian.Uint32(b)]
	return bytes.HasPrefix(kind, []byte("ssh-")) || bytes.HasPrefix(kind, []byte("ecdsa-")) || bytes.HasPrefix(kind, []byte("sk-"))
}

// isPublicBytes reports whether b is a public key or a certificate.
func isPublicBytes(b []byte) bool {
	var info struct { // SubjectPublicKeyInfo (RFC 5280, section 4.1)
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(b, &info); err == nil && len(rest) == 0 {
		return true
	}
	if _, err := x509.ParsePKCS1PublicKey(b); err == nil {
		return true
	}
	if _, err := x509.ParseCertificate(b); err == nil {
		return true
	}
	return isPoint(b) || isPoint(append([]byte{4}, b...)) || isSSH(b)
}

// isPoint reports whether b is an uncompressed point of a curve (SEC 1, section
// 2.3.3). Random bytes are practically never such a point.
func isPoint(b []byte) bool {
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, b); err == nil {
			return true
		}
	}
	_, err := secp256k1.ParsePubKey(b)
	return err == nil && len(b) == secp256k1.PubKeyBytesLenUncompressed
}
