package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/usersig"
)

// A site is one running server and the clients that call it.
type site struct {
	*process
	http  *http.Client
	admin *client.AdminClient
	apps  map[uint32]*client.Client // those whose accounts the load changes
}

// newSite returns a site with a client of the account API for each app of keys.
func newSite(t *testing.T, p *process, keys map[uint32]string) *site {
	t.Helper()
	s := &site{process: p, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, apps: map[uint32]*client.Client{}}
	t.Cleanup(s.http.CloseIdleConnections)
	var err error
	s.admin, err = client.NewAdmin(client.AdminOptions{
		BaseURL: p.context.URL, Token: p.context.AdminToken, HTTPClient: s.http, Timeout: time.Minute, Retries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for app, key := range keys {
		s.apps[app], err = client.New(client.Options{
			BaseURL: p.context.URL, SDKAppID: app, Key: key, HTTPClient: s.http, Timeout: time.Minute, AttemptTimeout: time.Minute, Retries: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// sign returns a UserSig of user, made at a unix time.
func sign(key string, who userKey, at int64) (string, error) {
	return usersig.Sign(usersig.HMACKey(key), usersig.Claims{
		SDKAppID: who.app, Identifier: who.user, IssuedAt: time.Unix(at, 0), Validity: 24 * time.Hour,
	})
}

// A call is one request of a worker.
type call struct {
	changes facts // that are true if it succeeds
	send    func(context.Context) error
}

// A worker makes calls that change things of its own.
type worker interface {
	next(s *site) call
	book() *ledger
}

// work makes one call after the other, and calls acked after each acknowledged call. It
// ends when a call gets no response or when acked returns false. A response that refuses a
// call is an error; whether the call took effect is then unknown.
func work(ctx context.Context, s *site, w worker, acked func() (more bool)) error {
	for {
		c := w.next(s)
		w.book().pending = c.changes
		switch err := c.send(ctx); {
		case err == nil:
			w.book().acknowledge()
			if !acked() {
				return nil
			}
		case unanswered(err):
			return nil
		default:
			return err
		}
	}
}

// unanswered reports whether the outcome of a call is unknown.
func unanswered(err error) bool {
	_, ok := errors.AsType[*client.TransportError](err)
	return ok
}

// An accountWorker imports, changes, deletes and kicks accounts of one app.
type accountWorker struct {
	ledger
	name  string
	app   uint32
	rng   *rand.Rand
	users []string // every id that it has ever imported
	again bool     // deleted ids may be imported again
}

func newAccountWorker(name string, app uint32, again bool) *accountWorker {
	return &accountWorker{ledger: *newLedger(), name: name, app: app, rng: rand.New(rand.NewPCG(rand.Uint64(), 1)), again: again}
}

func (w *accountWorker) book() *ledger { return &w.ledger }

func (w *accountWorker) next(s *site) call {
	api, live := s.apps[w.app], w.live()
	switch n := w.rng.IntN(100); {
	case n < 35 || len(live) == 0:
		return w.create(api)
	case n < 55:
		return w.reimport(api)
	case n < 70:
		return w.remove(api, live)
	case n < 75:
		return w.kick(api, live[0])
	case n < 90:
		return w.profile(api, live[0])
	default:
		return w.look(s.admin, live[0])
	}
}

// text returns a text that was never used before.
func (w *accountWorker) text(kind string) string { return fmt.Sprintf("%s-%x", kind, w.rng.Uint64()) }

// create imports accounts that never existed.
func (w *accountWorker) create(api *client.Client) call {
	as := make([]client.Account, 10)
	for i := range as {
		user := fmt.Sprintf("%s-%06d", w.name, len(w.users))
		w.users = append(w.users, user)
		as[i] = client.Account{UserID: user, Nick: w.text("nick"), FaceURL: w.text("face")}
	}
	return w.imports(api, as)
}

// reimport imports accounts again, including deleted ones if the app allows that.
func (w *accountWorker) reimport(api *client.Client) call {
	var as []client.Account
	for _, user := range w.some() {
		f := w.acked.accounts[userKey{w.app, user}]
		if f.Live || w.again {
			as = append(as, client.Account{UserID: user, Nick: w.text("nick")})
		}
	}
	if len(as) == 0 {
		return w.create(api)
	}
	return w.imports(api, as)
}

func (w *accountWorker) imports(api *client.Client, as []client.Account) call {
	changes := newFacts()
	for _, a := range as {
		f := w.acked.accounts[userKey{w.app, a.UserID}]
		f.Live, f.Deleted, f.Nick = true, false, a.Nick
		if a.FaceURL != "" {
			f.FaceURL = a.FaceURL
		}
		changes.accounts[userKey{w.app, a.UserID}] = f
	}
	return call{changes, func(ctx context.Context) error {
		return allDone(api.ImportAccounts(ctx, as))
	}}
}

// remove deletes accounts that exist.
func (w *accountWorker) remove(api *client.Client, users []string) call {
	changes := newFacts()
	for _, user := range users {
		changes.accounts[userKey{w.app, user}] = w.acked.accounts[userKey{w.app, user}].removed()
	}
	return call{changes, func(ctx context.Context) error {
		return allDone(api.DeleteAccounts(ctx, users))
	}}
}

// kick moves the watermark of an account to a second between the call and its response.
func (w *accountWorker) kick(api *client.Client, user string) call {
	key := userKey{w.app, user}
	f := w.acked.accounts[key]
	f.Kicked = span{time.Now().Unix(), time.Now().Add(time.Hour).Unix()}
	changes := newFacts()
	changes.accounts[key] = f
	return call{changes, func(ctx context.Context) error {
		err := api.Kick(ctx, key.user)
		f.Kicked.to = time.Now().Unix()
		changes.accounts[key] = f
		return err
	}}
}

// profile sets a text and a number of an account.
func (w *accountWorker) profile(api *client.Client, user string) call {
	key := userKey{w.app, user}
	f := w.acked.accounts[key]
	f.Signature, f.Level = w.text("signature"), 1+w.rng.Uint64N(1000)
	changes := newFacts()
	changes.accounts[key] = f
	return call{changes, func(ctx context.Context) error {
		return api.SetProfile(ctx, key.user, client.Text(client.TagSelfSignature, f.Signature), client.Number(client.TagLevel, f.Level))
	}}
}

// look reads an account and learns its InternalID, which must stay the same.
func (w *accountWorker) look(api *client.AdminClient, user string) call {
	key := userKey{w.app, user}
	changes := newFacts()
	return call{changes, func(ctx context.Context) error {
		r, err := api.Account(ctx, w.app, key.user)
		if err != nil {
			return err
		}
		f, got := w.acked.accounts[key], shownAccount(r)
		if !f.matches(got) {
			return fmt.Errorf("%v is %+v, want %+v, before any kill", key, got, f)
		}
		changes.accounts[key] = f.learn(got)
		return nil
	}}
}

// some returns up to eight consecutive ids.
func (w *accountWorker) some() []string {
	if len(w.users) == 0 {
		return nil
	}
	first := w.rng.IntN(len(w.users))
	return w.users[first:min(first+8, len(w.users))]
}

// live returns up to five ids that exist, perhaps none.
func (w *accountWorker) live() (users []string) {
	for _, user := range w.some() {
		if w.acked.accounts[userKey{w.app, user}].Live && len(users) < 5 {
			users = append(users, user)
		}
	}
	return users
}

// allDone returns an error for the first item of a batch that failed, or err.
func allDone(rs []client.Result, err error) error {
	for _, r := range rs {
		if r.Code != 0 {
			return fmt.Errorf("%s: %d %s", r.UserID, r.Code, r.Info)
		}
	}
	return err
}
