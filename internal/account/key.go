package account

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"time"
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
}

// Active reports whether k still verifies at now.
func (k Key) Active(now time.Time) bool { return k.Retired.IsZero() || now.Before(k.Retired) }

// Fingerprint returns 16 hexadecimal digits by which people tell keys apart: the
// beginning of the SHA-256 of the secret.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.Secret))
	return hex.EncodeToString(sum[:8])
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
