package session

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Sessions keep the login sessions of all accounts. They are safe for concurrent use, also
// by several servers that share a store.
type Sessions struct {
	o    Options
	wake chan struct{}
	due  dueApps // of the goroutine of Run
}

// Options configure Sessions. Records and Now are required.
type Options struct {
	Records *records.Registry

	// Now returns the time by the clock of an app.
	Now func(*account.App) time.Time

	// Keeps reports whether the events of an app go to the outbox. Such an event is in the
	// commit of its change. Nil keeps none.
	Keeps func(account.AppID) bool

	// Announce is told of each event after its change is durable. It hears of the changes of
	// an account on this server one after the other, in their order, and must not change login
	// sessions. Optional.
	Announce func(account.Event)

	// NewID returns a random ID of a device, below 2^53. Nil is the usual one.
	NewID func() uint64
}

// New returns Sessions.
func New(o Options) *Sessions {
	if o.Keeps == nil {
		o.Keeps = func(account.AppID) bool { return false }
	}
	if o.Announce == nil {
		o.Announce = func(account.Event) {}
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	return &Sessions{o: o, wake: make(chan struct{}, 1)}
}

// randomID returns an ID that JSON can hold without loss in every language, and not 0.
func randomID() uint64 { return 1 + rand.Uint64N(1<<53-1) }

// A Target is an account whose login sessions change.
type Target struct {
	App        *account.App
	User       account.UserID
	InternalID uint64 // of the account; login sessions of an earlier account are gone
	Kicked     int64  // watermark of the account; login sessions from before are gone
}

// Login logs in a device of an account.
//
// Codes: BadParameter.
func (s *Sessions) Login(ctx context.Context, at Target, l Login) (result LoggedIn, err error) {
	if err := l.Validate(); err != nil {
		return result, err
	}
	err = s.change(ctx, at, func(t *turn) error {
		result = t.login(l, s.o.NewID)
		return nil
	})
	return result, err
}

// Logout ends the login session of a device, as its user does.
//
// Codes: NoDevice.
func (s *Sessions) Logout(ctx context.Context, at Target, id uint64, also ...account.Write) error {
	return s.change(ctx, at, func(t *turn) error { return t.logout(id) }, also...)
}

// Drop ends the link of a device, as a killed process does. A device without a link stays as
// it is.
//
// Codes: NoDevice.
func (s *Sessions) Drop(ctx context.Context, at Target, id uint64) error {
	return s.change(ctx, at, func(t *turn) error { return t.drop(id) })
}

// Silence lets the link of a device end after the time that its platform and the reason
// give. A device that is silent, or that has no link, stays as it is.
//
// Codes: NoDevice, BadParameter.
func (s *Sessions) Silence(ctx context.Context, at Target, id uint64, why Silence) error {
	if err := why.Validate(); err != nil {
		return err
	}
	return s.change(ctx, at, func(t *turn) error { return t.silence(id, why) })
}

// Reconnect gives a device a new link within its login session. A device that gave way to
// another one logs in again, with another ID, if the app lets it.
//
// Codes: NoDevice, BadParameter if its UserSig has expired, and Replaced if the app does not
// let it.
func (s *Sessions) Reconnect(ctx context.Context, at Target, id uint64) (result LoggedIn, err error) {
	err = s.change(ctx, at, func(t *turn) (err error) {
		result, err = t.reconnect(id, s.o.NewID)
		return err
	})
	return result, err
}

// SetStatus sets the custom status of an account. An empty text clears it.
//
// Codes: NoDevice if no device is online, BadParameter.
func (s *Sessions) SetStatus(ctx context.Context, at Target, text string) error {
	if err := CheckStatus(text); err != nil {
		return err
	}
	return s.change(ctx, at, func(t *turn) error { return t.setStatus(text) })
}

// EndAll ends all login sessions of accounts, which were kicked or removed. The ids may
// repeat.
func (s *Sessions) EndAll(ctx context.Context, app *account.App, users ...account.UserID) error {
	found, err := s.o.Records.Presences(ctx, app.ID, users)
	if err != nil {
		return err
	}
	var online []account.UserID
	for i, p := range found {
		if p != nil {
			online = append(online, users[i])
		}
	}
	slices.Sort(online)
	return s.changeAll(ctx, slices.Compact(online), action{app: app, do: func(t *turn) error {
		t.endAll()
		return nil
	}})
}

// An action changes the login sessions of accounts.
type action struct {
	app    *account.App
	status map[account.UserID]account.Status // of the accounts; none is that of the stored login sessions
	do     func(*turn) error                 // may run several times
	also   []account.Write                   // in the same commit
}

// change changes the login sessions of one account.
func (s *Sessions) change(ctx context.Context, at Target, do func(*turn) error, also ...account.Write) error {
	status := map[account.UserID]account.Status{at.User: {InternalID: at.InternalID, Kicked: at.Kicked}}
	return s.changeOne(ctx, at.User, action{app: at.App, status: status, do: do, also: also})
}

func (s *Sessions) changeOne(ctx context.Context, user account.UserID, a action) error {
	for {
		if err := s.try(ctx, []account.UserID{user}, a); account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// changeAll changes the login sessions of accounts, many in one commit. It changes them one
// by one if another change comes first.
func (s *Sessions) changeAll(ctx context.Context, users []account.UserID, a action) error {
	for some := range slices.Chunk(users, records.MaxPresences) {
		err := s.try(ctx, some, a)
		if account.CodeOf(err) == account.Stale {
			err = s.changeEach(ctx, some, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Sessions) changeEach(ctx context.Context, users []account.UserID, a action) error {
	for _, user := range users {
		if err := s.changeOne(ctx, user, a); err != nil {
			return err
		}
	}
	return nil
}

// try changes the login sessions of accounts in one commit, and reports what has happened.
//
// Codes: Stale if another change came first.
func (s *Sessions) try(ctx context.Context, users []account.UserID, a action) error {
	var e account.Event
	return s.o.Records.ChangePresences(ctx, a.app.ID, users, func(changes []records.PresenceChange) (also []account.Write, err error) {
		if e, err = s.apply(changes, a); err != nil {
			return nil, err
		}
		if len(e.Items) > 0 && s.o.Keeps(a.app.ID) {
			return append(slices.Clone(a.also), records.Outbox(e)...), nil
		}
		return a.also, nil
	}, func() {
		if len(e.Items) > 0 {
			s.o.Announce(e)
		}
	})
}

// apply sets what the action makes of changes, and returns its event.
func (s *Sessions) apply(changes []records.PresenceChange, a action) (account.Event, error) {
	now := s.o.Now(a.app)
	e := account.Event{App: a.app.ID, Time: account.Millis(now), Kind: account.EventState}
	for i := range changes {
		c := &changes[i]
		status := a.status[c.User]
		if c.Next == nil && !status.Exists() {
			continue // they have ended since
		}
		t := newTurn(a.app, now, c.Next, status.InternalID)
		t.user = c.User
		t.kick(status.Kicked)
		if err := a.do(t); err != nil {
			return e, err
		}
		if next, due := t.next(); due != c.Due || !same(next, c.Next) {
			c.Next, c.Due = next, due
		}
		for j := range t.events {
			e.Items = append(e.Items, account.EventItem{ID: c.User, State: &t.events[j]})
		}
	}
	return e, nil
}
