package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"rollcall/internal/wire"
)

// Base pauses before the first retry. The base doubles with each further retry, up to
// maxPause.
const (
	temporaryPause = 100 * time.Millisecond
	slowPause      = time.Second // servers count calls in whole seconds (protocol.md §1.4)
	maxPause       = 10 * time.Second
	maxDoublings   = 10 // brings either base above maxPause
)

// Defaults of Options and AdminOptions.
const (
	defaultTimeout        = 30 * time.Second
	defaultAttemptTimeout = 8 * time.Second // the vendor ends a call after 3 s
	defaultRetries        = 4
)

// A retrier makes attempts of a call until one succeeds or retries cannot help.
type retrier struct {
	timeout time.Duration // of a call with all its retries
	retries int
	logger  *slog.Logger
}

func newRetrier(timeout time.Duration, retries int, lg *slog.Logger) retrier {
	r := retrier{timeout, retries, lg}
	if r.timeout <= 0 {
		r.timeout = defaultTimeout
	}
	if r.retries == 0 {
		r.retries = defaultRetries
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	return r
}

// run calls attempt until one of these is true:
//   - The attempt succeeds.
//   - kind says that a retry cannot help.
//   - There are no more retries, or there is no more time.
//
// It returns the error of the last attempt. If the time ran out during that attempt, the
// error also contains that of the attempt before, which says more.
func (r retrier) run(ctx context.Context, op string, attempt func(context.Context) error, kind func(error) wire.Retry) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var last error
	for n := 0; ; n++ {
		err := attempt(ctx)
		if err != nil && last != nil && ctx.Err() != nil {
			return before(err, last)
		}
		if err == nil || n >= r.retries || ctx.Err() != nil {
			return err
		}
		pause := pauseFor(kind(err), n)
		if pause == 0 {
			return err
		}
		r.logger.LogAttrs(ctx, slog.LevelDebug, "repeating a call", slog.String("op", op),
			slog.Int("attempt", n+1), slog.Int64("pause_ms", pause.Milliseconds()), slog.Any("error", err))
		if err := wait(ctx, pause, err); err != nil {
			return err
		}
		last = err
	}
}

// before returns an error with both causes. Callers that ask for a type get that of err first,
// so that a call without an answer stays one.
func before(err, last error) error { return fmt.Errorf("%w; before that, %w", err, last) }

// pauseFor returns the pause before retry n, or 0 for no retry. The pause is random:
// between one and two times the base for slow codes, which must not be retried early, and
// between zero and two times the base for others.
func pauseFor(kind wire.Retry, n int) time.Duration {
	n = min(n, maxDoublings) // a larger shift could overflow
	switch kind {
	case wire.RetryYes:
		return 1 + rand.N(2*min(temporaryPause<<n, maxPause))
	case wire.RetrySlow:
		base := min(slowPause<<n, maxPause)
		return base + rand.N(base)
	}
	return 0
}

// wait sleeps for d. It returns last at once if the deadline of ctx is within d. If ctx
// ends meanwhile, it returns an error with both causes.
func wait(ctx context.Context, d time.Duration, last error) error {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return last
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return before(ctx.Err(), last)
	}
}

// transportKind returns whether to retry after a TransportError. It returns RetryNo for
// any other error.
func transportKind(err error) wire.Retry {
	if e, ok := errors.AsType[*TransportError](err); ok && e.Temporary() {
		return wire.RetryYes
	}
	return wire.RetryNo
}
