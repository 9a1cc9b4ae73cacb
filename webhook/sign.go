package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Sign returns the signature of the vendor: the SHA-256 of the token followed by
// requestTime, in lower-case hexadecimal digits. requestTime is in Unix seconds. The
// signature does not cover the body (protocol-sessions.md §8.1).
func Sign(token string, requestTime int64) string {
	sum := sha256.Sum256(strconv.AppendInt([]byte(token), requestTime, 10))
	return hex.EncodeToString(sum[:])
}
