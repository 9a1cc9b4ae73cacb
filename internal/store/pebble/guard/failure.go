package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
)

// A Failure records that a store has failed, and why. A failed store acknowledges nothing
// any more.
type Failure struct {
	lg   *slog.Logger
	once sync.Once
	ch   chan struct{} // closed once err is set
	err  error         // the error of every later write
}

// NewFailure returns the Failure of a store that has not failed. It logs to lg when the
// store fails.
func NewFailure(lg *slog.Logger) *Failure { return &Failure{lg: lg, ch: make(chan struct{})} }

// Done returns a channel that is closed when the store has failed.
func (f *Failure) Done() <-chan struct{} { return f.ch }

// Fail marks the store as failed because of cause. Only the first cause counts.
func (f *Failure) Fail(cause error) {
	f.once.Do(func() {
		f.err = &account.Error{
			Code:   account.Internal,
			Detail: "the store has failed and must be restarted; see the server's log",
			Err:    cause,
		}
		close(f.ch)
		f.lg.Error("store failed; no write is accepted until a restart", "err", cause)
	})
}

// stop marks the store as failed and never returns. It must not end the goroutine either:
// the deferred calls of Pebble would release locks, some of them a second time, which ends
// the process.
func (f *Failure) stop(cause error) {
	f.Fail(cause)
	select {}
}

// Check returns nil while the store has not failed, and then the error of every later
// write, an [account.Error] of Code Internal.
func (f *Failure) Check() error {
	select {
	case <-f.ch:
		return f.err
	default:
		return nil
	}
}

// Shielded runs fn in its own goroutine, because a Fatalf in fn never returns. It turns a
// panic into an error. It returns an error without waiting for fn if the store fails or
// after limit; a limit of 0 means none. fn may still run then. So Shielded does not run fn
// if the store has failed already: an earlier fn may still use the same data.
func (f *Failure) Shielded(fn func() error, limit time.Duration) error {
	if f.Check() != nil {
		return errGaveUp
	}
	result := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				result <- fmt.Errorf("panic: %v", p)
			}
		}()
		result <- fn()
	}()
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case err := <-result:
		return err
	case <-f.ch:
		return errGaveUp
	case <-over:
		return errTooSlow
	}
}

var (
	errGaveUp  = errors.New("the storage engine gave up")
	errTooSlow = errors.New("the disk did not answer in time")
)
