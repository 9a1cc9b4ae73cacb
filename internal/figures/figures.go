// Package figures counts calls and accounts of each app by minute and by hour. Figures of
// the last hour have a point for each minute, those of the last 31 days one for each hour.
//
// A call costs a look-up and some additions in memory. Once a minute, and at the end, the
// counts are added to records of the store, which belong to this node alone. A reader sums
// the records of all nodes. A server that is killed loses what it has counted since the
// last minute began.
package figures

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
	"rollcall/internal/wire"
)

// Options configure [New]. Records, Apps, Node and Logger are required.
type Options struct {
	Records *records.Registry
	Apps    Apps
	Node    string // of this server among those that share the store
	Logger  *slog.Logger
	Now     func() time.Time // nil is time.Now
}

// Apps knows the apps and how many accounts they have. A directory does.
type Apps interface {
	// Apps returns every app.
	Apps(context.Context) ([]*account.App, error)

	// Count returns how many accounts an app has.
	Count(context.Context, account.AppID) (int64, error)
}

// all is the app of figures of the whole node.
const all account.AppID = 0

// maxSlots is the largest number of minutes of an app that are kept in memory, if the store
// does not accept them.
const maxSlots = 60

// Figures counts on one node, and reads what all nodes have counted. It is safe for
// concurrent use.
type Figures struct {
	o Options

	mu    sync.Mutex
	slots map[account.AppID][]*records.FigureSlot // minutes that are not stored yet, oldest first

	// stored is held while slots move from memory to the store, so that a reader counts
	// them once.
	stored sync.RWMutex
	hour   int64 // in which all accounts were counted
	pruned int64 // day on which old figures were removed
}

// New returns Figures.
func New(o Options) *Figures {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Figures{o: o, slots: map[account.AppID][]*records.FigureSlot{}}
}

// Request counts a finished call of the account API. It is an [httpx.Observer].
func (f *Figures) Request(e *httpx.Event) {
	app, minute := account.AppID(e.App()), minuteOf(e.Ended())
	f.mu.Lock()
	defer f.mu.Unlock()
	count(f.slot(all, minute), e)
	if app != all {
		count(f.slot(app, minute), e)
	}
}

func count(s *records.FigureSlot, e *httpx.Event) {
	took, code := e.Took().Microseconds(), e.Code()
	s.Calls++
	s.TookUS += took
	s.MaxUS = max(s.MaxUS, took)
	if code != 0 {
		s.Failed++
		s.AddCode(code, 1)
	}
	switch {
	case wire.Code(code) == wire.CommandRate || wire.Code(code) == wire.AppRate:
		s.Limited++
	case e.Has(httpx.ShadowAttr):
		s.Shadowed++
	}
}

// Accounts counts accounts that were created and deleted. It is a directory's Tally.
func (f *Figures) Accounts(app account.AppID, created, deleted int) {
	minute := minuteOf(f.o.Now())
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range []*records.FigureSlot{f.slot(all, minute), f.slot(app, minute)} {
		s.Created += int64(created)
		s.Deleted += int64(deleted)
	}
}

// slot returns the slot of an app for a minute, or its newest one if the clock was set
// back. The caller holds mu.
func (f *Figures) slot(app account.AppID, minute int64) *records.FigureSlot {
	list := f.slots[app]
	if n := len(list); n > 0 && list[n-1].Start >= minute {
		return list[n-1]
	}
	s := &records.FigureSlot{Start: minute}
	f.slots[app] = bounded(append(list, s))
	return s
}

// bounded adds the oldest of too many slots to the one after it.
func bounded(list []*records.FigureSlot) []*records.FigureSlot {
	for len(list) > maxSlots {
		list[1].Add(list[0])
		list = list[1:]
	}
	return list
}

// minuteOf returns the Unix time in minutes.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
