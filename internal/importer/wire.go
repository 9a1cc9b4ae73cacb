package importer

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"rollcall/client"
)

// A Wire is a target that is called with batches of the account API. Client must not retry:
// the run retries itself, because it tells the progress and paces every call.
type Wire struct {
	Client   *client.Client
	InFlight int                // calls at once
	Limits   map[string]float64 // calls per second of commands; none or 0 for no limit
	Limited  string             // who sets the limits, for the progress: "by the app"

	// Vendor says that the target is the service of the vendor, whose only quota is that of
	// the trial edition.
	Vendor bool

	// Left returns how many accounts can still be created, or NoQuota. Without Left the
	// quota is unknown.
	Left func(ctx context.Context) (int64, error)
}

// Limits of the rows that are read ahead. Rows wait when an earlier row of their id is under
// way, so the run looks further than the calls in flight reach.
const (
	windowRows  = 32 << 10
	windowBytes = 8 << 20
)

// stopTime is how long calls under way may take after the run is stopped.
const stopTime = 10 * time.Second

// lingerTime is how long a call waits for its hundredth row when nothing else is under way.
const lingerTime = 200 * time.Millisecond

// A wireRun is a run by wire. Its fields belong to the goroutine of run, except those of
// caller.
type wireRun struct {
	*caller
	job *Job
	l   *ledger

	chunks <-chan *chunk // nil after the last one
	window []*row        // rows without a verdict that is written, in order
	bytes  int           // of the texts in window, roughly
	ready  rowHeap       // rows that can be sent now
	last   map[string]*row
	held   []heldRow // released later, in the order of time

	inFlight int
	done     chan *batch
	lingered bool // a tick passed without a row
	quota    quota
	stopping bool
	err      error // ends the run
	position int64 // in the input, behind the rows that were read
	lastRead int64 // number of the last one
	fileErr  error // with which the files end
}

// A batch is the rows of one call.
type batch struct {
	rows      []*row
	unsettled bool   // an attempt without an answer can still take effect
	err       error  // ends the run; rows without a verdict are for the next
	left      *int64 // instead of rows: how many accounts can still be created
}

// A heldRow keeps its id until a time.
type heldRow struct {
	row   *row
	until time.Time
}

// rowHeap is a heap of rows by their numbers.
type rowHeap []*row

func (h rowHeap) Len() int           { return len(h) }
func (h rowHeap) Less(i, k int) bool { return h[i].number < h[k].number }
func (h rowHeap) Swap(i, k int)      { h[i], h[k] = h[k], h[i] }
func (h *rowHeap) Push(x any)        { *h = append(*h, x.(*row)) }
func (h *rowHeap) Pop() any {
	old := *h
	r := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return r
}

// runWire sends the rows by wire.
func runWire(ctx context.Context, j *Job, l *ledger, chunks <-chan *chunk) error {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := &wireRun{
		job: j, l: l, chunks: chunks, last: map[string]*row{}, done: make(chan *batch),
		caller: newCaller(ctx, calls, j),
	}
	w.quota = quota{wire: j.Wire, delete: j.Operation == Delete, horizon: -1}
	stopLate := context.AfterFunc(ctx, func() { time.AfterFunc(stopTime, cancel) })
	defer stopLate()
	l.state.TotalBytes = totalSize(j.Files)
	return w.run(ctx)
}

// run sends the rows and takes their verdicts until the files end, the run is stopped or
// fails. Calls under way end first.
func (w *wireRun) run(ctx context.Context) error {
	tick := time.NewTicker(lingerTime)
	defer tick.Stop()
	stop := ctx.Done()
	for {
		if err := w.advance(); err != nil {
			w.fail(err)
		}
		if !w.stopping {
			w.start()
		}
		if w.inFlight == 0 && (w.stopping || w.finished()) {
			return w.err
		}
		select {
		case c, ok := <-w.wanted():
			w.read(c, ok)
		case b := <-w.done:
			w.end(b)
		case <-stop:
			stop = nil
			w.fail(errStopped)
		case <-w.job.Pause.changed():
		case <-tick.C:
			w.tick()
		}
	}
}

// fail stops the run. The first error counts.
func (w *wireRun) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.stopping = true
	w.caller.stop()
}

// wanted returns the channel of rows, or nil while there are enough.
func (w *wireRun) wanted() <-chan *chunk {
	if w.stopping || len(w.window) >= windowRows || w.bytes >= windowBytes {
		return nil
	}
	return w.chunks
}

// finished reports whether every row has a verdict.
func (w *wireRun) finished() bool { return w.chunks == nil && len(w.window) == 0 }

// read takes a chunk of rows.
func (w *wireRun) read(c *chunk, ok bool) {
	w.lingered = false
	if !ok {
		w.fail(errStopped)
		return
	}
	w.position = c.at
	if len(c.rows) > 0 {
		w.lastRead = c.last()
	}
	for i := range c.rows {
		w.add(&c.rows[i])
	}
	if c.end {
		w.chunks, w.fileErr = nil, c.err // an error counts after the verdicts of the rows before it
	}
}

func (w *wireRun) add(r *row) {
	w.window = append(w.window, r)
	w.bytes += len(r.raw) + 200
	if r.judged {
		return
	}
	before := w.last[r.id]
	w.last[r.id] = r
	if before != nil {
		before.next = r
		return
	}
	heap.Push(&w.ready, r)
}

// advance passes the verdicts of the first rows on to the ledger.
func (w *wireRun) advance() error {
	for len(w.window) > 0 && w.window[0].judged {
		r := w.window[0]
		if err := w.l.take(r); err != nil {
			return err
		}
		w.bytes -= len(r.raw) + 200
		w.window[0] = nil
		w.window = w.window[1:]
	}
	if w.finished() && w.fileErr != nil {
		return w.fileErr
	}
	w.l.doc.Retries += w.caller.retries.Swap(0)
	return w.l.saveSometimes()
}

// start starts as many calls as are allowed now.
func (w *wireRun) start() {
	for w.inFlight < w.job.Wire.InFlight && !w.job.Pause.paused() {
		size := w.allowed()
		if size == 0 || len(w.ready) == 0 {
			return
		}
		if len(w.ready) < size && !w.lingered && w.chunks != nil && w.wanted() != nil {
			return // more rows are coming
		}
		b := &batch{rows: w.next(size)}
		if len(b.rows) == 0 {
			return
		}
		w.call(b, w.caller.do)
	}
}

// call lets do work on b in another goroutine.
func (w *wireRun) call(b *batch, do func(*batch)) {
	w.inFlight++
	go func() {
		do(b)
		w.done <- b
	}()
}

// next removes up to size rows from ready. In strict order it takes no row behind one that
// waits for its id.
func (w *wireRun) next(size int) []*row {
	var rows []*row
	barrier := int64(-1)
	if w.quota.strict() {
		for _, h := range w.held {
			barrier = earlier(barrier, h.row.next)
		}
	}
	for len(rows) < size && len(w.ready) > 0 {
		first := w.ready[0]
		if !w.quota.reaches(first) || barrier >= 0 && first.number > barrier {
			break
		}
		heap.Pop(&w.ready)
		rows = append(rows, first)
		if w.quota.strict() {
			barrier = earlier(barrier, first.next)
		}
	}
	return rows
}

// earlier returns the smaller number of barrier, if there is one, and r.
func earlier(barrier int64, r *row) int64 {
	if r == nil || barrier >= 0 && barrier < r.number {
		return barrier
	}
	return r.number
}

// end takes the result of a call.
func (w *wireRun) end(b *batch) {
	w.inFlight--
	if b.err != nil {
		w.fail(b.err)
	} else if b.left != nil {
		w.quota.learn(*b.left, w.window)
	}
	until := time.Now().Add(w.job.settleTime())
	for _, r := range b.rows {
		if !r.answered {
			continue
		}
		r.judged = true
		w.quota.judged(r)
		if b.unsettled {
			w.held = append(w.held, heldRow{r, until})
			continue
		}
		w.release(r)
	}
}

// release lets the next row of the id of r go.
func (w *wireRun) release(r *row) {
	if r.next != nil {
		heap.Push(&w.ready, r.next)
		r.next = nil
		return
	}
	delete(w.last, r.id)
}

func (w *wireRun) tick() {
	w.lingered = w.inFlight == 0
	now := time.Now()
	for len(w.held) > 0 && !now.Before(w.held[0].until) {
		w.release(w.held[0].row)
		w.held = w.held[1:]
	}
	w.l.state.Bytes = w.l.done(w.position, w.lastRead)
	w.l.state.Note = w.note()
	w.l.show()
}

// note says what holds the run back.
func (w *wireRun) note() string {
	switch {
	case w.job.Pause.paused():
		return "paused"
	case w.caller.awayNote() != "":
		return w.caller.awayNote()
	case w.quota.note() != "":
		return w.quota.note()
	}
	command := w.caller.command
	if limit := w.job.Wire.Limits[command]; limit > 0 {
		return fmt.Sprintf("limited to %.4g calls/s %s", limit, w.job.Wire.Limited)
	}
	return ""
}
