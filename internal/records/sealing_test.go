package records_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
)

// secrets are the texts that must not be found anywhere.
var secrets = []string{"the first secret of the app", "the second secret of the app", "the third secret of the app"}

func hmac(id, secret string) account.Key {
	return account.Key{ID: id, Kind: account.HMACKey, Secret: secret}
}

// A spy records everything that is written to an engine.
type spy struct {
	account.Engine
	mu   sync.Mutex
	seen []string
	app  string // the newest record of an app
}

func (s *spy) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range c.Writes {
		s.seen = append(s.seen, w.Key, string(w.Value))
		if w.Kind == 1 {
			s.app = string(w.Value)
		}
	}
	return s.Engine.Commit(ctx, c)
}

// stored returns the stored form of the newest record's keys.
func (s *spy) stored(t *testing.T) (forms []string) {
	t.Helper()
	var a account.App
	if err := json.Unmarshal([]byte(s.app), &a); err != nil {
		t.Fatal(err)
	}
	for _, k := range a.Keys {
		forms = append(forms, k.Secret)
	}
	return forms
}

// sealed returns an env whose registry seals with ring.
func sealed(t *testing.T, e account.Engine, ring *seal.Ring) *env {
	return &env{t, e, records.New(e, ring)}
}

// changes creates an app and applies every kind of change of its keys.
func (v *env) changes() {
	v.Helper()
	keys := []account.Key{hmac("1", secrets[0]), {ID: "2", Kind: account.ECDSAKey, Secret: "a public key"}}
	if _, err := v.r.CreateApp(v.Context(), account.App{ID: app, Edition: account.Pro, Keys: keys}, by("app.create")); err != nil {
		v.Fatal(err)
	}
	v.update(app, func(a *account.App) { a.Keys = append(a.Keys, hmac("3", secrets[1])) })
	v.update(app, rename("new"))
	v.update(app, func(a *account.App) { a.Keys[0].Secret = secrets[2] })
}

// open returns the secrets of the app as the registry returns them.
func (v *env) open() string {
	v.Helper()
	var all []string
	for _, k := range v.app(app).Keys {
		all = append(all, k.Secret)
	}
	return strings.Join(all, "; ")
}

// wantOpen is the result of open after changes.
var wantOpen = secrets[2] + "; a public key; " + secrets[1]

// TestNothingReachesTheEngine looks for secrets in everything that was written to an
// engine, and in all files of the engine.
func TestNothingReachesTheEngine(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := &spy{Engine: open(t, dir)}
			v := sealed(t, s, seal.NewRing())
			v.changes()
			v.equal("secrets", v.open(), wantOpen)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			public := strings.Count(strings.Join(s.seen, ""), "a public key")
			files := contents(t, dir)
			if public == 0 || len(files) > 0 && !strings.Contains(strings.Join(files, ""), "a public key") {
				t.Error("an unsealed secret is not found either: the test cannot fail")
			}
			for _, text := range append(files, s.seen...) {
				for i, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("secret %d reached the engine", i)
					}
				}
			}
		})
	}
}

// contents returns the contents of the files below dir.
func contents(t *testing.T, dir string) (texts []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		texts = append(texts, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// TestUnchangedKeepsItsForm checks that a change of anything else does not seal a secret
// again, and that sealing a secret twice gives different forms.
func TestUnchangedKeepsItsForm(t *testing.T) {
	s := &spy{Engine: new(mem.Store)}
	v := sealed(t, s, seal.NewRing())
	v.changes()
	before := s.stored(t)
	v.update(app, rename("newer"))
	v.equal("stored forms after a change of the name", s.stored(t), before)
	v.update(app, func(a *account.App) { a.Keys[2].Secret = a.Keys[0].Secret })
	if got := s.stored(t); got[2] == got[0] || got[2] == before[2] {
		t.Error("sealing a secret twice gives the same form")
	}
}

// ring writes a file of keys with the given versions and returns its ring.
func ring(t *testing.T, versions ...int) *seal.Ring {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seal.keys")
	var b strings.Builder
	for _, version := range versions {
		key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+version)), 32)))
		fmt.Fprintf(&b, "%d %s\n", version, key)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := seal.ReadRing(file)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (v *env) reseal(want int) {
	v.Helper()
	n, able, err := v.r.Reseal(v.Context(), account.AuditEntry{Action: "key.reseal"})
	if err != nil || !able || n != want {
		v.Errorf("Reseal = %d, %v, %v; want %d", n, able, err, want)
	}
}

// TestReseal reseals unsealed data with one version of the keys after the other.
func TestReseal(t *testing.T) {
	s := &spy{Engine: new(mem.Store)}
	plain := sealed(t, s, nil)
	plain.changes()
	plain.create(otherApp) // an app without a secret
	if _, able, err := plain.r.Reseal(t.Context(), account.AuditEntry{}); able || err != nil {
		t.Errorf("Reseal without keys = %v, %v", able, err)
	}
	for i, versions := range [][]int{{1}, {1, 2}, {2, 7}} {
		v := sealed(t, s, ring(t, versions...))
		v.equal("secrets", v.open(), wantOpen)
		v.reseal(2)
		v.reseal(0)
		newest := fmt.Sprintf("sealed:v1:%d:", versions[len(versions)-1])
		if got := s.stored(t); !strings.HasPrefix(got[0], newest) || got[1] != "a public key" || !strings.HasPrefix(got[2], newest) {
			t.Errorf("versions %v: stored %q", versions, got)
		}
		v.equal("secrets after resealing", v.open(), wantOpen)
		if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 6+i || es[0].Action != "key.reseal" || es[0].App != app {
			t.Errorf("versions %v: %d entries, the newest is %+v", versions, len(es), es[0])
		}
	}
}

// TestUnopened checks the errors for secrets that cannot be opened.
func TestUnopened(t *testing.T) {
	store := new(mem.Store)
	sealed(t, store, ring(t, 1, 2)).changes()
	spoil := func(fn func(*account.App)) account.Engine {
		a := sealed(t, store, nil).app(app).Clone()
		fn(&a)
		copied := new(mem.Store)
		if _, err := records.New(copied, nil).CreateApp(t.Context(), a, by("app.create")); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	for name, tt := range map[string]struct {
		e    account.Engine
		ring *seal.Ring
		want string
	}{
		"missing version": {store, ring(t, 1), "is sealed with version 2, which "},
		"other file":      {store, seal.NewRing(), "is sealed with version 2"},
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
			_, err := records.New(tt.e, tt.ring).Apps(t.Context())
			if account.CodeOf(err) != account.Internal || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "app 14000000") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// openSealed opens a registry with a file of keys.
func openSealed(t *testing.T, e account.Engine, file string) *env {
	t.Helper()
	r, err := records.Open(t.Context(), e, file)
	if err != nil {
		t.Fatal(err)
	}
	return &env{t, e, r}
}

// TestOpen checks that Open creates the file of keys once, and fails without the file if a
// secret is sealed.
func TestOpen(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	store := new(mem.Store)
	if err := records.Check(t.Context(), store, file); err != nil {
		t.Errorf("Check of nothing: %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("Check created a file")
	}
	openSealed(t, store, file).changes()
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	v := openSealed(t, store, file)
	v.equal("secrets after a restart", v.open(), wantOpen)
	if err := records.Check(t.Context(), store, file); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = records.Open(t.Context(), store, file)
	for _, err := range []error{err, records.Check(t.Context(), store, file)} {
		if err == nil || !strings.Contains(err.Error(), "is missing") {
			t.Errorf("without the file: %v", err)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a new file was created, which opens nothing")
	}
}

// TestOpenTogether starts several nodes at once without a file. All must get the same key.
func TestOpenTogether(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seal.keys")
	var nodes [8]*env
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() { nodes[i] = openSealed(t, new(mem.Store), file) })
	}
	wg.Wait()
	for i, v := range nodes {
		v.changes()
		if err := records.Check(t.Context(), v.e, file); err != nil {
			t.Errorf("node %d has another key: %v", i, err)
		}
	}
}

// TestOpenShared opens an engine with the keys of several servers.
func TestOpenShared(t *testing.T) {
	each(t, func(v *env) {
		dir := v.TempDir()
		file, other := filepath.Join(dir, "seal.keys"), filepath.Join(dir, "other.keys")
		open := func(file string) error {
			_, err := records.OpenShared(v.Context(), v.e, file)
			return err
		}
		openSealed(v.T, v.e, file).changes() // before servers shared the engine
		if _, err := seal.CreateRing(other); err != nil {
			v.Fatal(err)
		}
		if err := open(other); err == nil || !strings.Contains(err.Error(), "or copy that of another server") {
			v.Errorf("keys that open nothing: %v", err)
		}
		if err := os.Remove(other); err != nil {
			v.Fatal(err)
		}
		for range 2 {
			if err := open(file); err != nil {
				v.Fatal(err)
			}
		}
		v.update(app, func(a *account.App) { a.Keys = nil })
		want := "the file of sealing keys " + other + " is missing, and other servers use the database with theirs; copy it from the data directory of one of them, and the file of --admin-token-file, such as admin.token, too"
		if err := open(other); err == nil || err.Error() != want {
			v.Errorf("a missing file: %v", err)
		}
		if _, err := seal.CreateRing(other); err != nil { // the missing file was not created
			v.Fatal(err)
		}
		if err := open(other); err == nil || !strings.Contains(err.Error(), other+" has another key of version 1 than the other servers of the database; copy the file") {
			v.Errorf("other keys: %v", err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			v.Fatal(err)
		}
		more := fmt.Appendf(b, "2 %s\n", base64.StdEncoding.EncodeToString(make([]byte, 32)))
		if err := os.WriteFile(file, more, 0o600); err != nil {
			v.Fatal(err)
		}
		if err := open(file); err != nil {
			v.Errorf("a newer key: %v", err)
		}
	})
}

// TestOpenSharedTogether starts servers that each create a file of their own. One of them
// wins.
func TestOpenSharedTogether(t *testing.T) {
	e, won := new(mem.Store), make(chan string, 8)
	var wg sync.WaitGroup
	for i := range 8 {
		handle, file := e.Handle(account.MaxStale), filepath.Join(t.TempDir(), fmt.Sprint(i))
		wg.Go(func() {
			_, err := records.OpenShared(t.Context(), handle, file)
			if err == nil {
				won <- file
			} else if !strings.Contains(err.Error(), "copy") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d servers have won", len(won))
	}
}

// TestUseKeys adds keys to the file of a server that runs. The newest key seals from then on.
// A file without a key of the start is refused, and so is a key that differs from that of
// another server.
func TestUseKeys(t *testing.T) {
	e := new(mem.Store)
	one, other := filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "keys")
	r, err := records.OpenShared(t.Context(), e, one)
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file string, version int, key byte) {
		t.Helper()
		text := fmt.Appendf(slices.Clone(first), "%d %s\n", version, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{key}, 32)))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	use := func(r *records.Registry, file string) (added bool, err error) {
		ring, err := r.ReadKeys(file)
		if err != nil {
			return false, err
		}
		return r.UseKeys(t.Context(), ring, true)
	}
	if added, err := use(r, one); added || err != nil {
		t.Errorf("the same keys: %v, %v", added, err)
	}
	second, err := records.OpenShared(t.Context(), e, one) // as another server
	if err != nil {
		t.Fatal(err)
	}
	write(one, 2, 'a')
	if added, err := use(r, one); !added || err != nil {
		t.Errorf("one more key: %v, %v", added, err)
	}
	write(other, 2, 'b')
	if added, err := use(second, other); added || err == nil || !strings.Contains(err.Error(), "has another key of version 2 than the other servers") {
		t.Errorf("another key than the first server: %v, %v", added, err)
	}
	if err := os.WriteFile(one, first, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := use(r, one); err == nil || !strings.Contains(err.Error(), "has no longer the key of version 2") {
		t.Errorf("a removed key: %v", err)
	}
}
