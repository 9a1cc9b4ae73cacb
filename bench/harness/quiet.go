package harness

import (
	"context"
	"time"

	"rollcall/bench/measure"
)

// Signs that a server has nothing left to do.
const (
	quietLook  = 200 * time.Millisecond // interval of the checks
	quietCPU   = 10 * time.Millisecond  // maximum CPU time in that interval; the smallest unit of the kernel
	settleTime = 15 * time.Second       // time without a change of its files, after it was quiet
)

// quiet waits until s has done all work that a workload has caused. That is the
// case when s has used no CPU time for as long as it may defer work. Quiet
// waits at most the duration most. It returns the CPU time of s since its
// start.
func quiet(ctx context.Context, s subject, workload string, most time.Duration) (time.Duration, error) {
	deadline := time.Now().Add(most)
	last, err := measure.CPU(s.pids()...)
	for since := time.Now(); err == nil && time.Since(since) < s.defersFor(workload) && time.Now().Before(deadline); {
		if err = sleep(ctx, quietLook); err != nil {
			break
		}
		var now time.Duration
		if now, err = measure.CPU(s.pids()...); now-last > quietCPU {
			since = time.Now()
		}
		last = now
	}
	return last, err
}

// settle waits until the files below dir keep their size, but at most the
// duration most.
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
		if err := sleep(ctx, quietLook); err != nil {
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
