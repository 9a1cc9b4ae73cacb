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

// Pauses before the first repeat. Each further one doubles, up to maxPause.
const (
	passingPause = 100 * time.Millisecond
	slowPause    = time.Second // rates count in whole seconds (protocol.md §1.4)
	maxPause     = 10 * time.Second
	maxDoublings = 10 // brings either base above maxPause
)

// Defaults of Options and AdminOptions.
const (
	defaultTimeout        = 30 * time.Second
	defaultAttemptTimeout = 8 * time.Second // the vendor ends its own work after 3 s
	defaultRetries        = 4
)

// A retrier repeats what can be repeated.
type retrier struct {
	timeout time.Duration // of a call with all its repeats
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

// run calls attempt until it succeeds, fails for good, was repeated often
// enough, or the time is up; kind says whether an error is worth repeating.
// The error is the last attempt's.
func (r retrier) run(ctx context.Context, op string, attempt func(context.Context) error, kind func(error) wire.Retry) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	for n := 0; ; n++ {
		err := attempt(ctx)
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
	}
}

// pauseFor returns the pause before repeat n, 0 for no repeat: between one and
// two times the base for slow codes, which must not come back early, and
// between zero and two times for the others.
func pauseFor(kind wire.Retry, n int) time.Duration {
	n = min(n, maxDoublings) // a shift further would overflow
	switch kind {
	case wire.RetryYes:
		return 1 + rand.N(2*min(passingPause<<n, maxPause))
	case wire.RetrySlow:
		base := min(slowPause<<n, maxPause)
		return base + rand.N(base)
	}
	return 0
}

// wait sleeps for d. It returns last at once if ctx would end before, and an
// error with both causes if ctx is cancelled.
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
		return fmt.Errorf("%w; before that, %w", ctx.Err(), last)
	}
}

// passing returns how a TransportError is repeated, RetryNo for any other error.
func passing(err error) wire.Retry {
	if e, ok := errors.AsType[*TransportError](err); ok && e.passing() {
		return wire.RetryYes
	}
	return wire.RetryNo
}
