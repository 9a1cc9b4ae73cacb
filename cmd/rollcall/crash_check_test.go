package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/store/open"
)

// A checker looks up in one server everything that the ledgers contain.
type checker struct {
	*trial
	site  *site
	ctx   context.Context
	known facts // of all ledgers
	wrong []string
}

// check compares the server with the ledgers, and returns the differences.
func (tr *trial) check(t *testing.T, s *site) []string {
	t.Helper()
	c := &checker{trial: tr, site: s, ctx: t.Context(), known: newFacts()}
	shown, err := c.observe()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range tr.ledgers() {
		c.wrong = append(c.wrong, l.settle(shown)...)
		c.known.put(l.acked)
	}
	c.strangers(shown)
	c.births(shown)
	for _, look := range []func() error{c.status, c.profiles, c.tombstones, c.watermarks, c.keys, c.secrets, c.backups} {
		if err := look(); err != nil {
			c.wrong = append(c.wrong, err.Error())
		}
	}
	return c.wrong
}

// expect counts a look-up, and records an error unless ok is set.
func (c *checker) expect(ok bool, format string, args ...any) {
	c.lookups++
	c.require(ok, format, args...)
}

// require is expect for a look-up that was counted already.
func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
	}
}

// observe reads everything through the admin API. It compares the counts with the
// lists, and looks for an account of every admin.
func (c *checker) observe() (facts, error) {
	shown := newFacts()
	for a, err := range c.site.admin.Apps(c.ctx) {
		if err != nil {
			return shown, err
		}
		shown.apps[a.SDKAppID] = shownApp(a)
		if err := c.list(a.SDKAppID, shown.accounts, shown.devices); err != nil {
			return shown, err
		}
		for _, user := range a.Admins {
			c.require(shown.accounts[userKey{a.SDKAppID, user}].Live, "the admin %d/%s has no account", a.SDKAppID, user)
		}
	}
	tokens, err := c.site.admin.Tokens(c.ctx)
	for _, t := range tokens {
		shown.tokens[t.Name] = tokenFact{Exists: true, ID: t.ID}
	}
	c.lookups += len(shown.accounts) + len(shown.apps) + len(shown.tokens) + len(shown.devices)
	return shown, err
}

// list reads the accounts of an app, and the devices that are logged in.
func (c *checker) list(app uint32, into map[userKey]accountFact, devices map[userKey]deviceFact) error {
	listed, last := int64(0), ""
	for r, err := range c.site.admin.Accounts(c.ctx, app, client.AccountQuery{PageSize: client.MaxPage}) {
		if err != nil {
			return err
		}
		c.require(r.UserID > last, "%d: the list has %s after %s", app, r.UserID, last)
		last = r.UserID
		into[userKey{app, r.UserID}] = shownAccount(r)
		listed++
	}
	for d, err := range c.site.admin.Devices(c.ctx, app) {
		if err != nil {
			return err
		}
		devices[userKey{app, d.UserID}] = shownDevices(d)
	}
	n, err := c.site.admin.CountAccounts(c.ctx, app)
	c.expect(n == listed, "%d: the count is %d, %d are listed", app, n, listed)
	return err
}

func shownApp(a *client.App) appFact {
	f := appFact{Exists: true, Name: a.Name, Admins: strings.Join(a.Admins, " ")}
	for i, k := range a.Keys {
		f.Keys[i] = keyFact{k.Fingerprint, !k.RetiredAt.IsZero()}
	}
	return f
}

func shownAccount(r *client.AccountRecord) accountFact {
	f := accountFact{Live: true, Nick: r.Nick, FaceURL: r.FaceURL, Birth: birth{r.InternalID, r.CreatedAt.UnixMilli()}}
	_ = json.Unmarshal(r.Profile[client.TagSelfSignature], &f.Signature) // an absent one is ""
	_ = json.Unmarshal(r.Profile[client.TagLevel], &f.Level)
	if !r.KickedAt.IsZero() {
		f.Kicked = span{r.KickedAt.Unix(), r.KickedAt.Unix()}
	}
	return f
}

// strangers finds accounts, apps and tokens that no call has created.
func (c *checker) strangers(shown facts) {
	for key := range shown.accounts {
		c.require(c.known.accounts[key].Live, "nobody has created the account %v", key)
	}
	for app := range shown.apps {
		c.require(c.known.apps[app].Exists, "nobody has created the app %d", app)
	}
	for name := range shown.tokens {
		c.require(c.known.tokens[name].Exists, "nobody has created the token %s", name)
	}
}

// births finds an InternalID that two accounts got, in this round or in different ones.
func (c *checker) births(shown facts) {
	for key, f := range shown.accounts {
		who := fmt.Sprintf("%v, created at %d", key, f.Birth.at)
		before, ok := c.born[f.Birth.internalID]
		c.require(!ok || before == who, "%s has the InternalID %s of %s", who, f.Birth.internalID, before)
		c.born[f.Birth.internalID] = who
	}
}

// batches calls fn with batches of accounts, each of one app. It leaves out accounts that
// the load does not change, and accounts for which keep returns false.
func (c *checker) batches(keep func(accountFact) bool, fn func(app uint32, users []string) error) error {
	users := map[uint32][]string{}
	for key, f := range c.known.accounts {
		if c.site.apps[key.app] != nil && keep(f) {
			users[key.app] = append(users[key.app], key.user)
		}
	}
	for app := range users {
		for chunk := range slices.Chunk(users[app], client.MaxBatch) {
			if err := fn(app, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// status looks up every id that was ever imported.
func (c *checker) status() error {
	return c.batches(func(accountFact) bool { return true }, func(app uint32, users []string) error {
		rs, err := c.site.apps[app].CheckAccounts(c.ctx, users)
		for _, r := range rs {
			f := c.known.accounts[userKey{app, r.UserID}]
			c.expect(r.Imported == f.Live, "account_check of %d/%s says %v, want %+v", app, r.UserID, r.Imported, f)
		}
		return err
	})
}

// profiles reads the profile of every account.
func (c *checker) profiles() error {
	tags := []string{client.TagNick, client.TagImage, client.TagSelfSignature, client.TagLevel}
	return c.batches(func(f accountFact) bool { return f.Live }, func(app uint32, users []string) error {
		ps, err := c.site.apps[app].GetProfile(c.ctx, users, tags...)
		for _, p := range ps {
			f := c.known.accounts[userKey{app, p.UserID}]
			got := map[string]string{}
			for _, field := range p.Fields {
				got[field.Tag] = field.String()
			}
			ok := p.Code == 0 && got[client.TagNick] == f.Nick && got[client.TagImage] == f.FaceURL &&
				got[client.TagSelfSignature] == f.Signature && (got[client.TagLevel] == fmt.Sprint(f.Level) || f.Level == 0)
			c.expect(ok, "portrait_get of %d/%s says %d %v, want %+v", app, p.UserID, p.Code, got, f)
		}
		return err
	})
}

// tombstones tries to import deleted accounts of the app whose edition does not allow
// that.
func (c *checker) tombstones() error {
	return c.batches(func(f accountFact) bool { return f.Deleted }, func(app uint32, users []string) error {
		if app != barredApp {
			return nil
		}
		as := make([]client.Account, len(users))
		for i, user := range users {
			as[i].UserID = user
		}
		rs, err := c.site.apps[app].ImportAccounts(c.ctx, as)
		for _, r := range rs {
			c.expect(r.Code == client.CodeTombstoned, "the import of %d/%s, which was deleted, answers %d", app, r.UserID, r.Code)
		}
		return err
	})
}

// watermarks calls with a UserSig from before each kick, and with one from after it. The
// users are no admins, so the second one is refused too, with another code.
func (c *checker) watermarks() error {
	for key, f := range c.known.accounts {
		if f.Kicked == (span{}) {
			continue
		}
		for at, want := range map[int64]client.Code{f.Kicked.from - 1: client.CodeSigKicked, f.Kicked.to: client.CodeNotAdmin} {
			got, err := c.code(c.trial.keys[key.app], key, at)
			if err != nil {
				return err
			}
			c.expect(got == want, "a UserSig of %v of %d answers %d, want %d, kicked %+v", key, at, got, want, f.Kicked)
		}
	}
	return nil
}

// keys signs with every key that the load has added.
func (c *checker) keys() error {
	for _, w := range c.workers {
		w, ok := w.(*appWorker)
		if !ok {
			continue
		}
		for app, f := range w.acked.apps {
			for _, k := range f.Keys {
				if k.Fingerprint == "" {
					continue
				}
				want := map[bool]client.Code{false: 0, true: client.CodeSigMismatch}[k.Retired]
				got, err := c.code(w.secrets[k.Fingerprint], userKey{app, client.Administrator}, time.Now().Unix())
				if err != nil {
					return err
				}
				c.expect(got == want, "the key %+v of the app %d answers %d, want %d", k, app, got, want)
			}
		}
	}
	return nil
}

// code returns the code of the response of account_check to a UserSig.
func (c *checker) code(key string, who userKey, at int64) (client.Code, error) {
	sig, err := sign(key, who, at)
	if err != nil {
		return 0, err
	}
	var resp struct{ ErrorCode client.Code }
	err = c.site.callAs(c.site.http, caller{who.app, who.user, sig}, "account_check", `{"CheckItem":[{"UserID":"nobody"}]}`, &resp)
	return resp.ErrorCode, err
}

// secrets calls the admin API with every token whose text is known.
func (c *checker) secrets() error {
	for name, f := range c.known.tokens {
		if f.Secret == "" {
			continue
		}
		api, err := client.NewAdmin(client.AdminOptions{BaseURL: c.site.context.URL, Token: f.Secret, HTTPClient: c.site.http, Retries: -1})
		if err != nil {
			return err
		}
		_, err = api.Info(c.ctx)
		p, refused := errors.AsType[*client.Problem](err)
		if err != nil && !refused {
			return err
		}
		c.expect(refused != f.Exists, "the token %s answers %v, want %+v", name, err, f.Exists)
		c.require(!refused || p.Slug == client.SlugUnauthorized, "the token %s answers %v", name, err)
	}
	return nil
}

// backups verifies the acknowledged backups, and removes all backups.
func (c *checker) backups() error {
	for _, w := range c.workers {
		w, ok := w.(*tokenWorker)
		if !ok {
			continue
		}
		for _, dir := range w.backups {
			_, err := open.Verify(c.ctx, dir, filepath.Join(c.dir, "seal.keys"))
			c.expect(err == nil, "the backup %s: %v", dir, err)
		}
		w.backups = nil
		if err := os.RemoveAll(w.dir); err != nil {
			return err
		}
		if err := os.Mkdir(w.dir, 0o700); err != nil {
			return err
		}
	}
	return nil
}
