// Package directory holds the rules of the account service: who may be
// imported, changed or deleted, within which limits, and what each answer
// says. It knows nothing of HTTP, of the wire or of any storage engine.
//
// Rules that must hold under concurrent calls, such as the quota, are handed
// to the engine as a policy and applied where the write happens.
package directory

import (
	"context"
	"log/slog"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// A Clock tells the time of an app. Test apps may have a time of their own.
type Clock func(account.AppID) time.Time

// RealTime is the Clock of every app that has no time of its own.
func RealTime(account.AppID) time.Time { return time.Now() }

// A Directory applies the rules on top of an engine. It is safe for concurrent
// use.
type Directory struct {
	store    account.Engine
	records  *records.Registry
	clock    Clock
	presence Presence
	lg       *slog.Logger
	words    *account.Derived[string, *wordList]
	sinks    map[account.EventKind][]Sink
	outbox   func(account.AppID, account.EventKind) bool
	testApps bool
	commands []string      // that rate limits may name
	tokens   chan struct{} // has room for the call that creates a token
}

// Options are what a Directory is built from. Engine is required.
type Options struct {
	Engine   account.Engine
	Records  *records.Registry // of Engine; if nil, one that does not seal secrets
	Clock    Clock             // RealTime if nil
	Presence Presence          // everybody is offline if nil
	Logger   *slog.Logger      // discards if nil

	// Commands are the names that the rate limits of apps may have.
	Commands []string

	// AllowTestApps lets apps be created as test apps, which may falsify; see
	// [Directory.MayFalsify].
	AllowTestApps bool

	// Outbox reports whether the events of a kind in an app are kept for delivery: each
	// is in the outbox of [records.Registry.Pending] with the change that it tells of, or
	// neither is there. They stay until [records.Registry.RemovePending] removes them.
	// Outbox must neither panic nor block. Nil keeps none.
	Outbox func(account.AppID, account.EventKind) bool
}

// New returns a Directory.
func New(o Options) *Directory {
	d := &Directory{
		store: o.Engine, records: o.Records, clock: o.Clock, presence: o.Presence, lg: o.Logger, outbox: o.Outbox,
		sinks: map[account.EventKind][]Sink{}, testApps: o.AllowTestApps, commands: o.Commands, tokens: make(chan struct{}, 1),
	}
	if d.records == nil {
		d.records = records.New(o.Engine, nil)
	}
	if d.clock == nil {
		d.clock = RealTime
	}
	if d.presence == nil {
		d.presence = everybodyOffline{}
	}
	if d.lg == nil {
		d.lg = slog.New(slog.DiscardHandler)
	}
	d.words = account.NewDerived(func(a *account.App) []string { return a.Settings.Words }, newWordList)
	d.Listen(account.EventAppDeleted, func(e account.Event) { d.words.Drop(e.App) })
	return d
}

// Now returns the time of an app.
func (d *Directory) Now(app account.AppID) time.Time { return d.clock(app) }

// App returns an app. It is shared and must not be changed.
// Codes: NoApp.
func (d *Directory) App(ctx context.Context, id account.AppID) (*account.App, error) {
	return d.records.App(ctx, id)
}

// Ready returns nil if the directory can take writes, or says why it cannot.
func (d *Directory) Ready(ctx context.Context) error { return d.store.Ready(ctx) }

// Watermark returns the time of the last kick of id in unix seconds, 0 or
// [account.Unkicked] for none: its UserSigs from before are refused.
func (d *Directory) Watermark(ctx context.Context, app *account.App, id account.UserID) (int64, error) {
	return d.store.Watermark(ctx, app.ID, id)
}
