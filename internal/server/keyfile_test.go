package server

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
)

// A keyFileServer is a server that is started several times on the same store.
type keyFileServer struct {
	o   Options
	log bytes.Buffer // of the last start
}

func newKeyFileServer(t *testing.T) *keyFileServer {
	dir := t.TempDir()
	return &keyFileServer{o: Options{Config: config.Config{
		Store: "pebble:" + filepath.Join(dir, "store"), Data: dir,
		SDKAppID: 1400000099, KeyFile: filepath.Join(dir, "key.txt"),
	}}}
}

// start writes key to the file, starts a server, calls see with it, and stops it.
func (k *keyFileServer) start(t *testing.T, key string, see func(*Server)) {
	t.Helper()
	if err := os.WriteFile(k.o.KeyFile, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	k.log.Reset()
	k.o.Logger = slog.New(slog.NewTextHandler(testutil.Keep(t, &k.log), nil))
	testutil.Secret(t, strings.TrimSpace(key))
	s, err := openWith(t, k.o)
	if err != nil {
		t.Fatal(err)
	}
	see(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// active returns the ids of the active keys and their secrets.
func (k *keyFileServer) active(t *testing.T, s *Server) map[string]string {
	t.Helper()
	app, err := s.dir.App(t.Context(), account.AppID(k.o.SDKAppID))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, key := range app.ActiveKeys(time.Now()) {
		keys[key.ID] = key.Secret
	}
	return keys
}

// TestKeyFileChanges starts with different keys in the file. A start retires the earlier
// key of the file, and keeps keys from elsewhere.
func TestKeyFileChanges(t *testing.T) {
	k := newKeyFileServer(t)
	id := account.AppID(k.o.SDKAppID)
	for _, step := range []struct {
		name, file string
		want       map[string]string
		log        []string // ids of keys, by line
	}{
		{"new app", "secret A", map[string]string{"file-1": "secret A"}, nil},
		{"unchanged", " secret A\n", map[string]string{"file-1": "secret A", "1": "set by hand"}, nil},
		{"changed", "secret B", map[string]string{"file-2": "secret B", "1": "set by hand"}, []string{"added file-2", "retired file-1"}},
		{"changed back", "secret A", map[string]string{"file-3": "secret A", "1": "set by hand"}, []string{"added file-3", "retired file-2"}},
		{"the one by hand", "set by hand", map[string]string{"1": "set by hand"}, []string{"retired file-3"}},
	} {
		k.start(t, step.file, func(s *Server) {
			if step.name == "unchanged" {
				if _, err := s.dir.AddKey(t.Context(), "somebody", id, account.Key{Kind: account.HMACKey, Secret: "set by hand"}); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(step.want, k.active(t, s)); diff != "" {
				t.Errorf("%s: active keys (-want +got):\n%s", step.name, diff)
			}
			if got := s.context.Key; got != strings.TrimSpace(step.file) && got != "set by hand" {
				t.Errorf("%s: clients are told to sign with %q", step.name, got)
			}
		})
		if diff := cmp.Diff(step.log, keyLines(k.log.String())); diff != "" {
			t.Errorf("%s: log (-want +got):\n%s", step.name, diff)
		}
	}
	k.start(t, "set by hand", func(s *Server) {
		entries, err := s.records.Audit(t.Context(), account.AuditQuery{App: id, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			if e.Actor == actor {
				got = append(got, e.Action)
			}
		}
		want := []string{"key.retire", "key.retire", "key.add", "key.retire", "key.add", "app.create"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audit, newest first (-want +got):\n%s", diff)
		}
	})
}

// keyLines returns the lines about keys in log, shortened.
func keyLines(log string) []string {
	var lines []string
	for line := range strings.Lines(log) {
		_, what, ok := strings.Cut(line, `msg="key `)
		_, id, hasID := strings.Cut(line, " key=")
		if ok && hasID {
			what, _, _ = strings.Cut(what, " ")
			lines = append(lines, strings.Trim(what, ":")+" "+strings.Fields(id)[0])
		}
	}
	return lines
}

// TestKeyFileChangesOften changes the file more often than an app can have keys. The app
// has one active key after each change.
func TestKeyFileChangesOften(t *testing.T) {
	k := newKeyFileServer(t)
	k.o.Store = "mem:"
	k.start(t, "first-key", func(s *Server) {
		id := account.AppID(k.o.SDKAppID)
		for i := range 2 * account.MaxKeys {
			app, err := s.dir.App(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			key := account.Key{Kind: account.HMACKey, Secret: strings.Repeat("x", i+1)}
			if app, err = s.useKey(t.Context(), app, key); err != nil {
				t.Fatalf("key %d: %v", i+1, err)
			}
			if active := app.ActiveKeys(time.Now()); len(active) != 1 || active[0].Secret != key.Secret {
				t.Fatalf("key %d: active are %v", i+1, active)
			}
		}
	})
}
