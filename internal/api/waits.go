package api

import (
	"context"
	"sync"
	"time"
)

// sweepEvery is how soon a call that waits learns that its client hung up, and how
// late the end of a wait is at most that began shortly before.
const sweepEvery = 20 * time.Millisecond

// A deadline is the context of a call, which ends after [Timeout] or with its
// request. [context.WithTimeout] would start a timer and register with the context of
// the request in each call. Most calls only ask whether their context has ended; a
// deadline for whose end somebody waits is watched with all others of its kind.
type deadline struct {
	context.Context // of the request
	at              time.Time
	waits           *waits

	mu   sync.Mutex
	done chan struct{} // nil before somebody waits
	err  error         // why it has ended

	place int // in waits; it guards this
}

// begin returns the context of a call that begins now. The call ends it.
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

// end ends d with the call, for whoever keeps it for longer.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finish(context.Canceled)
}

// over returns why d is over at now, or nil.
func (d *deadline) over(now time.Time) error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if !now.Before(d.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// finish ends d because of err unless that is nil or it has ended. The caller holds
// d.mu.
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

// waits are the deadlines for whose end somebody waits. The zero waits are none.
type waits struct {
	mu    sync.Mutex
	all   []*deadline
	timed bool // sweep is about to run
}

// add adds d. The caller holds d.mu.
func (w *waits) add(d *deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.place = len(w.all)
	w.all = append(w.all, d)
	if !w.timed {
		w.timed = true
		time.AfterFunc(sweepEvery, w.sweep)
	}
}

// remove removes d, which is there. The caller holds d.mu.
func (w *waits) remove(d *deadline) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.all) - 1
	w.all[last].place = d.place
	w.all[d.place] = w.all[last]
	w.all[last] = nil
	w.all = w.all[:last]
}

// sweep ends those that are over, and comes back in time for the next one.
func (w *waits) sweep() {
	now := time.Now()
	for _, d := range w.over(now) {
		_ = d.Err() // ends it
	}
}

// over returns the deadlines that are over at now. If others are left it has sweep run
// again.
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
