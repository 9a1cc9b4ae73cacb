package guard

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall/internal/account"
)

// A Failure is the end of a store: the first thing after which nothing may be
// acknowledged any more.
type Failure struct {
	lg   *slog.Logger
	once sync.Once
	ch   chan struct{} // closed once err is set
	err  error         // what every later write answers
}

// NewFailure returns the Failure of a store that has not failed, and logs to lg if it
// does.
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

// stop marks the store as failed and never returns. It does not end the
// goroutine either: Pebble has deferred calls that let go of locks, some of them
// for the second time, and that ends the process.
func (f *Failure) stop(cause error) {
	f.Fail(cause)
	select {}
}

// Check returns nil while the store has not failed, and then what every write
// answers, an [account.Error] of Code Internal.
func (f *Failure) Check() error {
	select {
	case <-f.ch:
		return f.err
	default:
		return nil
	}
}

// Shielded runs fn in a goroutine of its own, which a Fatalf in it may stop for
// ever. It turns a panic into an error, and gives up with an error when the store
// has failed or when limit is over; a limit of 0 is none. fn may go on then.
func (f *Failure) Shielded(fn func() error, limit time.Duration) error {
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
