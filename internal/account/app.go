package account

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// An Edition is the plan of an app. It determines quota, deletion and tombstones.
type Edition string

// Editions (decisions.md, "Ids, admins, editions").
const (
	Trial       Edition = "trial"       // 100 accounts; deletion and re-import at once
	Development Edition = "development" // no limit; deletion and re-import at once
	Standard    Edition = "standard"    // no limit unless set; deletion if the app allows it; tombstones
	Pro         Edition = "pro"         // as Standard
	Enterprise  Edition = "enterprise"  // as Standard
)

// Editions returns all editions.
func Editions() []Edition { return []Edition{Trial, Development, Standard, Pro, Enterprise} }

// Paid reports whether e is subject to the setting AllowDelete and to tombstones.
func (e Edition) Paid() bool { return e != Trial && e != Development }

// Limits of an app (protocol.md §5, §6).
const (
	TrialQuota           = 100 // accounts of a trial app
	MaxAdmins            = 10
	MaxRobots            = 20
	DefaultTombstoneDays = 90
	MaxTombstoneDays     = 36500 // a hundred years
)

// An App owns accounts, keys, admins and settings. Apps that package records returns
// are shared and must not be changed; see [App.Clone].
type App struct {
	ID       AppID     `json:"sdkappid"`
	Name     string    `json:"name,omitempty"`
	Edition  Edition   `json:"edition"`
	Disabled bool      `json:"disabled,omitempty"`
	Test     bool      `json:"test,omitempty"` // a test app may accept any signature and set its own time
	Created  time.Time `json:"created"`
	Version  uint64    `json:"version"` // set by the store: 1 at first, increased by 1 with each change
	Keys     []Key     `json:"keys"`
	Admins   []UserID  `json:"admins"`
	Settings Settings  `json:"settings"`

	// Clock and Expires are for test apps only. They have an effect only on servers that
	// allow test apps.
	Clock   AppClock  `json:"clock,omitzero"`
	Expires time.Time `json:"expires,omitzero"` // real time at which the server removes the app; zero for never
}

// EndTest makes a usual app of a test app, without anything that only test apps may have.
func (a *App) EndTest() {
	a.Settings.ClearTestOnly()
	a.Test, a.Clock, a.Expires = false, AppClock{}, time.Time{}
}

// Quota returns the maximum number of accounts of a, or 0 for no limit.
func (a *App) Quota() int64 {
	if a.Settings.Quota == 0 && a.Edition == Trial {
		return TrialQuota
	}
	return a.Settings.Quota
}

// DeletionAllowed reports whether account_delete is allowed. Without it the command
// returns 71000.
func (a *App) DeletionAllowed() bool { return !a.Edition.Paid() || a.Settings.AllowDelete }

// TombstoneBan returns how long a deleted id cannot be imported again, or 0.
func (a *App) TombstoneBan() time.Duration {
	days := a.Settings.TombstoneDays
	switch {
	case !a.Edition.Paid() || days < 0:
		return 0
	case days == 0:
		days = DefaultTombstoneDays
	}
	return time.Duration(min(days, MaxTombstoneDays)) * 24 * time.Hour // a record stored by an older version may exceed the limit
}

// IsAdmin reports whether id is an admin of a.
func (a *App) IsAdmin(id UserID) bool { return slices.Contains(a.Admins, id) }

// ActiveKeys returns the keys of a that are active at now.
func (a *App) ActiveKeys(now time.Time) []Key {
	return slices.DeleteFunc(slices.Clone(a.Keys), func(k Key) bool { return !k.Active(now) })
}

// Format implements [fmt.Formatter]. Every verb prints the id and the version of a,
// and none of its secrets.
func (a App) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "app %d version %d", a.ID, a.Version) }

// LogValue implements [slog.LogValuer]. It has the same content as Format.
func (a App) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("sdkappid", uint64(a.ID)), slog.Uint64("version", a.Version))
}

// Clone returns a copy of a that shares nothing with it.
func (a *App) Clone() App {
	c := *a
	c.Keys = slices.Clone(a.Keys)
	c.Admins = slices.Clone(a.Admins)
	c.Settings.CustomTags = slices.Clone(a.Settings.CustomTags)
	c.Settings.Words = slices.Clone(a.Settings.Words)
	c.Settings.AllowSources = slices.Clone(a.Settings.AllowSources)
	c.Settings.IPList = slices.Clone(a.Settings.IPList)
	c.Settings.RateLimits = maps.Clone(a.Settings.RateLimits)
	c.Settings.PushPlatforms = slices.Clone(a.Settings.PushPlatforms)
	c.Settings.LinkTimeouts = maps.Clone(a.Settings.LinkTimeouts)
	return c
}

// Next returns the next version of a: the result of fn, with the ID and the time of
// creation of a and the next Version. It shares nothing with a or with the result of fn.
func (a *App) Next(fn func(App) (App, error)) (*App, error) {
	next, err := fn(a.Clone())
	if err != nil {
		return nil, err
	}
	next = next.Clone()
	next.ID, next.Created, next.Version = a.ID, a.Created, a.Version+1
	return &next, nil
}
