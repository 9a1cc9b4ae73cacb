package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"rollcall/internal/config"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
)

// openDatabase returns a function that opens a server on a database.
func openDatabase(t *testing.T, c config.Config) func() (*Server, error) {
	t.Helper()
	c.Listen, c.Data, c.Migrate = "127.0.0.1:0", t.TempDir(), true
	if c.SealKeys == "" {
		c.SealKeys = filepath.Join(c.Data, config.SealFile)
	}
	o := Options{Logger: testutil.Logger(t)}
	var err error
	if o.Config, err = config.New(c); err != nil {
		t.Fatal(err)
	}
	return func() (*Server, error) { return Open(t.Context(), o) }
}

// TestDatabase starts several servers at once on an empty database, and one with keys of its
// own.
func TestDatabase(t *testing.T) {
	url, keys := pgtest.URL(t), filepath.Join(t.TempDir(), "seal.keys")
	var servers [4]*Server
	var g errgroup.Group
	for i := range servers {
		open := openDatabase(t, config.Config{Store: url, SealKeys: keys})
		g.Go(func() (err error) {
			if servers[i], err = open(); err != nil {
				return fmt.Errorf("server %d: %w", i, err)
			}
			return nil
		})
	}
	err := g.Wait()
	for _, s := range servers {
		if s != nil {
			nameSecrets(t, s)
			defer func() { _ = s.close() }()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers[1:] {
		oneApp(t, servers[0], s)
	}
	if !servers[0].shared {
		t.Error("the servers do not know of each other")
	}
	other, err := openDatabase(t, config.Config{Store: url})()
	if err == nil {
		_ = other.close()
		t.Fatal("a server has started with other keys")
	}
	if !strings.Contains(err.Error(), "copy it from the data directory of one of them") {
		t.Error(err)
	}
}
