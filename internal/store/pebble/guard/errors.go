package guard

import (
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
)

// Errors are those of background work. They are logged at most once a second: on a
// full disk Pebble repeats itself without a pause.
type Errors struct {
	lg *slog.Logger

	mu     sync.Mutex
	newest error
	met    time.Time // when newest was met
	logged time.Time // when an error was last logged
	hushed int       // errors since then
}

// NewErrors returns the Errors, none yet, of a store that logs to lg.
func NewErrors(lg *slog.Logger) *Errors { return &Errors{lg: lg} }

// pauseAfterError is how long Pebble's background work rests after an error.
const pauseAfterError = 50 * time.Millisecond

// Report logs err and rests for 50 milliseconds: Pebble would try again at once and
// without end. It holds its central lock meanwhile, which slows commits down too,
// and rightly: what they write cannot leave the memory. Reads go on.
func (e *Errors) Report(err error) {
	e.Log(err)
	time.Sleep(pauseAfterError)
}

// Log logs err, unless it has logged another within a second, and does not rest.
func (e *Errors) Log(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	e.newest, e.met = err, now
	if now.Sub(e.logged) < time.Second {
		e.hushed++
		return
	}
	e.lg.Error("background work of the store met an error", "err", err, "more_like_it", e.hushed)
	e.logged, e.hushed = now, 0
}

// recently is for how long an error of background work leaves the store not
// ready. While the fault lasts, Pebble meets it again and again.
const recently = 2 * time.Second

// Check returns nil, or an [account.Error] of Code Unavailable if there was an error
// in the last two seconds.
func (e *Errors) Check() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.newest == nil || time.Since(e.met) > recently {
		return nil
	}
	return &account.Error{Code: account.Unavailable, Detail: "the disk answers with errors; check it", Err: e.newest}
}
