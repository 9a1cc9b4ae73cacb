// Package directory implements the rules of the account service: which accounts may be
// imported, changed or deleted, within which limits, and with which result. It does not
// depend on HTTP, on the wire format or on a storage engine.
//
// Rules that must hold under concurrent calls, such as the quota, are passed to the
// engine as a policy. The engine applies them where the write happens.
package directory

import (
	"context"
	"log/slog"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
)

// A Clock returns the current time of an app, before the clock of a test app is applied.
type Clock func(account.AppID) time.Time

// RealTime is the usual Clock.
func RealTime(account.AppID) time.Time { return time.Now() }

// A Directory applies the rules and stores accounts in an engine. It is safe for
// concurrent use.
type Directory struct {
	store    account.Engine
	records  *records.Registry
	clock    Clock
	sessions *session.Sessions
	lg       *slog.Logger
	words    *account.Derived[string, *account.WordList]
	sinks    map[account.EventKind][]listener
	outbox   func(account.AppID, account.EventKind) bool
	tally    Tally
	testApps bool
	commands []string      // commands that may have a rate limit
	tokens   chan struct{} // semaphore of the call that creates a token

	snapshots snapshots
}

// Options configure a Directory. Engine is required.
type Options struct {
	Engine  account.Engine
	Records *records.Registry // registry of Engine; nil creates one that does not seal secrets
	Clock   Clock             // nil is RealTime
	Logger  *slog.Logger      // nil logs nothing

	// Commands are the commands that may have a rate limit in the settings of an app.
	Commands []string

	// AllowTestApps allows test apps to be created and to use the options of test apps;
	// see [Directory.MayFalsify].
	AllowTestApps bool

	// NewDeviceID returns a random ID of a device, below 2^53. Nil is the usual one.
	NewDeviceID func() uint64

	// LinkEnded is told of each link of this process that has ended without its doing; see
	// [session.Options.Ended]. Optional.
	LinkEnded func(session.End)

	// Logins is told what each change of login sessions has done; see
	// [session.Options.Count]. Optional.
	Logins func(account.AppID, session.Count)

	// Tally is told how many accounts are created and deleted. Optional.
	Tally Tally

	// Outbox reports whether the events of a kind in an app are kept for delivery. Such an
	// event is written in the same commit as its change, and
	// [records.Registry.Pending] returns it. A nil Outbox keeps no events.
	Outbox func(account.AppID, account.EventKind) bool
}

// New returns a Directory.
func New(o Options) *Directory {
	d := &Directory{
		store: o.Engine, records: o.Records, clock: o.Clock, lg: o.Logger, outbox: o.Outbox, tally: o.Tally,
		sinks: map[account.EventKind][]listener{}, testApps: o.AllowTestApps, commands: o.Commands, tokens: make(chan struct{}, 1),
	}
	if d.records == nil {
		d.records = records.New(o.Engine, nil)
	}
	if d.clock == nil {
		d.clock = RealTime
	}
	if d.lg == nil {
		d.lg = slog.New(slog.DiscardHandler)
	}
	d.words = account.NewDerived(func(a *account.App) []string { return a.Settings.Words }, account.NewWordList)
	d.snapshots.apps = map[account.AppID]map[string]*savedApp{}
	d.sessions = session.New(session.Options{
		Records: d.records, NewID: o.NewDeviceID, Announce: d.announce,
		Now:   func(app *account.App) time.Time { return d.Now(app.ID) },
		Keeps: func(app account.AppID) bool { return d.keeps(app, account.EventState) },
		Real:  func() time.Time { return d.clock(0) },
		At:    d.at,
		Ended: o.LinkEnded,
		Count: o.Logins,
	})
	d.Listen(account.EventAppDeleted, func(e account.Event) {
		d.words.Drop(e.App)
		d.snapshots.drop(e.App)
		d.removeSessions(e)
		d.forgetMutes(e.App)
	})
	d.Listen(account.EventAppChanged, func(account.Event) { d.sessions.Wake() }) // perhaps its clock
	return d
}

// Commands returns the commands that may have a rate limit, which are all commands.
func (d *Directory) Commands() []string { return d.commands }

// App returns an app. It is shared and must not be changed.
// Codes: NoApp.
func (d *Directory) App(ctx context.Context, id account.AppID) (*account.App, error) {
	return d.records.App(ctx, id)
}

// Ready returns nil if the directory accepts writes, or the reason why it does not.
func (d *Directory) Ready(ctx context.Context) error { return d.store.Ready(ctx) }

// Watermark returns the time of the last kick of id in unix seconds, or 0 or
// [account.Unkicked] if there is none. UserSigs of id that were signed before are refused.
func (d *Directory) Watermark(ctx context.Context, app *account.App, id account.UserID) (int64, error) {
	return d.store.Watermark(ctx, app.ID, id)
}
