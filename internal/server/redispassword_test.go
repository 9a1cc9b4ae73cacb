package server

import (
	"os"
	"strings"
	"testing"
)

// TestRedisPassword reads files of passwords.
func TestRedisPassword(t *testing.T) {
	for text, want := range map[string]string{"secret\n": "secret", " a b ": " a b ", "\n": "", "": "", "one\ntwo\n": ""} {
		file := t.TempDir() + "/password"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readRedisPassword(file)
		if got != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "two") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
