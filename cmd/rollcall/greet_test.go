package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/config"
	"rollcall/internal/server"
	"rollcall/internal/testutil"
)

// TestGreet starts a developer's server. It prints a line with a UserSig on a terminal,
// but not in the journal of systemd and not for a real app. It always prints where the key
// is.
func TestGreet(t *testing.T) {
	keyFile := filepath.Join(t.TempDir(), "key.txt")
	if err := os.WriteFile(keyFile, []byte("the secret of a real app"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		journal string
		app     uint32
		curl    bool
		key     string
	}{
		"terminal": {"", 0, true, "context.json"},
		"journal":  {"8:1234", 0, false, "context.json"},
		"real app": {"", 1400000099, false, keyFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", tt.journal)
			cfg := &config.Config{Store: "mem:", Listen: "127.0.0.1:0", Data: t.TempDir(), AllowTestApps: new(bool), SDKAppID: tt.app}
			if tt.app != 0 {
				cfg.KeyFile = keyFile
			}
			var out bytes.Buffer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s, err := start(ctx, &environment{stdout: &out}, &config.Loaded{Config: *cfg}, server.Options{Logger: testutil.Logger(t)})
			if err != nil {
				t.Fatal(err)
			}
			testutil.Secret(t, s.Context().Key, s.Context().AdminToken)
			cancel()
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
			if got := strings.Contains(out.String(), "usersig="); got != tt.curl {
				t.Errorf("a curl line: %v, want %v", got, tt.curl)
			}
			if !strings.Contains(out.String(), tt.key+"\n") {
				t.Errorf("the output does not name %s as the place of the key", tt.key)
			}
		})
	}
}
