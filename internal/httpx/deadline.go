package httpx

import (
	"context"
	"sync"
	"time"
)

// sweepEvery is the interval at which waiting calls are checked. A waiting call
// learns within it that its client hung up. A deadline that is closer than this
// interval when the wait begins may end late by as much.
const sweepEvery = 20 * time.Millisecond

// A Deadline is the context of a call. It ends at a time, or with the context of
// the request. [context.WithTimeout] would start a timer and register with the
// context of the request on each call. Most calls only check whether their
// context has ended. Deadlines that a goroutine waits for are checked together
// by one timer.
type Deadline struct {
	context.Context // the context of the request
	at              time.Time
	of              *Deadlines

	mu   sync.Mutex
	done chan struct{} // nil until a goroutine waits
	err  error         // why it has ended; nil before

	index int // in of.all; guarded by of.mu
}

// Begin returns the context of a call that begins now. It ends after limit, with
// [context.DeadlineExceeded], or with ctx. The call must end it.
func (w *Deadlines) Begin(ctx context.Context, limit time.Duration) *Deadline {
	return &Deadline{Context: ctx, at: time.Now().Add(limit), of: w}
}

// Deadline implements [context.Context].
func (d *Deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *Deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.err != nil {
			close(d.done)
		} else {
			d.of.add(d)
		}
	}
	return d.done
}

// Err implements [context.Context].
func (d *Deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.finish(d.over(time.Now()))
	}
	return d.err
}

// End ends d at the end of the call, in case a goroutine still keeps it.
func (d *Deadline) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish(context.Canceled)
}

// over returns why d is over at now, or nil if it is not.
func (d *Deadline) over(now time.Time) error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if !now.Before(d.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// finish ends d with err. It does nothing if err is nil or d has ended already.
// The caller has locked d.mu.
func (d *Deadline) finish(err error) {
	if err == nil || d.err != nil {
		return
	}
	d.err = err
	if d.done != nil {
		close(d.done)
		d.of.remove(d)
	}
}

// Deadlines contain those that goroutines wait for. The zero value is ready for
// use.
type Deadlines struct {
	mu    sync.Mutex
	all   []*Deadline
	timed bool // whether a timer will run sweep
}

// add adds d. The caller has locked d.mu.
func (w *Deadlines) add(d *Deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.index = len(w.all)
	w.all = append(w.all, d)
	if !w.timed {
		w.timed = true
		time.AfterFunc(sweepEvery, w.sweep)
	}
}

// remove removes d, which must be present. The caller has locked d.mu.
func (w *Deadlines) remove(d *Deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.all) - 1
	w.all[last].index = d.index
	w.all[d.index] = w.all[last]
	w.all[last] = nil
	w.all = w.all[:last]
}

// sweep ends the deadlines that are over.
func (w *Deadlines) sweep() {
	now := time.Now()
	for _, d := range w.over(now) {
		_ = d.Err() // ends it
	}
}

// over returns the deadlines that are over at now. If others are left, it
// starts a timer for the next sweep.
func (w *Deadlines) over(now time.Time) (over []*Deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := sweepEvery
	for _, d := range w.all {
		if d.over(now) != nil {
			over = append(over, d)
		} else {
			next = min(next, d.at.Sub(now))
		}
	}
	if w.timed = len(w.all) > len(over); w.timed {
		time.AfterFunc(next, w.sweep)
	}
	return over
}
