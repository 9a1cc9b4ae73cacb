package sealed_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/pebble"
	"rollcall/internal/store/sealed"
)

func TestEngine(t *testing.T) {
	storetest.Run(t, func(testing.TB) account.Engine { return sealed.New(new(mem.Store), sealed.NewRing()) })
}

func TestReopen(t *testing.T) {
	storetest.RunReopen(t, func(tb testing.TB, dir string) account.Engine {
		p, err := pebble.Open(pebble.Options{Dir: filepath.Join(dir, "store")})
		if err != nil {
			tb.Fatal(err)
		}
		e, err := sealed.Open(tb.Context(), p, filepath.Join(dir, "seal.keys"))
		if err != nil {
			tb.Fatal(err)
		}
		return e
	})
}

const app account.AppID = 1400000001

// secrets are what may not be found anywhere.
var secrets = []string{"the first secret of the app", "the second secret of the app", "the third secret of the app"}

func hmac(id, secret string) account.Key {
	return account.Key{ID: id, Kind: account.HMACKey, Secret: secret}
}

// A spy notes everything that an engine is given or returns.
type spy struct {
	account.Engine
	mu   sync.Mutex
	seen []string
	apps []*account.App // the newest last
}

func (s *spy) note(things ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, thing := range things {
		b, err := json.Marshal(thing)
		if err != nil {
			panic(err)
		}
		s.seen = append(s.seen, string(b))
		if a, ok := thing.(*account.App); ok && a != nil {
			s.apps = append(s.apps, a)
		}
	}
}

func (s *spy) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	got, err := s.Engine.CreateApp(ctx, a, by)
	s.note(a, by, got)
	return got, err
}

func (s *spy) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	got, err := s.Engine.UpdateApp(ctx, id, func(a account.App) (account.App, error) {
		next, err := fn(a)
		s.note(next)
		return next, err
	}, by)
	s.note(by, got)
	return got, err
}

// stored returns the stored form of the newest record's keys.
func (s *spy) stored() []string {
	var forms []string
	for _, k := range s.apps[len(s.apps)-1].Keys {
		forms = append(forms, k.Secret)
	}
	return forms
}

// change runs an app through every change that there is.
func change(t *testing.T, e account.Engine) {
	t.Helper()
	keys := []account.Key{hmac("1", secrets[0]), {ID: "2", Kind: account.ECDSAKey, Secret: "a public key"}}
	if _, err := e.CreateApp(t.Context(), account.App{ID: app, Edition: account.Pro, Keys: keys}, account.AuditEntry{}); err != nil {
		t.Fatal(err)
	}
	update(t, e, func(a *account.App) { a.Keys = append(a.Keys, hmac("3", secrets[1])) })
	update(t, e, func(a *account.App) { a.Name = "new" })
	update(t, e, func(a *account.App) { a.Keys[0].Secret = secrets[2] })
}

func update(t *testing.T, e account.Engine, fn func(*account.App)) *account.App {
	t.Helper()
	a, err := e.UpdateApp(t.Context(), app, func(a account.App) (account.App, error) {
		fn(&a)
		return a, nil
	}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// open returns the secrets of the app as e shows them.
func open(t *testing.T, e account.Engine) string {
	t.Helper()
	a, err := e.App(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range a.Keys {
		all = append(all, k.Secret)
	}
	return strings.Join(all, "; ")
}

// TestNothingReachesTheEngine looks at all that the engine was given and at all
// that it wrote.
func TestNothingReachesTheEngine(t *testing.T) {
	dir := t.TempDir()
	p, err := pebble.Open(pebble.Options{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{Engine: p}
	e := checked.New(sealed.New(s, sealed.NewRing()))
	change(t, e)
	if got, want := open(t, e), secrets[2]+"; a public key; "+secrets[1]; got != want {
		t.Errorf("secrets %q, want %q", got, want)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		s.seen = append(s.seen, string(b))
		found += strings.Count(string(b), "a public key")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Error("the files do not show what is not sealed either: the test cannot fail")
	}
	for _, text := range s.seen {
		for i, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("secret %d reached the engine", i)
			}
		}
	}
}

// TestUnchangedKeepsItsForm checks that a change of something else does not
// seal anew, and that every sealing is another.
func TestUnchangedKeepsItsForm(t *testing.T) {
	s := &spy{Engine: new(mem.Store)}
	e := sealed.New(s, sealed.NewRing())
	change(t, e)
	before := s.stored()
	update(t, e, func(a *account.App) { a.Name = "newer" })
	if got := s.stored(); strings.Join(got, " ") != strings.Join(before, " ") {
		t.Error("the stored form changed with the name")
	}
	update(t, e, func(a *account.App) { a.Keys[2].Secret = a.Keys[0].Secret })
	if got := s.stored(); got[2] == got[0] || got[2] == before[2] {
		t.Error("two sealings of one secret are alike")
	}
}

// TestShared checks that a record that did not change is opened once.
func TestShared(t *testing.T) {
	e := sealed.New(new(mem.Store), sealed.NewRing())
	change(t, e)
	a, _ := e.App(t.Context(), app)
	b, _ := e.App(t.Context(), app)
	if a != b {
		t.Error("an app that did not change is another record")
	}
	if c := update(t, e, func(a *account.App) { a.Name = "newer" }); c == a || a.Name != "new" {
		t.Error("a change changed the old record")
	}
}

// ring writes a file of keys with the versions and returns its ring.
func ring(t *testing.T, versions ...int) *sealed.Ring {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seal.keys")
	var b strings.Builder
	for _, v := range versions {
		fmt.Fprintf(&b, "%d %s\n", v, key(v))
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := sealed.ReadRing(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// key returns the key of a version, as it stands in a file.
func key(version int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+version)), 32)))
}

func reseal(t *testing.T, e account.Engine, want int) {
	t.Helper()
	r, ok := account.Find[account.Resealer](checked.New(e))
	if !ok {
		t.Fatal("nobody reseals")
	}
	if n, err := r.Reseal(t.Context(), account.AuditEntry{Action: "key.reseal"}); err != nil || n != want {
		t.Errorf("Reseal = %d, %v; want %d", n, err, want)
	}
}

// TestReseal goes from data that is not sealed over three versions.
func TestReseal(t *testing.T) {
	store := new(mem.Store)
	change(t, store) // not sealed
	want := open(t, store)
	s := &spy{Engine: store}
	for i, versions := range [][]int{{1}, {1, 2}, {2, 7}} {
		e := sealed.New(s, ring(t, versions...))
		if got := open(t, e); got != want {
			t.Errorf("versions %v: secrets %q, want %q", versions, got, want)
		}
		reseal(t, e, 2)
		reseal(t, e, 0)
		newest := fmt.Sprintf("sealed:v1:%d:", versions[len(versions)-1])
		if got := s.stored(); !strings.HasPrefix(got[0], newest) || got[1] != "a public key" || !strings.HasPrefix(got[2], newest) {
			t.Errorf("versions %v: stored %q", versions, got)
		}
		if got := open(t, e); got != want {
			t.Errorf("versions %v: secrets %q after resealing, want %q", versions, got, want)
		}
		es, err := e.Audit(t.Context(), account.AuditQuery{Limit: 10})
		if err != nil || len(es) != 5+i || es[0].Action != "key.reseal" {
			t.Errorf("versions %v: %d entries, %v", versions, len(es), err)
		}
	}
}

// TestUnopened checks the sentences about secrets that cannot be opened.
func TestUnopened(t *testing.T) {
	store := new(mem.Store)
	change(t, sealed.New(store, ring(t, 1, 2)))
	spoil := func(fn func(*account.App)) account.Engine {
		copied := new(mem.Store)
		a, err := store.App(t.Context(), app)
		if err != nil {
			t.Fatal(err)
		}
		c := a.Clone()
		fn(&c)
		if _, err := copied.CreateApp(t.Context(), c, account.AuditEntry{}); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	for name, tt := range map[string]struct {
		e    account.Engine
		ring *sealed.Ring
		want string
	}{
		"missing version": {store, ring(t, 1), "is sealed with version 2, which "},
		"other file":      {store, sealed.NewRing(), "is sealed with version 2"},
		"other key": {spoil(func(a *account.App) {
			a.Keys[0].Secret = strings.Replace(a.Keys[0].Secret, ":2:", ":1:", 1)
		}), ring(t, 1, 2), "cannot be opened with version 1"},
		"other app": {spoil(func(a *account.App) { a.ID++ }), ring(t, 1, 2), "cannot be opened with version 2"},
		"other place": {spoil(func(a *account.App) {
			a.Keys[0].Secret, a.Keys[2].Secret = a.Keys[2].Secret, a.Keys[0].Secret
		}), ring(t, 1, 2), "cannot be opened with version 2"},
		"cut":       {spoil(func(a *account.App) { a.Keys[0].Secret = "sealed:v1:2:YWJj" }), ring(t, 1, 2), "is damaged"},
		"no number": {spoil(func(a *account.App) { a.Keys[0].Secret = "sealed:v1:x:YWJj" }), ring(t, 1, 2), "is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sealed.New(tt.e, tt.ring).Apps(t.Context())
			if account.CodeOf(err) != account.Internal || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "app 14000000") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
