package guard

import (
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
)

// Errors collects the errors of background work. It logs at most one error a second,
// because Pebble retries without a pause while the disk is full.
type Errors struct {
	lg *slog.Logger

	mu     sync.Mutex
	newest error
	met    time.Time // when newest was met
	logged time.Time // when an error was last logged
	hushed int       // errors since then
}

// NewErrors returns empty Errors that log to lg.
func NewErrors(lg *slog.Logger) *Errors { return &Errors{lg: lg} }

// pauseAfterError is how long Report sleeps.
const pauseAfterError = 50 * time.Millisecond

// Report logs err and sleeps 50 ms, because Pebble retries without backoff. Pebble holds
// its mutex during the sleep, so commits slow down as well. That is intended, since they
// cannot be flushed. Reads continue.
func (e *Errors) Report(err error) {
	e.Log(err)
	time.Sleep(pauseAfterError)
}

// Log logs err, unless it has logged another error within the last second. It does not
// sleep.
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

// recently is how long the store is not ready after an error of background work. Pebble
// repeats the work while the cause lasts, so the error recurs within this time.
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
