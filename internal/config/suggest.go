package config

import (
	"encoding/hex"
	"strings"

	"rollcall/internal/spelling"
)

// suggest says what may have been meant by a key that is none, with names in the
// spelling of show.
func suggest(key string, show func(Setting) string) string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.Key
	}
	near, ok := find(Nearest(key, keys))
	if !ok {
		return "\"rollcall config print\" lists all there are"
	}
	return "did you mean " + show(*near) + "?"
}

// Nearest returns the one of names that name was probably meant to be, "" for none.
// Names are in lower case with underscores.
func Nearest(name string, names []string) (nearest string) {
	best := 3 // is too far
	for _, n := range names {
		if d := spelling.Distance(strings.ReplaceAll(strings.ToLower(name), "-", "_"), n); d < best {
			best, nearest = d, n
		}
	}
	return nearest
}

// secretNames are keys that people try for secrets, and the settings that they
// should use.
var secretNames = map[string]string{
	"key":         "key_file",
	"secret":      "key_file",
	"secret_key":  "key_file",
	"admin_token": "admin_token_file",
	"token":       "admin_token_file",
	"password":    "admin_token_file",
	"seal_key":    "seal_keys",
}

// looksSecret reports whether text, which should name a file, is rather a secret:
// PEM, the key of a console, a token.
func looksSecret(text string) bool {
	const consoleKey = 64 // hexadecimal digits
	_, err := hex.DecodeString(text)
	return strings.Contains(text, "-----BEGIN") || strings.ContainsAny(text, "\r\n") ||
		len(text) == consoleKey && err == nil || strings.HasPrefix(text, "rct_")
}
