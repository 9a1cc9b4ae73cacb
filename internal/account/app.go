package account

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// An Edition is the plan of an app. It decides quota, deletion and tombstones.
type Edition string

// Editions (decisions.md, "Ids, admins, editions").
const (
	Trial       Edition = "trial"       // 100 accounts; deletion and re-import at once
	Development Edition = "development" // no limit; deletion and re-import at once
	Standard    Edition = "standard"    // no limit unless set; deletion by a switch; tombstones
	Pro         Edition = "pro"         // as Standard
	Enterprise  Edition = "enterprise"  // as Standard
)

// Editions returns every edition.
func Editions() []Edition { return []Edition{Trial, Development, Standard, Pro, Enterprise} }

// Paid reports whether e is bound by the deletion switch and by tombstones.
func (e Edition) Paid() bool { return e != Trial && e != Development }

// Limits of an app (protocol.md §5, §6).
const (
	TrialQuota           = 100 // accounts of a trial app
	MaxAdmins            = 10
	DefaultTombstoneDays = 90
	MaxTombstoneDays     = 36500 // a hundred years
)

// An App owns accounts, keys, admins and settings. Apps that a [Store] returns
// are shared: they must not be changed; see [App.Clone].
type App struct {
	ID       AppID     `json:"sdkappid"`
	Name     string    `json:"name,omitempty"`
	Edition  Edition   `json:"edition"`
	Disabled bool      `json:"disabled,omitempty"`
	Test     bool      `json:"test,omitempty"` // may falsify: any-signature, own time
	Created  time.Time `json:"created"`
	Version  uint64    `json:"version"` // set by the store: 1 at first, one more with each change
	Keys     []Key     `json:"keys"`
	Admins   []UserID  `json:"admins"`
	Settings Settings  `json:"settings"`
}

// Quota returns the most accounts that a may hold, 0 for no limit.
func (a *App) Quota() int64 {
	if a.Settings.Quota == 0 && a.Edition == Trial {
		return TrialQuota
	}
	return a.Settings.Quota
}

// DeletionAllowed reports whether account_delete is open (71000 otherwise).
func (a *App) DeletionAllowed() bool { return !a.Edition.Paid() || a.Settings.AllowDelete }

// TombstoneBan returns how long a deleted id cannot be imported again.
func (a *App) TombstoneBan() time.Duration {
	days := a.Settings.TombstoneDays
	switch {
	case !a.Edition.Paid() || days < 0:
		return 0
	case days == 0:
		days = DefaultTombstoneDays
	}
	return time.Duration(min(days, MaxTombstoneDays)) * 24 * time.Hour // a record of before may have more
}

// IsAdmin reports whether id is an admin of a.
func (a *App) IsAdmin(id UserID) bool { return slices.Contains(a.Admins, id) }

// ActiveKeys returns the keys of a that are not retired at now.
func (a *App) ActiveKeys(now time.Time) []Key {
	return slices.DeleteFunc(slices.Clone(a.Keys), func(k Key) bool { return !k.Active(now) })
}

// Format implements [fmt.Formatter]: every verb says which app a is, without its
// secrets.
func (a App) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "app %d version %d", a.ID, a.Version) }

// LogValue implements [slog.LogValuer]: a log says the same.
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
	c.Settings.RateLimits = maps.Clone(a.Settings.RateLimits)
	return c
}

// Next returns what fn makes of a: the record that [Apps.UpdateApp] stores. It
// shares nothing with a or with what fn returned.
func (a *App) Next(fn func(App) (App, error)) (*App, error) {
	next, err := fn(a.Clone())
	if err != nil {
		return nil, err
	}
	next = next.Clone()
	next.ID, next.Created, next.Version = a.ID, a.Created, a.Version+1
	return &next, nil
}
