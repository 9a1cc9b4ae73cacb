package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// internal returns an error with Code Internal.
func internal(detail string, cause error) error {
	return &account.Error{Code: account.Internal, Detail: detail + "; see the server's log", Err: cause}
}

// A failure is the end of a store: the first thing after which nothing may be
// acknowledged any more.
type failure struct {
	lg   *slog.Logger
	once sync.Once
	ch   chan struct{} // closed once err is set
	err  error         // what every later write answers
}

func newFailure(lg *slog.Logger) *failure { return &failure{lg: lg, ch: make(chan struct{})} }

// fail marks the store as failed. Only the first cause counts.
func (f *failure) fail(cause error) {
	f.once.Do(func() {
		f.err = internal("the store has failed and must be restarted", cause)
		close(f.ch)
		f.lg.Error("store failed; no write is accepted until a restart", "err", cause)
	})
}

// stop marks the store as failed and never returns. It does not end the
// goroutine either: Pebble has deferred calls that let go of locks, some of them
// for the second time, and that ends the process.
func (f *failure) stop(cause error) {
	f.fail(cause)
	select {}
}

// check returns nil while the store has not failed.
func (f *failure) check() error {
	select {
	case <-f.ch:
		return f.err
	default:
		return nil
	}
}

// A logger is what Pebble logs to. Its everyday lines are for debugging alone.
type logger struct {
	lg      *slog.Logger
	failure *failure
	errors  *limiter
}

var _ pebble.Logger = (*logger)(nil)

// Infof implements [pebble.Logger].
func (l *logger) Infof(format string, args ...any) {
	if l.lg.Enabled(context.Background(), slog.LevelDebug) {
		l.lg.Debug("storage engine", "text", fmt.Sprintf(format, args...))
	}
}

// Errorf implements [pebble.Logger].
func (l *logger) Errorf(format string, args ...any) {
	l.errors.log(fmt.Errorf(format, args...))
}

// Fatalf implements [pebble.Logger]. It does not return: Pebble would go on and
// acknowledge what is not on disk.
func (l *logger) Fatalf(format string, args ...any) { l.failure.stop(fmt.Errorf(format, args...)) }

// A limiter logs the errors of background work at most once a second: on a full
// disk Pebble repeats itself without a pause.
type limiter struct {
	lg *slog.Logger

	mu     sync.Mutex
	newest error
	met    time.Time // when newest was met
	logged time.Time // when an error was last logged
	hushed int       // errors since then
}

// pauseAfterError is how long Pebble's background work rests after an error.
const pauseAfterError = 50 * time.Millisecond

// report logs err and rests: Pebble would try again at once and without end.
// It holds its central lock meanwhile, which slows commits down too, and
// rightly: what they write cannot leave the memory. Reads go on.
func (l *limiter) report(err error) {
	l.log(err)
	time.Sleep(pauseAfterError)
}

func (l *limiter) log(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.newest, l.met = err, now
	if now.Sub(l.logged) < time.Second {
		l.hushed++
		return
	}
	l.lg.Error("background work of the store met an error", "err", err, "more_like_it", l.hushed)
	l.logged, l.hushed = now, 0
}

// recently is for how long an error of background work leaves the store not
// ready. While the fault lasts, Pebble meets it again and again.
const recently = 2 * time.Second

// check returns an error if background work has met one recently.
func (l *limiter) check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil || time.Since(l.met) > recently {
		return nil
	}
	return &account.Error{Code: account.Unavailable, Detail: "the disk answers with errors; check it", Err: l.newest}
}

// shielded runs fn in a goroutine of its own, which a Fatalf in it may stop for
// ever. It turns a panic into an error, and gives up when the store has failed
// or when limit is over; a limit of 0 is none.
func (f *failure) shielded(fn func() error, limit time.Duration) error {
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
