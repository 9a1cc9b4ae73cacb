// Package figures counts calls, accounts, logins and webhooks of each app by minute, by hour
// and by day. Figures of the last hour have a point for each minute, those of the last 31
// days one for each hour. The days are those of the zone of the app; see [account.App.Zone].
//
// A call costs a look-up and some additions in memory, and so does a login. Once a minute, and
// at the end, the counts are added to records of the store, which belong to this node alone. A
// reader sums the records of all nodes. A server that is killed loses what it has counted
// since the last minute began.
//
// The accounts that log in on a day are a set, which is stored beside the counts. So an
// account that logs in again after a restart, or on another node, is counted once.
package figures

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/wire"
)

// Options configure [New]. Records, Apps, Node and Logger are required.
type Options struct {
	Records *records.Registry
	Apps    Apps
	Node    string // of this server among those that share the store
	Logger  *slog.Logger
	Now     func() time.Time // nil is time.Now

	// Shared says that other servers use the store. Otherwise the registry keeps the login
	// sessions in memory, and knows how many accounts are online.
	Shared bool
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
	slots map[account.AppID][]*slot // minutes that are not stored yet, oldest first

	// stored is held while slots move from memory to the store, so that a reader counts
	// them once.
	stored sync.RWMutex
	hour   int64 // in which all accounts were counted
	pruned int64 // day on which old figures were removed
	users  userCache
}

// A slot contains what has happened in an app within a minute.
type slot struct {
	records.FigureSlot
	users *roaring64.Bitmap // accounts that logged in, by their InternalIDs; nil is none
}

// add adds the figures of other, and leaves the Start of s.
func (s *slot) add(other *slot) {
	s.Add(&other.FigureSlot)
	s.logIn(other.users)
}

// logIn adds accounts that logged in, which may be nil.
func (s *slot) logIn(users *roaring64.Bitmap) {
	if users == nil {
		return
	}
	if s.users == nil {
		s.users = roaring64.New()
	}
	s.users.Or(users)
}

// logInOne adds an account that logged in.
func (s *slot) logInOne(internalID uint64) {
	if s.users == nil {
		s.users = roaring64.New()
	}
	s.users.Add(internalID)
}

// New returns Figures.
func New(o Options) *Figures {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Figures{o: o, slots: map[account.AppID][]*slot{}}
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

func count(s *slot, e *httpx.Event) {
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
	f.inBoth(app, func(s *slot) {
		s.Created += int64(created)
		s.Deleted += int64(deleted)
	})
}

// Webhook counts an attempt to deliver a webhook, and whether a response of success came.
func (f *Figures) Webhook(app account.AppID, ok bool) {
	f.inBoth(app, func(s *slot) {
		s.Sent++
		if ok {
			s.Answered++
		}
	})
}

// Logins counts what a change has done to login sessions. It is told of each change that is
// durable.
func (f *Figures) Logins(app account.AppID, c session.Count) {
	online, _ := f.o.Records.TakeOnline(app)
	minute := minuteOf(f.o.Now())
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slot(all, minute).Logins += int64(c.Logins)
	s := f.slot(app, minute)
	s.Logins += int64(c.Logins)
	s.Online = max(s.Online, online)
	for _, id := range c.Users {
		s.logInOne(id)
	}
}

// inBoth calls fn with the slots of this minute of an app and of all apps.
func (f *Figures) inBoth(app account.AppID, fn func(*slot)) {
	minute := minuteOf(f.o.Now())
	f.mu.Lock()
	defer f.mu.Unlock()
	fn(f.slot(all, minute))
	fn(f.slot(app, minute))
}

// slot returns the slot of an app for a minute, or its newest one if the clock was set
// back. The caller holds mu.
func (f *Figures) slot(app account.AppID, minute int64) *slot {
	list := f.slots[app]
	if n := len(list); n > 0 && list[n-1].Start >= minute {
		return list[n-1]
	}
	s := &slot{FigureSlot: records.FigureSlot{Start: minute}}
	f.slots[app] = bounded(append(list, s))
	return s
}

// bounded adds the oldest of too many slots to the one after it.
func bounded(list []*slot) []*slot {
	for len(list) > maxSlots {
		list[1].add(list[0])
		list = list[1:]
	}
	return list
}

// minuteOf returns the Unix time in minutes.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
