package account

import (
	"fmt"
	"time"
)

// The earliest and the latest time that the clock of a test app can show when it is set. The
// earliest is not the Unix epoch, because a kick at second 0 would be none. The latest leaves
// room for validities and bans of a hundred years in every number of the protocol.
var (
	MinAppTime = time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC)
	MaxAppTime = time.Date(2199, 12, 31, 0, 0, 0, 0, time.UTC)
)

// An AppClock is the clock of a test app. The zero AppClock shows real time.
type AppClock struct {
	Offset time.Duration `json:"offset,omitzero"` // from real time, in nanoseconds; 0 while the clock is frozen
	Frozen time.Time     `json:"frozen,omitzero"` // the time at which it stands; zero if it runs
}

// Now returns the time of c. real is the real time.
func (c AppClock) Now(real time.Time) time.Time {
	if !c.Frozen.IsZero() {
		return c.Frozen
	}
	return real.Add(c.Offset)
}

// Set returns a clock that shows the time now at the real time, and that is frozen there or
// runs on. The error has Code [BadParameter].
func (c AppClock) Set(now, real time.Time, frozen bool) (AppClock, error) {
	if now.Before(MinAppTime) || now.After(MaxAppTime) {
		return c, &Error{Code: BadParameter, Detail: fmt.Sprintf("the clock would show %s; give a time from %s to %s",
			now.UTC().Format(time.RFC3339), MinAppTime.Format(time.DateOnly), MaxAppTime.Format(time.DateOnly))}
	}
	if frozen {
		return AppClock{Frozen: now.UTC().Round(0)}, nil
	}
	return AppClock{Offset: now.Sub(real)}, nil
}

// checkTestOnly finds what only test apps may have.
func checkTestOnly(a *App, f *faults) {
	if a.Test {
		return
	}
	for _, name := range a.Settings.TestOnly() {
		f.add(name, "", "true", name+" is only for apps that were created as test apps")
	}
	if a.Clock != (AppClock{}) {
		f.add("clock", "", "set", "a clock of its own is only for apps that were created as test apps")
	}
	if !a.Expires.IsZero() {
		f.add("expires_at", "", "set", "expires_at is only for apps that are created as test apps")
	}
}
