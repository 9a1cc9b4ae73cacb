package account

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
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

// Regions returns the names of the vendor's data centres (protocol.md §1.3).
func Regions() []string {
	return []string{"china", "singapore", "seoul", "tokyo", "frankfurt", "silicon-valley", "jakarta", "saudi-arabia", "mumbai"}
}

// Commands returns the names of the vendor's commands, which
// [Settings.RateLimits] may name.
func Commands() []string {
	return []string{
		"account_import", "multiaccount_import", "account_check", "account_delete", "kick",
		"query_online_status", "querystate", "portrait_set", "portrait_get",
	}
}

// Limits of an app (protocol.md §5, §6).
const (
	TrialQuota           = 100 // accounts of a trial app
	MaxAdmins            = 10
	DefaultTombstoneDays = 90
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

// Settings of an app. The zero Settings are the defaults; what departs from
// the vendor is listed in docs/divergences.md.
type Settings struct {
	Quota            int64          `json:"quota,omitempty"`              // most accounts; 0 is the edition's own
	AllowDelete      bool           `json:"allow_delete,omitempty"`       // paid editions: account_delete is allowed
	TombstoneDays    int            `json:"tombstone_days,omitempty"`     // 0 is 90; negative lets ids come back at once
	CustomTags       []CustomTag    `json:"custom_tags,omitempty"`        // at most 20
	Words            []string       `json:"words,omitempty"`              // sensitive words, found in any case
	AllowSources     []netip.Prefix `json:"allow_sources,omitempty"`      // callers' addresses; empty allows all
	Region           string         `json:"region,omitempty"`             // other centres' hosts answer 70020; empty allows all
	RateMode         RateMode       `json:"rate_mode,omitempty"`          //
	RateLimits       map[string]int `json:"rate_limits,omitempty"`        // calls per second, by one of [Commands]; absent is the documented number
	AppRateLimit     int            `json:"app_rate_limit,omitempty"`     // calls per second of the whole app; 0 is none
	LockoutAfter     int            `json:"lockout_after,omitempty"`      // bad signatures per source in a minute until 70050; 0 is never
	StrictIDs        bool           `json:"strict_ids,omitempty"`         // ids of letters, digits, _ and - only
	KickedAsExpired  bool           `json:"kicked_as_expired,omitempty"`  // 70001 instead of 70052
	NotAdmin         NotAdminMode   `json:"not_admin,omitempty"`          // code for a caller who is no admin
	FailWhollyFailed bool           `json:"fail_wholly_failed,omitempty"` // a batch import that fails for one reason answers its code
	EchoUnknownIDs   bool           `json:"echo_unknown_ids,omitempty"`   // portrait_get: unknown ids by name instead of as @TLS#NOT_FOUND
	NumbersAsText    bool           `json:"numbers_as_text,omitempty"`    // portrait_set: number tags take digits in a JSON string too
	StatusAndState   bool           `json:"status_and_state,omitempty"`   // query_online_status and querystate: both names in each item
	SendRequestID    bool           `json:"send_request_id,omitempty"`    // RequestId in the body
	AnySignature     bool           `json:"any_signature,omitempty"`      // test apps only: any well-formed UserSig of the app
}

// A RateMode says what happens to calls over a limit.
type RateMode string

// Rate modes. The zero RateMode is RateEnforce.
const (
	RateEnforce RateMode = ""       // refuse
	RateShadow  RateMode = "shadow" // serve, count and flag
	RateOff     RateMode = "off"    // do not count
)

// A NotAdminMode says which code answers a caller who is no admin.
type NotAdminMode string

// Modes. The zero NotAdminMode is NotAdminLive.
const (
	NotAdminLive       NotAdminMode = ""           // 70403 in im_open_login_svc, 60010 in the other services
	NotAdminDocumented NotAdminMode = "documented" // 70403, 40004 or 90009, by service
	NotAdminGateway    NotAdminMode = "gateway"    // 60010 in every service
)

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
	return time.Duration(days) * 24 * time.Hour
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
