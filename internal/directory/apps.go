package directory

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rollcall/internal/account"
)

// CreateApp stores a new app together with accounts for its admins, who are counted
// but not bound by the quota. Administrator is an admin from the start. Keys
// that have no id are numbered.
//
// Codes: InvalidApp, Exists.
func (d *Directory) CreateApp(ctx context.Context, actor string, app account.App) (*account.App, error) {
	app = app.Clone()
	app.Created = account.Millis(d.Now(app.ID))
	if !app.IsAdmin(account.Administrator) {
		app.Admins = append([]account.UserID{account.Administrator}, app.Admins...)
	}
	for i := range app.Keys {
		if err := app.Keys[i].Validate(); err != nil {
			return nil, err
		}
		app.Keys[i].ID = cmp.Or(app.Keys[i].ID, nextKeyID(app.Keys))
		app.Keys[i].Created = app.Created
	}
	if err := cmp.Or(app.Validate(d.commands), d.checkNewTest(&app)); err != nil {
		return nil, err
	}
	by := d.entry(ctx, actor, "app.create", app.ID, createDetail(&app))
	e, also := d.appEvent(account.EventAppCreated, by)
	created, err := d.records.CreateApp(ctx, app, by, also...)
	if err != nil {
		return nil, err
	}
	d.announce(e)
	return created, nil
}

// createDetail says for the audit trail what kind of app was created.
func createDetail(app *account.App) string {
	if app.Test {
		return "edition " + string(app.Edition) + ", a test app"
	}
	return "edition " + string(app.Edition)
}

// DeleteApp removes an app, with the accounts of its admins. It is refused
// while the app has any other.
//
// Codes: NoApp, Conflict.
func (d *Directory) DeleteApp(ctx context.Context, actor string, app account.AppID) error {
	by := d.entry(ctx, actor, "app.delete", app, "")
	e, also := d.appEvent(account.EventAppDeleted, by)
	if err := d.records.DeleteApp(ctx, app, by, also...); err != nil {
		return err
	}
	d.announce(e)
	return nil
}

// ChangeApp applies the change to a copy of the app, judges what it changed and
// stores the result. Faults that the stored record had before refuse nothing; see
// [account.App.ValidateChange].
//
// Codes: NoApp, InvalidApp, and those of Apply.
func (d *Directory) ChangeApp(ctx context.Context, actor string, c AppChange) (*account.App, error) {
	by := d.entry(ctx, actor, c.Action, c.App, c.Detail)
	e, also := d.appEvent(account.EventAppChanged, by)
	changed, err := d.records.UpdateApp(ctx, c.App, func(app account.App) (account.App, error) {
		before := app.Clone()
		if err := c.Apply(&app); err != nil {
			return account.App{}, err
		}
		return app, cmp.Or(d.checkTest(&before, &app), app.ValidateChange(&before, d.commands))
	}, by, also...)
	if err != nil {
		return nil, err
	}
	d.announce(e)
	return changed, nil
}

// An AppChange is one change of an app's record. Action and Detail must not
// hold a secret. Apply may run several times, each time with the app as it is then, and
// must have no side effects.
type AppChange struct {
	App    account.AppID
	Action string // for the audit trail, as "key.add"
	Detail string // for the audit trail
	Apply  func(*account.App) error
}

// AddKey gives the app one more key, which stands last in its record. Keys that
// it had stay active. A key without an id is numbered. Where the app has as
// many keys as it may, the one that was retired first makes room.
//
// Codes: NoApp, InvalidApp, Conflict if the app has the secret as another key,
// active or retired.
func (d *Directory) AddKey(ctx context.Context, actor string, app account.AppID, k account.Key) (*account.App, error) {
	return d.addKey(ctx, actor, app, k, checkNewKey)
}

// AddConfiguredKey is AddKey for the key that the server's configuration names. It
// may be one that was retired: the operator has put it back.
//
// Codes: as AddKey.
func (d *Directory) AddConfiguredKey(ctx context.Context, actor string, app account.AppID, k account.Key) (*account.App, error) {
	return d.addKey(ctx, actor, app, k, func(known account.Key, now time.Time) error {
		if !known.Active(now) {
			return nil
		}
		return checkNewKey(known, now)
	})
}

func (d *Directory) addKey(ctx context.Context, actor string, app account.AppID, k account.Key, refuse func(known account.Key, now time.Time) error) (*account.App, error) {
	k.Created = account.Millis(d.Now(app))
	return d.ChangeApp(ctx, actor, AppChange{app, "key.add", string(k.Kind) + " key " + k.Fingerprint(), func(a *account.App) error {
		if err := k.Validate(); err != nil { // while it has the id, or none, that the caller gave
			return err
		}
		for _, known := range a.Keys {
			if err := refuse(known, k.Created); known.SameSecret(k) && err != nil {
				return err
			}
		}
		if len(a.Keys) >= account.MaxKeys {
			a.Keys = withoutOldest(a.Keys, k.Created)
		}
		k.ID = cmp.Or(k.ID, nextKeyID(a.Keys))
		a.Keys = append(a.Keys, k)
		return nil
	}})
}

// checkNewKey refuses the secret of a key that the app has or had. Under two ids a
// secret would outlive the retirement of one of them.
func checkNewKey(known account.Key, now time.Time) error {
	if known.Active(now) {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has that secret already, as key %s; there is nothing to add", known.ID)}
	}
	return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("that secret was key %s, which was retired; a retired secret does not come back: add another one", known.ID)}
}

// nextKeyID returns a number above those of keys.
func nextKeyID(keys []account.Key) string {
	newest := 0
	for _, k := range keys {
		if n, err := strconv.Atoi(k.ID); err == nil {
			newest = max(newest, n)
		}
	}
	return strconv.Itoa(newest + 1)
}

// withoutOldest leaves out the key that has been retired longest, if one has.
func withoutOldest(keys []account.Key, now time.Time) []account.Key {
	oldest := -1
	for i, k := range keys {
		if !k.Active(now) && (oldest < 0 || k.Retired.Before(keys[oldest].Retired)) {
			oldest = i
		}
	}
	if oldest < 0 {
		return keys
	}
	return slices.Delete(keys, oldest, oldest+1)
}

// RetireKey ends the use of a key at a time, or now if the time is zero. The time
// may be moved as long as it has not come, and earlier afterwards: a key that was
// retired never comes back.
//
// Codes: NoApp, NoKey, Conflict if the key is retired and the time is to come.
func (d *Directory) RetireKey(ctx context.Context, actor string, app account.AppID, keyID string, at time.Time) (*account.App, error) {
	now := account.Millis(d.Now(app))
	return d.ChangeApp(ctx, actor, AppChange{app, "key.retire", keyID, func(a *account.App) error {
		i := slices.IndexFunc(a.Keys, func(k account.Key) bool { return k.ID == keyID })
		if i < 0 {
			return &account.Error{Code: account.NoKey, Detail: "the app has no key " + account.Quote(keyID)}
		}
		return retire(&a.Keys[i], at, now)
	}})
}

func retire(k *account.Key, at, now time.Time) error {
	at = moment(at)
	if at.IsZero() {
		at = now
	}
	switch {
	case k.Active(now):
		k.Retired = at
	case at.After(now):
		return &account.Error{Code: account.Conflict, Detail: "the key is retired already and does not come back; add another key"}
	case at.Before(k.Retired):
		k.Retired = at
	}
	k.Ended = !k.Active(now)
	return nil
}

// moment rounds a time that somebody gave to the precision of the store. A time before
// 1970 becomes the first moment of 1970: the store has no earlier one, and the zero
// time means that there is no time.
func moment(t time.Time) time.Time {
	if epoch := time.Unix(0, 0).UTC(); !t.IsZero() && t.Before(epoch) {
		return epoch
	}
	return account.Millis(t)
}

// AddAdmin makes an id an admin of an app, with an account, unless it is one.
//
// Codes: NoApp, InvalidApp.
func (d *Directory) AddAdmin(ctx context.Context, actor string, app account.AppID, id account.UserID) (*account.App, error) {
	var current account.App
	changed, err := d.ChangeApp(ctx, actor, AppChange{app, "admin.add", string(id), func(a *account.App) error {
		if a.IsAdmin(id) {
			current = *a
			return errIsAdmin
		}
		a.Admins = append(a.Admins, id)
		return nil
	}})
	if errors.Is(err, errIsAdmin) {
		return &current, nil
	}
	return changed, err
}

// errIsAdmin ends a change that has nothing to change.
var errIsAdmin = errors.New("the id is an admin already")

// RemoveAdmin takes the role of an admin away; the id stays an account. An app
// keeps at least one admin.
//
// Codes: NoApp, NoAccount if the id is no admin, InvalidApp.
func (d *Directory) RemoveAdmin(ctx context.Context, actor string, app account.AppID, id account.UserID) (*account.App, error) {
	return d.ChangeApp(ctx, actor, AppChange{app, "admin.remove", string(id), func(a *account.App) error {
		i := slices.Index(a.Admins, id)
		if i < 0 {
			return &account.Error{Code: account.NoAccount, Detail: account.Quote(id) + " is no admin of the app"}
		}
		a.Admins = slices.Delete(a.Admins, i, i+1)
		return nil
	}})
}

type tokenKey struct{}

// WithToken returns a context for calls that the bearer of a token makes. Their
// entries in the audit trail hold the id of the token beside its name, which other
// tokens may have too.
func WithToken(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, tokenKey{}, id)
}

func (d *Directory) entry(ctx context.Context, actor, action string, app account.AppID, detail string) account.AuditEntry {
	token, _ := ctx.Value(tokenKey{}).(string)
	if actor == ServerActor {
		token = "" // it may act in the middle of a call
	}
	return account.AuditEntry{
		Time: account.Millis(d.Now(app)), Actor: actor, TokenID: token, Action: action, App: app, Detail: detail,
	}
}

// NewSecret returns an HMAC key in the form of the vendor's console: 64
// hexadecimal digits.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
