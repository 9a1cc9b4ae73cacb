package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// A pausing is a handle that calls a function before one of its commits.
type pausing struct {
	account.Engine
	mu      sync.Mutex
	commits int
	at      int // number of the commit
	before  func()
}

func (p *pausing) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	p.mu.Lock()
	p.commits++
	now := p.commits == p.at
	p.mu.Unlock()
	if now {
		p.before()
	}
	return p.Engine.Commit(ctx, c)
}

func (p *pausing) Unwrap() account.Engine { return p.Engine }

// openOn opens a server on an engine that several servers share.
func openOn(t *testing.T, e account.Engine, c config.Config) (*Server, error) {
	t.Helper()
	c.Store, c.Listen, c.Data = "mem:", "127.0.0.1:0", t.TempDir()
	c, err := config.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{o: Options{Config: c, Logger: testutil.Logger(t)}, engine: e, shared: true}
	err = s.open(t.Context())
	t.Cleanup(func() { _ = s.close() })
	nameSecrets(t, s)
	return s, err
}

// startsTogether starts a server and, before one of its commits, another one on the same
// engine. It does so for each commit, and calls check with both. If earlier is not nil, a
// server with these settings has used the engine before.
func startsTogether(t *testing.T, earlier *config.Config, c config.Config, check func(t *testing.T, first, second *Server)) {
	t.Helper()
	for at := 1; ; at++ {
		store := new(mem.Store)
		if earlier != nil {
			if _, err := openOn(t, store.Handle(0), *earlier); err != nil {
				t.Fatal(err)
			}
		}
		var other *Server
		p := &pausing{Engine: store.Handle(account.MaxStale), at: at}
		p.before = func() {
			var err error
			if other, err = openOn(t, store, c); err != nil {
				t.Errorf("commit %d: the other server: %v", at, err)
			}
		}
		s, err := openOn(t, p, c)
		if err != nil {
			t.Errorf("commit %d: %v", at, err)
		}
		if other == nil {
			if at == 1 {
				t.Error("the start commits nothing")
			}
			return
		}
		if !t.Failed() {
			check(t, s, other)
		}
		if t.Failed() {
			t.Fatalf("the other server started before commit %d", at)
		}
	}
}

// oneApp checks that both servers have the same app, which was created once and has one key.
func oneApp(t *testing.T, s, other *Server) {
	t.Helper()
	app, err := s.records.StoredApp(t.Context(), account.AppID(s.Context().SDKAppID))
	if err != nil || len(app.Keys) != 1 || s.Context().Key != other.Context().Key || s.Context().SDKAppID != other.Context().SDKAppID {
		t.Errorf("app %+v, %v", app, err)
	}
	if n := count(t, other, "app.create"); n != 1 {
		t.Errorf("%d apps were created", n)
	}
}

// count returns the number of entries of an action in the audit trail.
func count(t *testing.T, s *Server, action string) (n int) {
	t.Helper()
	es, err := s.dir.Audit(t.Context(), account.AuditQuery{Limit: account.MaxListLimit})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if e.Action == action {
			n++
		}
	}
	return n
}

// file writes a file of a test.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStartTogether(t *testing.T) {
	keys := func(t *testing.T) string { return filepath.Join(t.TempDir(), "seal.keys") }
	secret := directory.NewSecret()
	testutil.Secret(t, secret)
	t.Run("developer", func(t *testing.T) {
		startsTogether(t, nil, config.Config{SealKeys: keys(t)}, func(t *testing.T, s, other *Server) {
			oneApp(t, s, other)
			for _, text := range []string{s.Context().AdminToken, other.Context().AdminToken} {
				if _, err := other.dir.Authenticate(t.Context(), text); err != nil {
					t.Errorf("the token of a context file: %v", err)
				}
			}
		})
	})
	t.Run("credentials", func(t *testing.T) {
		c := config.Config{SealKeys: keys(t), SDKAppID: 1400000007, KeyFile: file(t, "key", secret), Admin: "boss", AdminListen: config.AdminOff}
		startsTogether(t, nil, c, func(t *testing.T, s, other *Server) {
			oneApp(t, s, other)
			if app, err := s.records.StoredApp(t.Context(), 1400000007); err != nil || !slices.Equal(app.Admins, []account.UserID{account.Administrator, "boss"}) {
				t.Errorf("%+v, %v", app, err)
			}
		})
	})
	t.Run("new key", func(t *testing.T) {
		earlier := config.Config{SealKeys: keys(t), SDKAppID: 1400000007, KeyFile: file(t, "key", directory.NewSecret()), AdminListen: config.AdminOff}
		c := earlier
		c.KeyFile, c.Admin = file(t, "key", secret), "boss"
		startsTogether(t, &earlier, c, func(t *testing.T, s, other *Server) {
			app, err := other.records.StoredApp(t.Context(), 1400000007)
			if err != nil || len(app.Keys) != 2 || app.Keys[1].ID != "file-2" || len(app.Admins) != 2 {
				t.Fatalf("%+v, %v", app, err)
			}
			if active := app.ActiveKeys(s.dir.Now(app.ID)); len(active) != 1 || active[0].Secret != secret {
				t.Errorf("%d keys are active", len(active))
			}
		})
	})
	t.Run("token", func(t *testing.T) {
		c := config.Config{SealKeys: keys(t), AdminTokenFile: file(t, "token", directory.NewTokenText()), AdminListen: "127.0.0.1:0"}
		startsTogether(t, nil, c, func(t *testing.T, s, other *Server) {
			if n := count(t, other, "token.create"); n != 1 {
				t.Errorf("%d tokens were created", n)
			}
		})
	})
	t.Run("new token", func(t *testing.T) {
		text := directory.NewTokenText()
		earlier := config.Config{SealKeys: keys(t), AdminTokenFile: file(t, "token", directory.NewTokenText()), AdminListen: "127.0.0.1:0"}
		c := earlier
		c.AdminTokenFile = file(t, "token", text)
		startsTogether(t, &earlier, c, func(t *testing.T, s, other *Server) {
			tokens, err := records.New(s.engine, nil).Tokens(t.Context())
			if err != nil || len(tokens) != 1 || tokens[0].Hash != account.HashToken(text) {
				t.Errorf("%d tokens, %v", len(tokens), err)
			}
		})
	})
	t.Run("seed", func(t *testing.T) {
		before := `{"apps":[{"sdkappid":1400000008,"name":"store","settings":{"any_signature":true}}]}`
		text := fmt.Sprintf(`{"apps":[{"sdkappid":1400000008,"name":"shop","secret":%q,"admins":["boss"],"settings":{"rate_mode":"shadow"},"accounts":[{"userid":"alice","nick":"Alice"}]}]}`, secret)
		c := config.Config{SealKeys: keys(t), Seed: []string{file(t, "seed.json", text)}, AdminListen: config.AdminOff, AllowTestApps: new(true)}
		check := func(t *testing.T, s, other *Server) {
			app, err := s.records.StoredApp(t.Context(), 1400000008)
			if err != nil || app.Name != "shop" || len(app.Keys) != 1 || len(app.Admins) != 2 || count(t, s, "app.create") != 1 {
				t.Fatalf("%+v, %v", app, err)
			}
			if n, err := other.dir.Count(t.Context(), app.ID); err != nil || n != 3 {
				t.Errorf("%d accounts, %v", n, err)
			}
		}
		startsTogether(t, nil, c, check)
		earlier := c
		earlier.Seed = []string{file(t, "seed.json", before)}
		startsTogether(t, &earlier, c, check)
	})
}

// TestMissingToken starts servers of one store without the file of the token. Only the first
// one creates it. A start that is refused leaves no file behind, and the token of the others
// stays valid.
func TestMissingToken(t *testing.T) {
	store := new(mem.Store)
	c := config.Config{SealKeys: filepath.Join(t.TempDir(), "seal.keys"), AdminTokenFile: filepath.Join(t.TempDir(), "admin.token"), AdminListen: "127.0.0.1:0"}
	first, err := openOn(t, store.Handle(0), c)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := readToken(c.AdminTokenFile); err != nil || text != first.adminToken {
		t.Errorf("the file of the first server: %v", err)
	}
	valid := func(text string, want bool) {
		t.Helper()
		_, err := first.dir.Authenticate(t.Context(), text)
		if (err == nil) != want {
			t.Errorf("a token of the first server: %v", err)
		}
	}
	refused := func(c config.Config, want string) {
		t.Helper()
		if _, err := openOn(t, store.Handle(0), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if _, err := os.Stat(c.AdminTokenFile); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the refused start has left %s", c.AdminTokenFile)
		}
		valid(first.adminToken, true)
	}
	second := c
	second.SealKeys, second.AdminTokenFile = filepath.Join(t.TempDir(), "seal.keys"), filepath.Join(t.TempDir(), "admin.token")
	refused(second, "copy it from the data directory of one of them, and the file of --admin-token-file, such as admin.token, too")
	second.SealKeys = c.SealKeys
	refused(second, "other servers of the database have a token already; copy the file from one of them")
	second.AdminTokenFile = file(t, "admin.token", directory.NewTokenText()) // this asks for another one
	s, err := openOn(t, store.Handle(0), second)
	if err != nil {
		t.Fatal(err)
	}
	valid(first.adminToken, false)
	valid(s.adminToken, true)
}
