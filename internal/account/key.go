package account

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/usersig"
)

// A KeyKind is the way in which a key verifies a UserSig.
type KeyKind string

// Kinds of keys (protocol.md §2).
const (
	HMACKey  KeyKind = "hmac"  // v2: the text that the console shows, used as raw bytes
	ECDSAKey KeyKind = "ecdsa" // v1: a public key in PEM
)

// A Key verifies the UserSigs of an app. Several keys may be active at once, which
// allows changing keys without an interruption.
type Key struct {
	ID      string    `json:"id"` // unique in its app
	Kind    KeyKind   `json:"kind"`
	Secret  string    `json:"secret"` // HMAC text, or PEM of the public key
	Created time.Time `json:"created"`
	Retired time.Time `json:"retired,omitzero"` // zero: not retired
	Ended   bool      `json:"ended,omitempty"`  // retired at once, on request; setting the clock back does not make it active again
}

// ReadKey parses the content of a key file: a public key if the text is PEM, and an
// HMAC key otherwise. It ignores surrounding white space and a byte order mark, which
// editors add. The error says what is wrong and which formats are accepted; it
// contains no part of a key. The Key has neither ID nor times.
func ReadKey(text string) (Key, error) {
	const give = "; give the secret key of the app as one line of text, or its ECDSA public key in PEM"
	utf16 := strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
	text = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "\ufeff"))
	switch {
	case text == "":
		return Key{}, errors.New("it is empty" + give)
	case utf16 || !utf8.ValidString(text):
		return Key{}, errors.New("it is not UTF-8; save it as UTF-8 or ASCII, without a byte order mark")
	case strings.Contains(text, "-----BEGIN"):
		if _, err := usersig.ParsePublicKey([]byte(text)); err != nil {
			return Key{}, err
		}
		return Key{Kind: ECDSAKey, Secret: text}, nil
	case strings.ContainsAny(text[:1]+text[len(text)-1:], "\"'`"):
		return Key{}, errors.New("the key is in quotes; remove them")
	case strings.ContainsAny(text, "\r\n"):
		return Key{}, errors.New("it has several lines" + give)
	}
	return Key{Kind: HMACKey, Secret: text}, nil
}

// Verifier returns the key with which package usersig verifies.
func (k Key) Verifier() (usersig.Key, error) {
	if k.Kind == ECDSAKey {
		return usersig.ParsePublicKey([]byte(k.Secret))
	}
	return usersig.HMACKey(k.Secret), nil
}

// Active reports whether k verifies UserSigs at now.
func (k Key) Active(now time.Time) bool {
	return !k.Ended && (k.Retired.IsZero() || now.Before(k.Retired))
}

// Fingerprint returns the first 16 hexadecimal digits of the SHA-256 of the secret.
// People use it to tell keys apart.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.Secret))
	return hex.EncodeToString(sum[:8])
}

// SameSecret reports whether k and other verify the same signatures. It ignores how the
// PEM of a public key is wrapped.
func (k Key) SameSecret(other Key) bool {
	return k.Kind == other.Kind && bytes.Equal(k.material(), other.material())
}

// material returns the bytes that verify signatures: the DER of a public key, or the
// text of an HMAC key.
func (k Key) material() []byte {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(k.Secret))); k.Kind == ECDSAKey && block != nil {
		return block.Bytes
	}
	return []byte(k.Secret)
}

// String returns k without its secret.
func (k Key) String() string { return string(k.Kind) + " key " + k.ID }

// Format implements [fmt.Formatter]. Every verb prints k without its secret.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText implements [encoding.TextMarshaler]. JSON thus contains k without its
// secret, also in nested values that are logged. The text cannot be decoded; see
// [App.Stored] for a form that can.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue implements [slog.LogValuer]. It keeps the secret out of logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
