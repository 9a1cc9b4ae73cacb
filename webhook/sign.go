package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// SignTolerance is the largest difference between RequestTime and the clock of a receiver
// (protocol-sessions.md §8.1).
const SignTolerance = time.Minute

// Sign returns the signature of the vendor: the SHA-256 of the token followed by
// requestTime, in lower-case hexadecimal digits. requestTime is in Unix seconds. The
// signature does not cover the body (protocol-sessions.md §8.1).
func Sign(token string, requestTime int64) string {
	return signText(token, strconv.FormatInt(requestTime, 10))
}

func signText(token, requestTime string) string {
	sum := sha256.Sum256([]byte(token + requestTime))
	return hex.EncodeToString(sum[:])
}

// VerifySign checks Sign and RequestTime of the query of a webhook. The error is an
// [ErrSignature] and says what is wrong. It contains neither the token nor the signature.
func VerifySign(token string, query url.Values, now time.Time) error {
	if token == "" {
		return fmt.Errorf("%w: the receiver has no token", ErrSignature)
	}
	sign, at := query.Get("Sign"), query.Get("RequestTime")
	if sign == "" || at == "" {
		return fmt.Errorf("%w: Sign or RequestTime is missing in the URL; set the token at the sender", ErrSignature)
	}
	if subtle.ConstantTimeCompare([]byte(sign), []byte(signText(token, at))) == 0 {
		return fmt.Errorf("%w: Sign is not the signature of RequestTime with the receiver's token; compare the tokens", ErrSignature)
	}
	return checkTime("RequestTime", at, now, SignTolerance)
}

// checkTime compares a time in seconds, which is called name, with now.
func checkTime(name, text string, now time.Time, tolerance time.Duration) error {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %s is not a number of seconds", ErrSignature, name)
	}
	most := int64(tolerance / time.Second)
	switch {
	case at < now.Unix()-most:
		return fmt.Errorf("%w: %s is more than %d seconds in the past; send the request again, or set the clocks", ErrSignature, name, most)
	case at > now.Unix()+most:
		return fmt.Errorf("%w: %s is more than %d seconds in the future; set the clocks", ErrSignature, name, most)
	}
	return nil
}
