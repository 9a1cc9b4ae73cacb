package usersig

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// findMistake returns what the signer of s did wrong if it had the key k and
// made one of the mistakes that ports of the signing code are known for. It
// returns "" if none of them, or for a version 1 key.
func findMistake(s *Sig, k Key) string {
	if k.hmac == nil {
		return ""
	}
	secret, right := k.hmac.secret, s.appendSigned(nil)
	decoded, err := hex.DecodeString(secret)
	tries := []struct {
		secret string
		text   []byte
		why    string
	}{
		{string(decoded), right, "signed with the key decoded from hexadecimal; the key is used as the text it is"},
		{secret + "\n", right, "signed with the key and a line end behind it"},
		{strings.TrimSpace(secret), right, "signed with the key without the white space around it"},
		{secret, swapTimes(right), "TLS.expire was signed before TLS.time; the order is identifier, sdkappid, time, expire"},
		{secret, bytes.TrimSuffix(right, []byte("\n")), "the last line was signed without its line feed"},
		{secret, withoutUserBuf(right), "TLS.userbuf was not signed"},
	}
	if err != nil {
		tries = tries[1:]
	}
	for _, try := range tries {
		if hmac.Equal(sumSHA256(try.secret, try.text), s.mac) {
			return try.why
		}
	}
	return ""
}

func sumSHA256(secret string, text []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(text)
	return h.Sum(nil)
}

// swapTimes exchanges the third and the fourth line of a signed text.
func swapTimes(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines[2], lines[3] = lines[3], lines[2]
	return bytes.Join(lines, nil)
}

// withoutUserBuf cuts the fifth line off a signed text.
func withoutUserBuf(text []byte) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[:4], nil)
}
