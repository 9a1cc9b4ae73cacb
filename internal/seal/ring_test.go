package seal_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/seal"
)

func TestReadRing(t *testing.T) {
	good := "1 " + key(1)
	for name, tt := range map[string]struct{ text, want string }{
		"empty":         {"", "holds no key"},
		"comments only": {"# nothing\n\n", "holds no key"},
		"no version":    {key(1), "line 1: a line begins with its version"},
		"zero":          {"0 " + key(1), "a line begins with its version"},
		"no key":        {"1", "line 1: version 1 is not 32 bytes"},
		"short key":     {"1 YWJj", "version 1 is not 32 bytes"},
		"not base64":    {"1 " + strings.Repeat("!", 44), "version 1 is not 32 bytes"},
		"twice":         {good + "\n" + good, "line 2: version 1 does not follow version 1"},
		"backwards":     {"# old\n2 " + key(2) + "\n" + good, "line 3: version 1 does not follow version 2"},
		"half a line":   {good + "\n2 " + key(2)[:20], "line 2: version 2 is not 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "seal.keys")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := seal.ReadRing(file)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), key(1)[:20]) {
				t.Errorf("%v, want %q and nothing of a key", err, tt.want)
			}
		})
	}
}

func TestReadRingPrivate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	if err := os.WriteFile(file, []byte("1 "+key(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.ReadRing(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

// key returns the key of a version in the form of a file of sealing keys.
func key(version int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+version)), 32)))
}

// TestCreateRing creates a file in a directory that does not exist, and reads it again.
func TestCreateRing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "new", "below", "seal.keys")
	made, err := seal.CreateRing(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
	again, err := seal.CreateRing(file)
	if err != nil || made.Fingerprints()[1] != again.Fingerprints()[1] {
		t.Errorf("the file was made again: %v", err)
	}
	_, err = seal.CreateRing(filepath.Join(file, "seal.keys"))
	if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "seal.keys.") {
		t.Errorf("below a file: %v", err)
	}
}
