package account

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// lineEnds takes out what may stand between the lines of a key that was put on one
// line, and spells base64 in its standard alphabet.
var lineEnds = strings.NewReplacer(" ", "", "\t", "", `\r`, "", `\n`, "", "=", "", "-", "+", "_", "/")

// isPublic reports whether the secret of an HMAC key is a key in PEM, or the bare
// text of a public key in base64 or hexadecimal digits, of whatever algorithm. Who
// knows a public key, which is no secret, could sign with it.
func isPublic(secret string) bool {
	if strings.Contains(secret, "-----BEGIN") || strings.Contains(secret, "PUBLIC KEY") {
		return true
	}
	text := lineEnds.Replace(secret)
	for _, decode := range []func(string) ([]byte, error){base64.RawStdEncoding.DecodeString, hex.DecodeString} {
		if der, err := decode(text); err == nil && isPublicDER(der) {
			return true
		}
	}
	return false
}

// isPublicDER reports whether der is a SubjectPublicKeyInfo (RFC 5280, section 4.1).
func isPublicDER(der []byte) bool {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	rest, err := asn1.Unmarshal(der, &info)
	return err == nil && len(rest) == 0
}
