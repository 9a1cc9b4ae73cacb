package harness

import (
	"context"
	"time"

	"rollcall/bench/measure"
)

// Signs that a server has nothing left to do.
const (
	quietWindow = 200 * time.Millisecond
	quietCPU    = 10 * time.Millisecond // the least that the kernel counts
	settleTime  = 25 * time.Second      // without a change of its files: Rollcall puts its own in order when it has been left alone for 10 to 20
)

// quiet waits until s has done what it put off, but no longer than most, and
// returns the CPU time it has taken since it began.
func quiet(ctx context.Context, s subject, most time.Duration) (time.Duration, error) {
	deadline := time.Now().Add(most)
	last, err := measure.CPU(s.pids()...)
	for err == nil {
		if err = sleep(ctx, quietWindow); err != nil {
			break
		}
		var now time.Duration
		now, err = measure.CPU(s.pids()...)
		if now-last <= quietCPU || time.Now().After(deadline) {
			return now, err
		}
		last = now
	}
	return last, err
}

// settle waits until the files below dir keep their size, but no longer than
// most.
func settle(ctx context.Context, dir string, most time.Duration) error {
	deadline := time.Now().Add(most)
	var last int64
	for since := time.Now(); time.Since(since) < settleTime && time.Now().Before(deadline); {
		now, err := measure.DiskBytes(dir)
		if err != nil {
			return err
		}
		if now != last {
			last, since = now, time.Now()
		}
		if err := sleep(ctx, quietWindow); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
