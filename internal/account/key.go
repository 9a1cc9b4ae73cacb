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

// A KeyKind tells how a key verifies a UserSig.
type KeyKind string

// Kinds of keys (protocol.md §2).
const (
	HMACKey  KeyKind = "hmac"  // v2: the console's text, used as raw bytes
	ECDSAKey KeyKind = "ecdsa" // v1: a public key in PEM
)

// A Key verifies the UserSigs of an app. Several may be active at once, so that
// keys can be changed without a gap.
type Key struct {
	ID      string    `json:"id"` // unique in its app
	Kind    KeyKind   `json:"kind"`
	Secret  string    `json:"secret"` // HMAC text, or PEM of the public key
	Created time.Time `json:"created"`
	Retired time.Time `json:"retired,omitzero"` // zero: not retired
	Ended   bool      `json:"ended,omitempty"`  // was retired when that was asked for: a clock set back does not bring it back
}

// ReadKey returns the key in a file: a public key if the text is PEM, else an
// HMAC key. White space and a byte order mark around it, which editors leave,
// are no part of it. The error says what the text is and what is taken; it holds
// nothing of a key. The Key has neither ID nor times.
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

// Verifier returns k as the key that verifies.
func (k Key) Verifier() (usersig.Key, error) {
	if k.Kind == ECDSAKey {
		return usersig.ParsePublicKey([]byte(k.Secret))
	}
	return usersig.HMACKey(k.Secret), nil
}

// Active reports whether k still verifies at now.
func (k Key) Active(now time.Time) bool {
	return !k.Ended && (k.Retired.IsZero() || now.Before(k.Retired))
}

// Fingerprint returns 16 hexadecimal digits by which people tell keys apart: the
// beginning of the SHA-256 of the secret.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.Secret))
	return hex.EncodeToString(sum[:8])
}

// SameSecret reports whether k and other verify the same signatures. The PEM of a
// public key may be wrapped in other ways.
func (k Key) SameSecret(other Key) bool {
	return k.Kind == other.Kind && bytes.Equal(k.material(), other.material())
}

// material returns the bytes that verify.
func (k Key) material() []byte {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(k.Secret))); k.Kind == ECDSAKey && block != nil {
		return block.Bytes
	}
	return []byte(k.Secret)
}

// String returns k without its secret.
func (k Key) String() string { return string(k.Kind) + " key " + k.ID }

// Format implements [fmt.Formatter]: every verb shows k without its secret.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// MarshalText implements [encoding.TextMarshaler], so that JSON shows k without
// its secret too, wherever it stands in what is logged. It cannot be read back;
// [App.Stored] can.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue implements [slog.LogValuer]; a secret never reaches a log.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
