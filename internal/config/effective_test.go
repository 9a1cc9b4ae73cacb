package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
)

// find returns the setting of a key.
func find(t *testing.T, all []config.Effective, key string) config.Effective {
	t.Helper()
	for _, e := range all {
		if e.Key == key {
			return e
		}
	}
	t.Fatalf("there is no %s", key)
	return config.Effective{}
}

// TestEffective checks values and sources of settings.
func TestEffective(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollcall.yml")
	if err := os.WriteFile(file, []byte("data: /d\nadmin_host: [a, b]\nlog_level: warn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := config.Load(config.Options{
		File: file, Environ: []string{"ROLLCALL_CFG_LOG_LEVEL=error", "ROLLCALL_CFG_STORE=postgres://u:hidden@db/x"},
		Flags: &config.Config{MaxUploadMiB: 7}, Given: []string{"max-upload-mib"},
		Sockets: map[string]string{"listen": "127.0.0.1:99"},
		Redact:  func(value string) string { return strings.ReplaceAll(value, ":hidden", "") },
	})
	if err != nil {
		t.Fatal(err)
	}
	all := l.Effective()
	if len(all) != len(config.Settings()) {
		t.Errorf("%d settings, want %d", len(all), len(config.Settings()))
	}
	for _, want := range [][4]string{
		{"data", "/d", "file", file + ":1"},
		{"admin_host", "a,b", "file", file + ":2"},
		{"log_level", "error", "environment", "ROLLCALL_CFG_LOG_LEVEL"},
		{"store", "postgres://u@db/x", "environment", "ROLLCALL_CFG_STORE"},
		{"max_upload_mib", "7", "flag", "--max-upload-mib"},
		{"listen", "127.0.0.1:99", "socket", "socket of the supervisor"},
		{"tls_cert", "", "default", ""},
		{"seal_keys", "/d/seal.keys", "default", ""},
	} {
		if e := find(t, all, want[0]); [4]string{e.Key, e.Value, e.Origin, e.Place} != want {
			t.Errorf("%s is %q from %s %s, want %q", e.Key, e.Value, e.Origin, e.Place, want)
		}
	}
	for _, e := range all {
		if e.Help == "" || strings.Contains(e.Help, "${") {
			t.Errorf("%s: help %q", e.Key, e.Help)
		}
	}
}

// TestEffectiveIn checks the settings of a server inside another program.
func TestEffectiveIn(t *testing.T) {
	c, err := config.New(config.Config{Store: "mem:", MaxUploadMiB: 7})
	if err != nil {
		t.Fatal(err)
	}
	all := config.EffectiveIn(c, nil)
	for key, want := range map[string][2]string{"store": {"mem:", "program"}, "max_upload_mib": {"7", "program"}, "listen": {"127.0.0.1:7580", "default"}, "tls_cert": {"", "default"}} {
		if e := find(t, all, key); [2]string{e.Value, e.Origin} != want {
			t.Errorf("%s is %q from %s, want %q", key, e.Value, e.Origin, want)
		}
	}
}
