package harness

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/loadgen"
)

// inProcess is a subject whose client and server code is in this process. Its CPU time
// includes that of this process.
type inProcess interface{ inProcess() }

// A directLoad is a load of clients of this process that use a database without HTTP. A
// client makes several calls at a time, so as many calls are pending as with the servers.
type directLoad struct {
	o       *loadgen.Options
	clients int
	calls   int64 // that a client makes at a time

	// work makes calls, from number first on.
	work func(ctx context.Context, first, calls int64) error

	start time.Time
	next  atomic.Int64 // number of the next call

	mu  sync.Mutex
	res *loadgen.Result
}

// run makes all calls. It stops at the first error.
func (l *directLoad) run(ctx context.Context) (*loadgen.Result, error) {
	l.start, l.res = time.Now(), &loadgen.Result{Workload: l.o.Workload, Latency: new(loadgen.Histogram)}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range l.clients {
		wg.Go(func() {
			if err := l.client(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return l.res, context.Cause(ctx)
}

// client makes calls until the load ends.
func (l *directLoad) client(ctx context.Context) error {
	for l.o.Duration == 0 || time.Since(l.start) < l.o.Duration {
		first := l.next.Add(l.calls) - l.calls
		calls := l.calls
		if l.o.Calls > 0 {
			calls = min(calls, l.o.Calls-first)
		}
		if calls <= 0 {
			return nil
		}
		began := time.Now()
		if err := l.work(ctx, l.o.Skip+first, calls); err != nil {
			return err
		}
		l.note(calls, began)
	}
	return nil
}

// note counts calls that began together and have ended.
func (l *directLoad) note(calls int64, began time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	elapsed := time.Since(l.start)
	l.res.LongestGap = max(l.res.LongestGap, elapsed-l.res.Elapsed)
	l.res.Elapsed = elapsed
	l.res.Calls += calls
	l.res.Accounts += calls * 100
	for range calls {
		l.res.Latency.Record(time.Since(began))
	}
}
