package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(dir string) error
		want  string // part of the error
	}{
		{"whole", func(string) error { return nil }, ""},
		{"lock", func(dir string) error { return os.WriteFile(filepath.Join(dir, "LOCK"), nil, 0o600) }, ""},
		{"keys beside it", func(dir string) error { return os.WriteFile(filepath.Join(dir, "seal.keys"), nil, 0o600) }, ""},
		{"start that failed", func(dir string) error { return os.WriteFile(filepath.Join(dir, ".gitignore"), nil, 0o600) }, ""},
		{"cut", func(dir string) error { return os.Truncate(filepath.Join(dir, "accounts", "b"), 1) }, "accounts/b is not as it was copied"},
		{"changed", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("A"), 0o600) }, "a is not as it was copied"},
		{"missing", func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }, "a is missing"},
		{"more", func(dir string) error { return os.WriteFile(filepath.Join(dir, "c"), nil, 0o600) }, "c is not part of the backup"},
		{"not finished", func(dir string) error { return os.Remove(filepath.Join(dir, File)) }, "not finished"},
		{"garbled", func(dir string) error { return os.WriteFile(filepath.Join(dir, File), []byte("{"), 0o600) }, "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"a": "a", "accounts/b": "bb"} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if d, err := Describe(dir, time.Now()); err != nil || len(d.Files) != 2 {
				t.Fatalf("Describe = %+v, %v", d, err)
			}
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Check(dir)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Check: %v, want an error with %q", err, tt.want)
			}
		})
	}
}
