package server

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/internal/testutil/pgtest"
)

// TestMain fails if a server logs a secret.
func TestMain(m *testing.M) { pgtest.Main(m) }

// openWith opens a server with the settings of o. The default is the usual store of
// [anystore.Configure] and a free address. The default log is that of the test.
func openWith(t *testing.T, o Options) (*Server, error) {
	t.Helper()
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:0")
	anystore.Configure(t, &o.Config)
	var err error
	if o.Config, err = config.New(o.Config); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = testutil.Logger(t)
	}
	return Open(t.Context(), o)
}

// nameSecrets registers the secrets of s that no log may contain: the key and the token
// for its clients, and the secrets in the files that s has created.
func nameSecrets(t *testing.T, s *Server) {
	t.Helper()
	if c := s.Context(); c != nil {
		testutil.Secret(t, c.Key, c.AdminToken)
	}
	for _, file := range []string{s.o.AdminTokenFile, s.o.SealKeys} {
		b, _ := os.ReadFile(file) // not every server has both
		for field := range strings.FieldsSeq(string(b)) {
			if len(field) >= 32 { // not the number of a key or a word of a comment
				testutil.Secret(t, field)
			}
		}
	}
}
