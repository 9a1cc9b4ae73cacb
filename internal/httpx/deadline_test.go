package httpx

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// isDone reports whether the channel of ctx says that ctx has ended.
func isDone(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// limit is the time of deadlines.
const limit = 2500 * time.Millisecond

// TestDeadline ends deadlines in each possible way, with and without a waiting
// goroutine.
func TestDeadline(t *testing.T) {
	for _, waited := range []bool{false, true} {
		for _, test := range []struct {
			name  string
			after func(cancel func(), d *Deadline) // runs a second after the beginning
			took  time.Duration                    // from then to the end
			want  error
		}{
			{"in time", func(func(), *Deadline) {}, limit - time.Second, context.DeadlineExceeded},
			{"with its request", func(cancel func(), _ *Deadline) { cancel() }, sweepEvery, context.Canceled},
			{"with its call", func(_ func(), d *Deadline) { d.End() }, 0, context.Canceled},
		} {
			synctest.Test(t, func(t *testing.T) {
				var w Deadlines
				request, cancel := context.WithCancel(t.Context())
				defer cancel()
				d := w.Begin(request, limit)
				defer d.End()
				if at, ok := d.Deadline(); !ok || time.Until(at) != limit {
					t.Errorf("Deadline is in %v", time.Until(at))
				}
				if waited && isDone(d) || d.Err() != nil {
					t.Errorf("%s: over from the start: %v", test.name, d.Err())
				}
				time.Sleep(time.Second)
				start := time.Now()
				test.after(cancel, d)
				if waited {
					<-d.Done()
					if took := time.Since(start); took > test.took || test.want == context.DeadlineExceeded && took != test.took {
						t.Errorf("%s: done after %v, want %v", test.name, took, test.took)
					}
				} else {
					time.Sleep(test.took)
				}
				if err := d.Err(); !errors.Is(err, test.want) || !isDone(d) || !errors.Is(context.Cause(d), test.want) {
					t.Errorf("%s, waited %v: %v (%v), done %v, want %v", test.name, waited, err, context.Cause(d), isDone(d), test.want)
				}
				if len(w.all) != 0 {
					t.Errorf("%s: %d deadlines are left", test.name, len(w.all))
				}
			})
		}
	}
}

// TestDeadlinesOfMany waits for many deadlines that began one after the other.
// Some calls end early. The other deadlines must end at their own times.
func TestDeadlinesOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Deadlines
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				time.Sleep(time.Duration(i*7919%1000) * time.Millisecond)
				d, start := w.Begin(t.Context(), limit), time.Now()
				defer d.End()
				if i%3 == 0 {
					_ = d.Done()
					time.Sleep(limit / 3)
					return
				}
				child, cancel := context.WithCancel(d)
				defer cancel()
				<-child.Done()
				if took := time.Since(start); took != limit || child.Err() != context.DeadlineExceeded {
					t.Errorf("deadline %d ended after %v: %v", i, took, child.Err())
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if len(w.all) != 0 {
			t.Errorf("%d deadlines are left", len(w.all))
		}
	})
}
