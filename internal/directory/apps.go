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
	"strings"
	"time"

	"rollcall/internal/account"
)

// CreateApp stores a new app together with accounts for its admins. Administrator is an
// admin from the start. The accounts of admins count for the quota, but are created even
// if it is full. A key without an id gets a number as its id.
//
// Codes: InvalidApp, Exists.
func (d *Directory) CreateApp(ctx context.Context, actor string, app account.App) (*account.App, error) {
	app = app.Clone()
	app.Created = account.Millis(d.clock(app.ID))
	app.Expires = moment(app.Expires)
	if !app.IsAdmin(account.Administrator) {
		app.Admins = append([]account.UserID{account.Administrator}, app.Admins...)
	}
	for i := range app.Keys {
		if err := app.Keys[i].Validate(); err != nil {
			return nil, err
		}
		app.Keys[i].ID = cmp.Or(app.Keys[i].ID, nextKeyID(app.Keys, ""))
		app.Keys[i].Created = app.Created
	}
	if err := cmp.Or(app.Validate(d.commands), d.checkNewTest(&app), d.checkExpiry(&app)); err != nil {
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

// EnsureApp is CreateApp, except that it returns an app that exists already, as another
// server of the store may have created it at the same time. It does not change that app.
//
// Codes: InvalidApp.
func (d *Directory) EnsureApp(ctx context.Context, actor string, app account.App) (*account.App, error) {
	created, err := d.CreateApp(ctx, actor, app)
	if account.CodeOf(err) != account.Exists {
		return created, err
	}
	return d.records.StoredApp(ctx, app.ID) // App may not know it yet
}

// createDetail returns the detail of the audit entry of a new app.
func createDetail(app *account.App) string {
	detail := "edition " + string(app.Edition)
	if app.Test {
		detail += ", a test app"
	}
	if !app.Expires.IsZero() {
		detail += ", until " + app.Expires.Format(time.RFC3339)
	}
	return detail
}

// DeleteApp removes an app together with the accounts of its admins and its robots. It is
// refused while the app has any other account.
//
// Codes: NoApp, Conflict.
func (d *Directory) DeleteApp(ctx context.Context, actor string, app account.AppID) error {
	by := d.entry(ctx, actor, "app.delete", app, "")
	e, also, err := d.deletion(ctx, by)
	if err != nil {
		return err
	}
	if err := d.records.DeleteApp(ctx, app, by, also...); err != nil {
		return err
	}
	d.announce(e)
	return nil
}

// deletion returns the event of the deletion of an app, and the writes that belong to its
// commit.
func (d *Directory) deletion(ctx context.Context, by account.AuditEntry) (account.Event, []account.Write, error) {
	e, also := d.appEvent(account.EventAppDeleted, by)
	robots, err := d.records.ReplaceRobots(ctx, by.App, nil)
	return e, append(also, robots...), err
}

// ChangeApp applies the change to a copy of the app, validates the result and stores it.
// Faults that the stored record already has do not refuse the change; see
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

// An AppChange is one change of an app's record. Action and Detail must not contain a
// secret. Apply may run several times, each time with the current app, and must have no
// side effects.
type AppChange struct {
	App    account.AppID
	Action string // for the audit trail, such as "key.add"
	Detail string // for the audit trail
	Apply  func(*account.App) error
}

// AddKey adds a key to the end of an app's list of keys. Existing keys remain active. A
// key without an id gets a number as its id. If the app has the maximum number of keys,
// AddKey removes the key that was retired first.
//
// Codes: NoApp, InvalidApp, Conflict if another key of the app, active or retired, has
// the same secret.
func (d *Directory) AddKey(ctx context.Context, actor string, app account.AppID, k account.Key) (*account.App, error) {
	return d.addKey(ctx, actor, app, newKey{Key: k, refuse: checkNewKey})
}

// AddConfiguredKey is AddKey for the key in the server's configuration. It accepts the
// secret of a retired key, because the operator has configured that key again. It changes
// nothing if an active key has the secret, which another server may have added at the same
// time. The id of the key is prefix and a number.
//
// Codes: NoApp, InvalidApp.
func (d *Directory) AddConfiguredKey(ctx context.Context, actor string, app account.AppID, k account.Key, prefix string) (*account.App, error) {
	var current account.App
	k.ID = ""
	changed, err := d.addKey(ctx, actor, app, newKey{k, prefix, func(a *account.App, known account.Key, now time.Time) error {
		if !known.Active(now) {
			return nil
		}
		current = *a
		return errHasKey
	}})
	if errors.Is(err, errHasKey) {
		return &current, nil
	}
	return changed, err
}

// errHasKey ends a change that would change nothing.
var errHasKey = errors.New("the app has the key already")

// A newKey is a key to add. Without an id it gets prefix and a number as its id. refuse
// returns an error if known, a key of a with the same secret, is a reason not to add it.
type newKey struct {
	account.Key
	prefix string
	refuse func(a *account.App, known account.Key, now time.Time) error
}

func (d *Directory) addKey(ctx context.Context, actor string, app account.AppID, k newKey) (*account.App, error) {
	k.Created = account.Millis(d.Now(app))
	return d.ChangeApp(ctx, actor, AppChange{app, "key.add", string(k.Kind) + " key " + k.Fingerprint(), func(a *account.App) error {
		if err := k.Validate(); err != nil { // before k gets an id, which the error would name
			return err
		}
		for _, known := range a.Keys {
			if !known.SameSecret(k.Key) {
				continue
			}
			if err := k.refuse(a, known, k.Created); err != nil {
				return err
			}
		}
		if len(a.Keys) >= account.MaxKeys {
			a.Keys = withoutOldest(a.Keys, k.Created)
		}
		added := k.Key // k itself stays without an id, because this can run again on a newer app
		added.ID = cmp.Or(k.ID, nextKeyID(a.Keys, k.prefix))
		a.Keys = append(a.Keys, added)
		return nil
	}})
}

// checkNewKey refuses a secret that the app already has, even in a retired key. With two
// ids a secret would remain valid after the retirement of one of them.
func checkNewKey(_ *account.App, known account.Key, now time.Time) error {
	if known.Active(now) {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has that secret already, as key %s; there is nothing to add", known.ID)}
	}
	return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("that secret was key %s, which was retired; a retired secret does not come back: add another one", known.ID)}
}

// nextKeyID returns prefix and a number that is greater than those of all keys whose ids
// are the prefix and a number.
func nextKeyID(keys []account.Key, prefix string) string {
	newest := 0
	for _, k := range keys {
		number, ok := strings.CutPrefix(k.ID, prefix)
		if n, err := strconv.Atoi(number); ok && err == nil {
			newest = max(newest, n)
		}
	}
	return prefix + strconv.Itoa(newest+1)
}

// withoutOldest returns keys without the one that was retired first. If no key is
// retired, it returns all keys.
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

// RetireKey retires a key at a time, or now if the time is zero. As long as the key is
// active, the time can be changed. Afterwards it can only become earlier, because a
// retired key never becomes active again.
//
// Codes: NoApp, NoKey, Conflict if the key is retired and the time is in the future.
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

// moment truncates a time from a caller to the precision of the store. A time before 1970
// becomes the start of 1970, the earliest time that the store can represent. The zero
// time stays zero; it means that no time is set.
func moment(t time.Time) time.Time {
	if epoch := time.Unix(0, 0).UTC(); !t.IsZero() && t.Before(epoch) {
		return epoch
	}
	return account.Millis(t)
}

// AddAdmin makes an id an admin of an app and creates its account. It changes nothing if
// the id is an admin already.
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

// errIsAdmin ends a change that would change nothing.
var errIsAdmin = errors.New("the id is an admin already")

// RemoveAdmin removes an id from the admins of an app. The account of the id remains.
// The last admin cannot be removed.
//
// Codes: NoApp, NoAccount if the id is not an admin, InvalidApp if it is the last one.
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

// WithToken returns a context for calls of the bearer of a token. Audit entries of these
// calls contain the id of the token in addition to its name, which need not be unique.
func WithToken(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, tokenKey{}, id)
}

// entry returns an entry of the audit trail. Its time is real, even if the app has a clock
// of its own: the trail shows what people did.
func (d *Directory) entry(ctx context.Context, actor, action string, app account.AppID, detail string) account.AuditEntry {
	token, _ := ctx.Value(tokenKey{}).(string)
	if actor == ServerActor {
		token = "" // the server may act during a call of a bearer
	}
	return account.AuditEntry{
		Time: account.Millis(d.clock(app)), Actor: actor, TokenID: token, Action: action, App: app, Detail: detail,
	}
}

// NewSecret returns a new HMAC key in the form of the vendor's console: 64 hexadecimal
// digits.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
