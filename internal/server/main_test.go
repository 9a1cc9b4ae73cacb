package server

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/internal/testutil"
)

// TestMain makes sure that no server logs a secret.
func TestMain(m *testing.M) { testutil.Main(m) }

// nameSecrets says what s has that no log may hold: the key and the token for
// its clients, and what is in the files that it made.
func nameSecrets(t *testing.T, s *Server) {
	t.Helper()
	if c := s.Context(); c != nil {
		testutil.Secret(t, c.Key, c.AdminToken)
	}
	for _, file := range []string{s.o.AdminTokenFile, cmp.Or(s.o.SealKeys, filepath.Join(s.o.DataDir, SealFile))} {
		b, _ := os.ReadFile(file) // not every server has both
		for field := range strings.FieldsSeq(string(b)) {
			if len(field) >= 32 { // no number of a key and no word of a comment
				testutil.Secret(t, field)
			}
		}
	}
}
