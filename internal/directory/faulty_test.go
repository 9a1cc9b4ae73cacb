package directory_test

import (
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// TestFaultyRecord changes an app whose stored record breaks rules that are newer than the
// record. Everything except the faults can be changed. A fault can only be corrected.
func TestFaultyRecord(t *testing.T) {
	const public = "-----BEGIN PUBLIC KEY-----"
	for name, spoil := range map[string]func(*account.App){
		"public key":    func(a *account.App) { a.Keys[0].Secret = public },
		"no public key": func(a *account.App) { a.Keys[0].Kind = account.ECDSAKey },
		"tombstones":    func(a *account.App) { a.Settings.TombstoneDays = 1 << 40 },
		"not_admin":     func(a *account.App) { a.Settings.NotAdmin = "60010" },
		"a word":        func(a *account.App) { a.Settings.Words = []string{"", "w"} },
		"an admin":      func(a *account.App) { a.Admins = append(a.Admins, "@x") },
		"any signature": func(a *account.App) { a.Settings.AnySignature = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, spoil)
			change := func(apply func(*account.App)) error {
				_, err := f.dir.ChangeApp(t.Context(), "test", directory.AppChange{App: appID, Action: "app.change", Apply: func(a *account.App) error {
					apply(a)
					return nil
				}})
				return err
			}
			_, addKey := f.dir.AddKey(t.Context(), "test", appID, account.Key{Kind: account.HMACKey, Secret: "third"})
			_, addPublic := f.dir.AddKey(t.Context(), "test", appID, account.Key{Kind: account.HMACKey, Secret: public + "2"})
			_, retireOther := f.dir.RetireKey(t.Context(), "test", appID, "2", time.Time{})
			_, retireLater := f.dir.RetireKey(t.Context(), "test", appID, "1", time.Now().Add(time.Hour))
			_, addAdmin := f.dir.AddAdmin(t.Context(), "test", appID, "boss")
			_, removeAdmin := f.dir.RemoveAdmin(t.Context(), "test", appID, account.Administrator)
			for what, err := range map[string]error{
				"add a key": addKey, "retire another key": retireOther, "retire the key": retireLater, "add an admin": addAdmin, "remove an admin": removeAdmin,
				"disable": change(func(a *account.App) { a.Disabled = true }),
				"no test": change(func(a *account.App) { a.Test = false }),
				"setting": change(func(a *account.App) { a.Settings.AllowDelete = true }),
			} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			for what, err := range map[string]error{
				"another public key": addPublic,
				"more days":          change(func(a *account.App) { a.Settings.TombstoneDays = 1<<40 - 1 }),
				"another mode":       change(func(a *account.App) { a.Settings.NotAdmin = "60011" }),
				"a secret in place": change(func(a *account.App) {
					a.Keys[0] = account.Key{ID: "1", Kind: account.HMACKey, Secret: public + "3"}
				}),
				"a long name": change(func(a *account.App) { a.Name = string(make([]byte, 201)) }),
			} {
				if account.CodeOf(err) != account.InvalidApp {
					t.Errorf("%s: %v, want InvalidApp", what, err)
				}
			}
			f.serves(t)
		})
	}
}

// A faulty is a directory whose app has two keys and a stored record with a fault.
type faulty struct {
	dir *directory.Directory
	app *account.App
}

func newFaulty(t *testing.T, spoil func(*account.App)) *faulty {
	engine := new(mem.Store)
	f := &faulty{dir: directory.New(directory.Options{Engine: engine, Logger: testutil.Logger(t)})}
	_, err := f.dir.CreateApp(t.Context(), "test", account.App{ID: appID, Edition: account.Pro, Keys: []account.Key{
		{Kind: account.HMACKey, Secret: "first"}, {Kind: account.HMACKey, Secret: "second"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.app, err = records.New(engine, nil).UpdateApp(t.Context(), appID, func(a account.App) (account.App, error) {
		spoil(&a)
		return a, nil
	}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// serves checks that the app can import an account.
func (f *faulty) serves(t *testing.T) {
	t.Helper()
	results, err := f.dir.Import(t.Context(), f.app, []account.Upsert{{ID: "alice", Nick: "Alice"}})
	if err != nil || results[0].Code != account.OK {
		t.Errorf("import: %v, %v", results, err)
	}
}
