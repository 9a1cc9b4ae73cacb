package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// write creates a file with a mode in a new directory.
func write(t *testing.T, name, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWarnings checks that there is a warning for keys that everybody can read, but not
// for public keys.
func TestWarnings(t *testing.T) {
	cert := write(t, "cert.pem", "cert", 0o644)
	secret, public := "-----BEGIN PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----"
	for _, tt := range []struct {
		tlsKey, keyFile string
		tlsMode, mode   fs.FileMode
		want            []string // settings with a warning
	}{
		{secret, "key", 0o600, 0o600, nil},
		{secret, "key", 0o640, 0o640, nil},
		{secret, "key", 0o644, 0o600, []string{"tls_key"}},
		{secret, "key", 0o600, 0o604, []string{"key_file"}},
		{secret, public, 0o604, 0o644, []string{"tls_key"}},
	} {
		tlsKey, keyFile := write(t, "tls.pem", tt.tlsKey, tt.tlsMode), write(t, "key", tt.keyFile, tt.mode)
		file := write(t, "rollcall.yml", "tls_cert: "+cert+"\ntls_key: "+tlsKey+"\nsdkappid: 1400000000\nkey_file: "+keyFile+"\n", 0o600)
		l, err := config.Load(config.Options{File: file})
		if err != nil {
			t.Fatal(err)
		}
		got := l.Warnings()
		if len(got) != len(tt.want) {
			t.Errorf("modes %v, %v: %q, want warnings of %q", tt.tlsMode, tt.mode, got, tt.want)
			continue
		}
		for i, w := range got {
			if !strings.HasPrefix(w, file+":") || !strings.Contains(w, ": "+tt.want[i]+" ") || !strings.Contains(w, "chmod o-rwx") {
				t.Errorf("warning %q of %s", w, tt.want[i])
			}
		}
	}
}

// TestClosedFiles checks that files that this user may not read or create are errors.
func TestClosedFiles(t *testing.T) {
	if !testutil.Unprivileged(t) {
		return
	}
	key := write(t, "key", "key", 0o000)
	closed := filepath.Dir(write(t, "x", "", 0o600))
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o700) })
	for text, want := range map[string]string{
		"sdkappid: 1\nkey_file: " + key:                       ":2: key_file names " + key + ", which user ",
		"admin_token_file: " + filepath.Join(closed, "token"): "may create nothing in " + closed,
		"seal_keys: " + key:                                   ":1: seal_keys names " + key + ", which user ",
	} {
		_, err := config.Load(config.Options{File: write(t, "rollcall.yml", text+"\n", 0o600)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestAttribute checks that an error of a server names the place of a setting instead of
// its flag.
func TestAttribute(t *testing.T) {
	file := write(t, "rollcall.yml", "admin_token_file: token\n", 0o600)
	l, err := config.Load(config.Options{
		File: file, Environ: []string{"ROLLCALL_CFG_STORE=mem:"}, Flags: &config.Config{Listen: "127.0.0.1:1"}, Given: []string{"listen"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"--admin-token-file token: no":    file + ":1: admin_token_file token: no",
		"--store: no":                     "ROLLCALL_CFG_STORE: no",
		"--listen 127.0.0.1:1 is taken":   "--listen 127.0.0.1:1 is taken",
		"--admin-listen x":                "--admin-listen x",
		"--admin-token-file-of-another x": "--admin-token-file-of-another x",
		"the disk is full":                "the disk is full",
	} {
		if got := l.Attribute(errors.New(text)); got.Error() != want {
			t.Errorf("Attribute(%q) = %q, want %q", text, got, want)
		}
	}
}
