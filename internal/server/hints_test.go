package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"rollcall/internal/config"
)

// TestHints checks that a start advises only possible steps. It names the admin API only
// if that is served, and asks for a token only if there is none.
func TestHints(t *testing.T) {
	for name, tt := range map[string]struct {
		c            config.Config
		want, absent string
	}{
		"no admin API": {config.Config{AdminListen: config.AdminOff}, "there is no app yet: give --sdkappid and --key-file, or give --admin-listen", "nobody can call"},
		"admin API":    {config.Config{AdminListen: "127.0.0.1:0"}, "there is no app yet: create one through the admin API", ""},
		"no token":     {config.Config{AdminListen: "127.0.0.1:0"}, "nobody can call the admin API, because there is no token: give --admin-token-file", ""},
		"token":        {config.Config{AdminListen: "127.0.0.1:0", AdminTokenFile: t.TempDir() + "/token"}, "there is no app yet", "nobody can call"},
	} {
		var log bytes.Buffer
		s, err := openWith(t, Options{Config: tt.c, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if got := log.String(); !strings.Contains(got, tt.want) || tt.absent != "" && strings.Contains(got, tt.absent) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
