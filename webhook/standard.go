package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Headers of the specification Standard Webhooks 1.0.0. Rollcall sends them to apps that
// have a secret. The vendor does not send them.
const (
	HeaderID        = "webhook-id"        // the same in all attempts to deliver an event
	HeaderTimestamp = "webhook-timestamp" // Unix seconds of the attempt
	HeaderSignature = "webhook-signature" // one or more, separated by spaces
)

// StandardTolerance is the largest difference between the header webhook-timestamp and the
// clock of a receiver. It is that of the specification's libraries.
const StandardTolerance = 5 * time.Minute

const (
	secretPrefix = "whsec_"
	minSecret    = 24 // bytes
	maxSecret    = 64
	newSecret    = 32

	versionPrefix = "v1," // HMAC-SHA256
)

// NewSecret returns a random secret for [SignStandard].
func NewSecret() string {
	key := make([]byte, newSecret)
	rand.Read(key) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

// CheckSecret returns an error that says what is wrong with a malformed secret, without the
// secret.
func CheckSecret(secret string) error {
	_, err := secretKey(secret)
	return err
}

// SignStandard returns a signature of the specification Standard Webhooks 1.0.0: "v1," and
// the base64 of an HMAC-SHA256 over the id, the time in seconds and the body. The secret is
// whsec_ and the base64 of 24 to 64 bytes. During a change of the secret, the header
// contains the signatures of both secrets, separated by a space.
//
// It returns an error if the secret is malformed, or if the id is empty or contains a
// character other than letters, digits, - and _.
func SignStandard(secret, id string, at time.Time, body []byte) (string, error) {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return !idRune(r) }) {
		return "", fmt.Errorf("the id of a webhook %q must be letters, digits, - and _", id)
	}
	key, err := secretKey(secret)
	if err != nil {
		return "", err
	}
	sum := sumStandard(key, id, strconv.FormatInt(at.Unix(), 10), body)
	return versionPrefix + base64.StdEncoding.EncodeToString(sum), nil
}

func idRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
}

// VerifyStandard checks the headers of a webhook that a sender has signed as
// [SignStandard] does. One right signature among several is enough. The error is an
// [ErrSignature] and says what is wrong, unless the receiver's secret is malformed. It
// contains neither the secret nor a signature.
func VerifyStandard(secret string, header http.Header, body []byte, now time.Time) error {
	key, err := secretKey(secret)
	if err != nil {
		return err
	}
	id, at := header.Get(HeaderID), header.Get(HeaderTimestamp)
	signatures := strings.Fields(header.Get(HeaderSignature))
	if id == "" || at == "" || len(signatures) == 0 {
		return fmt.Errorf("%w: %s, %s or %s is missing in the headers; set the secret at the sender", ErrSignature, HeaderID, HeaderTimestamp, HeaderSignature)
	}
	want := sumStandard(key, id, at, body)
	if !slices.ContainsFunc(signatures, func(s string) bool { return isSum(s, want) }) {
		return fmt.Errorf("%w: no signature in %s is that of the body with the receiver's secret; compare the secrets", ErrSignature, HeaderSignature)
	}
	return checkTime(HeaderTimestamp, at, now, StandardTolerance)
}

// isSum reports whether a signature of the first version is sum. It ignores signatures of
// other versions.
func isSum(signature string, sum []byte) bool {
	text, ok := strings.CutPrefix(signature, versionPrefix)
	if !ok {
		return false
	}
	got, err := base64.StdEncoding.DecodeString(text)
	return err == nil && hmac.Equal(got, sum)
}

func sumStandard(key []byte, id, at string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + at + "."))
	h.Write(body)
	return h.Sum(nil)
}

// secretKey returns the key in the text of a secret. The prefix may be absent, as in the
// libraries of the specification. No error contains the secret.
func secretKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return nil, errors.New("a webhook secret must be whsec_ and base64; this one is not base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("a webhook secret must have %d to %d bytes after the base64; this one has %d", minSecret, maxSecret, len(key))
	}
	return key, nil
}
