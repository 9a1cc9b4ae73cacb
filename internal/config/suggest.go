package config

import (
	"encoding/hex"
	"strings"

	"rollcall/internal/spelling"
)

// suggest returns a hint for an unknown key. show spells the name of a setting.
func suggest(key string, show func(Setting) string) string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.Key
	}
	near, ok := find(Nearest(key, keys))
	if !ok {
		return "\"rollcall config print\" lists all settings"
	}
	return "did you mean " + show(*near) + "?"
}

// Nearest returns the element of names that is nearest to name, or "" if none is near.
// The names are in lower case with underscores.
func Nearest(name string, names []string) (nearest string) {
	best := 3 // a distance of 3 is too far
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

// looksSecret reports whether text looks like a secret (PEM, the key of a console, or a
// token) instead of the name of a file.
func looksSecret(text string) bool {
	const consoleKey = 64 // hexadecimal digits
	_, err := hex.DecodeString(text)
	return strings.Contains(text, "-----BEGIN") || strings.ContainsAny(text, "\r\n") ||
		len(text) == consoleKey && err == nil || strings.HasPrefix(text, "rct_")
}
