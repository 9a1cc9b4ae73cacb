package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/client"
	"rollcall/internal/directory"
	"rollcall/internal/testutil/anystore"
)

// An appWorker creates, changes and deletes apps. An app is deleted and created again
// under the same number.
type appWorker struct {
	ledger
	first   uint32 // of its ten apps
	rng     *rand.Rand
	secrets map[string]string // of its keys, by fingerprint
}

func newAppWorker(first uint32) *appWorker {
	return &appWorker{ledger: *newLedger(), first: first, rng: rand.New(rand.NewPCG(rand.Uint64(), 2)), secrets: map[string]string{}}
}

func (w *appWorker) book() *ledger { return &w.ledger }

func (w *appWorker) next(s *site) call {
	app := w.first + w.rng.Uint32N(10)
	f := w.acked.apps[app]
	free := slices.IndexFunc(f.Keys[:], func(k keyFact) bool { return k.Fingerprint == "" })
	switch n := w.rng.IntN(100); {
	case !f.Exists:
		return w.create(s.admin, app)
	case n < 20:
		return w.rename(s.admin, app, f)
	case n < 40 && free >= 0:
		return w.addKey(s.admin, app, free)
	case n < 55:
		return w.retireKey(s.admin, app, w.rng.IntN(maxAppKeys))
	case n < 75:
		return w.addAdmin(s.admin, app)
	case n < 90 && len(f.admins()) > 1:
		return w.removeAdmin(s.admin, app)
	case n >= 90 && w.bare(app):
		return w.remove(s.admin, app)
	default:
		return w.rename(s.admin, app, f)
	}
}

// key generates a key and stores its secret.
func (w *appWorker) key() (secret string, f keyFact) {
	secret = directory.NewSecret()
	f.Fingerprint = fmt.Sprintf("%x", sha256.Sum256([]byte(secret)))[:16]
	w.secrets[f.Fingerprint] = secret
	return secret, f
}

// change returns a call after which f is true of an app.
func change(app uint32, f appFact, send func(context.Context) error) call {
	changes := newFacts()
	changes.apps[app] = f
	return call{changes, send}
}

// create creates an app with an admin besides the usual one.
func (w *appWorker) create(api *client.AdminClient, app uint32) call {
	secret, key := w.key()
	f := appFact{Exists: true, Name: "new", Admins: client.Administrator + " boss-0", Keys: [maxAppKeys]keyFact{key}}
	c := change(app, f, func(ctx context.Context) error {
		_, err := api.CreateApp(ctx, client.NewApp{SDKAppID: app, Name: f.Name, Edition: client.Development, Admins: []string{"boss-0"}, Secret: secret})
		return err
	})
	for _, user := range f.admins() {
		c.changes.accounts[userKey{app, user}] = accountFact{Live: true}
	}
	return c
}

func (w *appWorker) rename(api *client.AdminClient, app uint32, f appFact) call {
	f.Name = fmt.Sprintf("name-%x", w.rng.Uint64())
	return change(app, f, func(ctx context.Context) error {
		_, err := api.UpdateApp(ctx, app, client.AppPatch{Name: &f.Name})
		return err
	})
}

func (w *appWorker) addKey(api *client.AdminClient, app uint32, place int) call {
	secret, key := w.key()
	f := w.acked.apps[app]
	f.Keys[place] = key
	return change(app, f, func(ctx context.Context) error {
		_, err := api.AddKey(ctx, app, client.NewKey{Secret: secret})
		return err
	})
}

// retireKey retires a key, which may be retired already.
func (w *appWorker) retireKey(api *client.AdminClient, app uint32, place int) call {
	f := w.acked.apps[app]
	if f.Keys[place].Fingerprint == "" {
		return w.rename(api, app, f)
	}
	f.Keys[place].Retired = true
	return change(app, f, func(ctx context.Context) error {
		_, err := api.RetireKey(ctx, app, fmt.Sprint(place+1), time.Time{})
		return err
	})
}

// addAdmin makes one of a few ids an admin. The id may be or may have been an admin.
func (w *appWorker) addAdmin(api *client.AdminClient, app uint32) call {
	user := fmt.Sprintf("boss-%d", w.rng.IntN(5))
	f := w.acked.apps[app]
	if !slices.Contains(f.admins(), user) {
		f.Admins += " " + user
	}
	c := change(app, f, func(ctx context.Context) error {
		_, err := api.AddAdmin(ctx, app, user)
		return err
	})
	boss := w.acked.accounts[userKey{app, user}]
	boss.Live = true
	c.changes.accounts[userKey{app, user}] = boss
	return c
}

// removeAdmin removes the newest admin. The account stays.
func (w *appWorker) removeAdmin(api *client.AdminClient, app uint32) call {
	f := w.acked.apps[app]
	all := f.admins()
	user := all[len(all)-1]
	f.Admins = strings.Join(all[:len(all)-1], " ")
	return change(app, f, func(ctx context.Context) error {
		_, err := api.RemoveAdmin(ctx, app, user)
		return err
	})
}

// bare reports whether an app has no accounts except those of its admins.
func (w *appWorker) bare(app uint32) bool {
	live := 0
	for key, f := range w.acked.accounts {
		if key.app == app && f.Live {
			live++
		}
	}
	return live == len(w.acked.apps[app].admins())
}

// remove deletes an app, and with it the accounts of its admins.
func (w *appWorker) remove(api *client.AdminClient, app uint32) call {
	c := change(app, appFact{}, func(ctx context.Context) error { return api.DeleteApp(ctx, app) })
	for _, user := range w.acked.apps[app].admins() {
		c.changes.accounts[userKey{app, user}] = accountFact{}
	}
	return c
}

// A tokenWorker creates and deletes tokens, and sometimes makes a backup.
type tokenWorker struct {
	ledger
	dir     string // of the backups
	rng     *rand.Rand
	calls   int
	names   []string // of all tokens that it has ever created
	backups []string // that were acknowledged and not verified yet
}

func newTokenWorker(dir string) *tokenWorker {
	return &tokenWorker{ledger: *newLedger(), dir: dir, rng: rand.New(rand.NewPCG(rand.Uint64(), 3))}
}

func (w *tokenWorker) book() *ledger { return &w.ledger }

func (w *tokenWorker) next(s *site) call {
	w.calls++
	switch n := w.rng.IntN(100); {
	case n < 5 && anystore.Embedded():
		return w.backup(s.admin)
	case n < 55 || len(w.names) == 0:
		return w.create(s.admin)
	default:
		return w.remove(s.admin)
	}
}

func (w *tokenWorker) create(api *client.AdminClient) call {
	name := fmt.Sprintf("token-%d", w.calls)
	w.names = append(w.names, name)
	changes := newFacts()
	changes.tokens[name] = tokenFact{Exists: true}
	return call{changes, func(ctx context.Context) error {
		created, err := api.CreateToken(ctx, client.NewToken{Name: name, Scopes: []string{client.ScopeRead}})
		if err == nil {
			changes.tokens[name] = tokenFact{true, created.Token.ID, created.Secret}
		}
		return err
	}}
}

// remove deletes a token. The secret stays in the ledger, because a check expects that it
// stops working.
func (w *tokenWorker) remove(api *client.AdminClient) call {
	name := w.names[w.rng.IntN(len(w.names))]
	f := w.acked.tokens[name]
	if !f.Exists {
		return w.create(api)
	}
	id := f.ID
	f.Exists = false
	changes := newFacts()
	changes.tokens[name] = f
	return call{changes, func(ctx context.Context) error { return api.DeleteToken(ctx, id) }}
}

func (w *tokenWorker) backup(api *client.AdminClient) call {
	dir := filepath.Join(w.dir, fmt.Sprint("backup-", w.calls))
	return call{newFacts(), func(ctx context.Context) error {
		_, err := api.Backup(ctx, dir)
		if err == nil {
			w.backups = append(w.backups, dir)
		}
		return err
	}}
}
