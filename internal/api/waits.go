package api

import (
	"context"
	"sync"
	"time"
)

// sweepEvery is the interval at which waiting calls are checked. A waiting call
// learns within it that its client hung up. A deadline that is closer than this
// interval when the wait begins may end late by as much.
const sweepEvery = 20 * time.Millisecond

// A deadline is the context of a call. It ends after [Timeout], or with the
// context of the request. [context.WithTimeout] would start a timer and
// register with the context of the request on each call. Most calls only check
// whether their context has ended. Deadlines that a goroutine waits for are
// checked together by one timer.
type deadline struct {
	context.Context // the context of the request
	at              time.Time
	waits           *waits

	mu   sync.Mutex
	done chan struct{} // nil until a goroutine waits
	err  error         // why it has ended; nil before

	index int // in waits.all; guarded by waits.mu
}

// begin returns the context of a call that begins now. The call must end it.
func (w *waits) begin(ctx context.Context) *deadline {
	return &deadline{Context: ctx, at: time.Now().Add(Timeout), waits: w}
}

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *deadline) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
		if d.err != nil {
			close(d.done)
		} else {
			d.waits.add(d)
		}
	}
	return d.done
}

// Err implements [context.Context].
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.finish(d.over(time.Now()))
	}
	return d.err
}

// end ends d at the end of the call, in case a goroutine still keeps it.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish(context.Canceled)
}

// over returns why d is over at now, or nil if it is not.
func (d *deadline) over(now time.Time) error {
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
func (d *deadline) finish(err error) {
	if err == nil || d.err != nil {
		return
	}
	d.err = err
	if d.done != nil {
		close(d.done)
		d.waits.remove(d)
	}
}

// waits are the deadlines that goroutines wait for. The zero waits is empty.
type waits struct {
	mu    sync.Mutex
	all   []*deadline
	timed bool // whether a timer will run sweep
}

// add adds d. The caller has locked d.mu.
func (w *waits) add(d *deadline) {
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
func (w *waits) remove(d *deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.all) - 1
	w.all[last].index = d.index
	w.all[d.index] = w.all[last]
	w.all[last] = nil
	w.all = w.all[:last]
}

// sweep ends the deadlines that are over.
func (w *waits) sweep() {
	now := time.Now()
	for _, d := range w.over(now) {
		_ = d.Err() // ends it
	}
}

// over returns the deadlines that are over at now. If others are left, it
// starts a timer for the next sweep.
func (w *waits) over(now time.Time) (over []*deadline) {
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
