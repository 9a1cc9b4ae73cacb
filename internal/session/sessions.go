package session

import (
	"cmp"
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
	node node

	joiner joiner
}

// Options configure Sessions. Records and Now are required.
type Options struct {
	Records *records.Registry

	// Now returns the time by the clock of an app.
	Now func(*account.App) time.Time

	// Keeps reports whether the events of an app go to the outbox. Such an event is in the
	// commit of its change. Nil keeps none.
	Keeps func(account.AppID) bool

	// Announce is told of each event after its change is durable. It must be fast, because
	// other changes of the app may wait meanwhile. It hears of the changes of
	// an account on this server one after the other, in their order, and must not change login
	// sessions. Optional.
	Announce func(account.Event)

	// Count is told of each change by which devices log in, or by which accounts come online
	// or cease to be, after it is durable. It must be fast. Optional.
	Count func(account.AppID, Count)

	// NewID returns a random ID of a device, below 2^53. Nil is the usual one.
	NewID func() uint64

	// Real returns the real time, which the leases of nodes follow. Nil is time.Now.
	Real func() time.Time

	// At returns the time by the clock of an app at a real time. Nil returns the real time.
	At func(app *account.App, real time.Time) time.Time

	// Ended is told of each link of this node that has ended without its doing, after that
	// is durable. It must not wait. It can be told of a link twice, and of one that has ended
	// by itself. Optional.
	Ended func(End)
}

// New returns Sessions.
func New(o Options) *Sessions {
	if o.Keeps == nil {
		o.Keeps = func(account.AppID) bool { return false }
	}
	if o.Announce == nil {
		o.Announce = func(account.Event) {}
	}
	if o.Count == nil {
		o.Count = func(account.AppID, Count) {}
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	if o.Real == nil {
		o.Real = time.Now
	}
	if o.At == nil {
		o.At = func(_ *account.App, real time.Time) time.Time { return real }
	}
	if o.Ended == nil {
		o.Ended = func(End) {}
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

	// Link limits a change of a device to one that has this link. Another one is NoDevice. A
	// link thus cannot end the login session of a device that has a new link. The ID 0 of a
	// device then stands for its ID. The zero Link stands for any link, and for none.
	Link Link
}

// Login logs in a device of an account.
//
// Codes: BadParameter.
func (s *Sessions) Login(ctx context.Context, at Target, l Login) (LoggedIn, error) {
	if err := l.Validate(); err != nil {
		return LoggedIn{}, err
	}
	return s.logIn(ctx, at, func(t *turn) (LoggedIn, error) { return t.login(l, s.o.NewID), nil })
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
func (s *Sessions) Reconnect(ctx context.Context, at Target, id uint64) (LoggedIn, error) {
	return s.logIn(ctx, at, func(t *turn) (LoggedIn, error) { return t.reconnect(id, nil, s.o.NewID) })
}

// Relink is [Sessions.Reconnect] with what the device says.
//
// Codes: NoDevice, BadParameter, and Replaced if the app does not let it.
func (s *Sessions) Relink(ctx context.Context, at Target, id uint64, l Login) (LoggedIn, error) {
	if err := l.Validate(); err != nil {
		return LoggedIn{}, err
	}
	return s.logIn(ctx, at, func(t *turn) (LoggedIn, error) { return t.reconnect(id, &l, s.o.NewID) })
}

// logIn changes the login sessions of one account with the result of a login.
func (s *Sessions) logIn(ctx context.Context, at Target, do func(*turn) (LoggedIn, error)) (LoggedIn, error) {
	var in LoggedIn // no named result: do may still run when logIn returns an error
	err := s.change(ctx, at, func(t *turn) (err error) {
		in, err = do(t)
		return err
	})
	if err != nil {
		return LoggedIn{}, err
	}
	return in, nil
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

// EndAll ends all login sessions of accounts, which were kicked or removed, as why says. The
// ids may repeat.
func (s *Sessions) EndAll(ctx context.Context, app *account.App, why EndReason, users ...account.UserID) error {
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
	return s.changeAll(ctx, slices.Compact(online), action{app: app, status: asStored, do: func(t *turn) error {
		t.endAll(why)
		return nil
	}})
}

// asStored is the status of an action on the stored login sessions.
func asStored(account.UserID) account.Status { return account.Status{} }

// An action changes the login sessions of accounts.
type action struct {
	app    *account.App
	status func(account.UserID) account.Status // of an account; the zero Status is that of the stored login sessions
	do     func(*turn) error                   // may run several times; after an error nothing of the account changes
	also   []account.Write                     // in the same commit, unless do fails
	link   Link                                // see [Target.Link]
}

// A change is an action on the login sessions of one account.
type change struct {
	*action
	user account.UserID
	err  error // of do
}

// change changes the login sessions of one account. do and its data must not be used after an
// error, because it may still run.
func (s *Sessions) change(ctx context.Context, at Target, do func(*turn) error, also ...account.Write) error {
	c := change{user: at.User, action: &action{app: at.App, do: do, also: also, link: at.Link}}
	c.status = func(account.UserID) account.Status {
		return account.Status{InternalID: at.InternalID, Kicked: at.Kicked}
	}
	if len(also) > 0 { // their versions are of this change alone
		return s.changeOne(ctx, c)
	}
	return s.changeJointly(ctx, c)
}

func (s *Sessions) changeOne(ctx context.Context, c change) error {
	for {
		one := []change{c}
		if _, err := s.try(ctx, c.app, one); account.CodeOf(err) != account.Stale {
			return cmp.Or(err, one[0].err)
		}
	}
}

// changeAll changes the login sessions of accounts, many in one commit. It changes them one
// by one if another change comes first.
func (s *Sessions) changeAll(ctx context.Context, users []account.UserID, a action) error {
	for some := range slices.Chunk(users, records.MaxPresences) {
		changes := make([]change, len(some))
		for i, user := range some {
			changes[i] = change{user: user, action: &a}
		}
		_, err := s.try(ctx, a.app, changes)
		if account.CodeOf(err) == account.Stale {
			err = s.changeEach(ctx, changes)
		}
		for i := range changes {
			err = cmp.Or(err, changes[i].err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Sessions) changeEach(ctx context.Context, changes []change) error {
	for _, c := range changes {
		if err := s.changeOne(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// try makes changes of different accounts of an app in one commit, sets the err of each, and
// reports what has happened. read says that the login sessions could be read.
//
// Codes: Stale if another change came first.
func (s *Sessions) try(ctx context.Context, app *account.App, all []change) (read bool, err error) {
	users := make([]account.UserID, len(all))
	for i := range all {
		users[i] = all[i].user
	}
	var done applied
	err = s.o.Records.ChangePresences(ctx, app.ID, users, func(changes []records.PresenceChange) (also []account.Write, err error) {
		read = true
		if done, err = s.apply(ctx, app, changes, all); err != nil {
			return nil, err
		}
		for i := range all {
			if all[i].err == nil {
				also = append(also, all[i].also...)
			}
		}
		also = append(also, s.mail(done.ended)...)
		if len(done.event.Items) > 0 && s.o.Keeps(app.ID) {
			also = append(also, records.Outbox(done.event)...)
		}
		return also, nil
	}, func() {
		if len(done.event.Items) > 0 {
			s.o.Announce(done.event)
		}
		if done.moved || done.count.Logins > 0 {
			s.o.Count(app.ID, done.count)
		}
		s.tell(done.ended)
	})
	return read, err
}

// An applied is what an action does beside its changes.
type applied struct {
	event account.Event
	ended []records.LinkEnd
	count Count
	moved bool // accounts have come online, or ceased to be
}

// A Count says how many logins a change of login sessions contains. Each event of the action
// Login is one: that of a new device, and that of a device that is back after its link was
// gone.
type Count struct {
	Logins int
	Users  []uint64 // InternalIDs of the accounts that logged in, each once
}

// add counts the events of an account.
func (c *Count) add(internalID uint64, events []account.StateChange) {
	before := c.Logins
	for i := range events {
		if events[i].Action == account.StateLogin {
			c.Logins++
		}
	}
	if c.Logins > before {
		c.Users = append(c.Users, internalID)
	}
}

// apply sets what the actions of all make of changes, and the err of each of all.
func (s *Sessions) apply(ctx context.Context, app *account.App, changes []records.PresenceChange, all []change) (done applied, err error) {
	stored := make([]*records.Presence, len(changes))
	for i := range changes {
		stored[i] = changes[i].Next
	}
	m, err := s.moment(ctx, app, stored...)
	if err != nil {
		return done, err
	}
	done.event = account.Event{App: app.ID, Time: account.Millis(m.now), Kind: account.EventState}
	for i := range changes {
		m.app, m.link = all[i].app, all[i].link
		all[i].err = guarded(func() error { return done.apply(m, &changes[i], all[i].action) })
	}
	return done, nil
}

// apply sets what an action makes of the change of one account, and adds the rest to done.
func (done *applied) apply(m moment, c *records.PresenceChange, a *action) error {
	status := a.status(c.User)
	if c.Next == nil && !status.Exists() {
		return nil // they have ended since
	}
	t := newTurn(m, c.Next, status.InternalID)
	t.user = c.User
	t.kick(status.Kicked)
	if err := a.do(t); err != nil {
		return err
	}
	if next, due := t.next(); due != c.Due || !same(next, c.Next) {
		done.moved = done.moved || next.Online() != c.Next.Online()
		c.Next, c.Due = next, due
	}
	done.count.add(t.p.Account, t.events)
	for j := range t.events {
		done.event.Items = append(done.event.Items, account.EventItem{ID: c.User, State: &t.events[j]})
	}
	for _, end := range t.links {
		end.App, end.User = m.app.ID, c.User
		done.ended = append(done.ended, end)
	}
	return nil
}
