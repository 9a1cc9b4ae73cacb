package pebble

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

// Limits of the committer.
const (
	maxQueue      = 256     // calls in the queue
	maxGroupBytes = 1 << 20 // total size of a group, unless it is a single call
	slowCommit    = 2 * time.Second
)

// A call is a change that waits for the committer.
type call struct {
	taken  atomic.Bool // set by the committer when it decides the call, or by its caller when it gives up
	size   int         // roughly how many bytes it will write
	decide func(*group) error
	err    error         // set before done is closed
	done   chan struct{} // closed when the outcome is durable
}

// A committer runs all changes, one group of calls at a time.
type committer struct {
	db      *pebble.DB
	view    *view
	group   *group
	failure *guard.Failure
	sync    *pebble.WriteOptions
	hook    func(written bool) error // tests: before and after each commit

	queue   chan *call
	quit    chan struct{} // closed when no caller waits any more
	held    *call         // taken from the queue, but too large for the group
	limit   *journalLimit // of the journal
	flushes chan *call    // calls of the flusher, which shorten the journal
	pacer   *guard.Pacer  // notified of every commit
	done    chan struct{} // closed when run has ended

	start time.Time
	busy  atomic.Int64 // when the group under way began, since start; 0: none
}

// submit runs decide in the committer and waits until its changes are durable, ctx ends,
// or the store fails. If ctx ends before decide has begun, decide does not run, and the
// error has Code Unavailable. If ctx ends or the store fails while decide runs, decide
// continues. So it must not use memory of the caller.
func (c *committer) submit(ctx context.Context, size int, decide func(*group) error) error {
	return c.send(ctx, c.queue, &call{size: size, decide: decide})
}

// submitFlush runs decide in the committer even if the journal is full.
func (c *committer) submitFlush(decide func(*group) error) error {
	return c.send(context.Background(), c.flushes, &call{decide: decide})
}

func (c *committer) send(ctx context.Context, queue chan<- *call, w *call) error {
	w.done = make(chan struct{})
	select {
	case queue <- w:
	case <-ctx.Done():
		return account.Ended(ctx)
	case <-c.failure.Done():
		return c.failure.Check()
	case <-c.quit:
		return errClosed
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		if w.taken.CompareAndSwap(false, true) {
			return account.Ended(ctx)
		}
		return account.Undecided(ctx)
	case <-c.failure.Done():
		return c.failure.Check()
	case <-c.done:
		return errEnded
	}
}

// The errors of a write after Close, and of a write that was under way when the committer
// ended.
var (
	errClosed = &account.Error{Code: account.Unavailable, Detail: "the store is closed"}
	errEnded  = &account.Error{Code: account.Unknown, Detail: "the store is closed"}
)

// run serves the queue until quit is closed. It is the only goroutine that writes. The
// store has failed if Pebble stops run, or if anything else ends it, such as a panic or a
// function of a caller that calls [runtime.Goexit].
func (c *committer) run() {
	defer close(c.done)
	served := false
	defer func() {
		switch p := recover(); {
		case p != nil:
			c.failure.Fail(fmt.Errorf("panic: %v", p))
		case !served:
			c.failure.Fail(errors.New("a caller's function has ended the goroutine that writes"))
		}
	}()
	for calls := c.take(); calls != nil; calls = c.take() {
		c.serve(calls)
	}
	served = true
}

// take waits for a call and returns it with the calls behind it. It returns nil once quit
// is closed.
func (c *committer) take() []*call {
	first := c.next()
	if first == nil {
		return nil
	}
	calls, size := []*call{first}, first.size
	for c.held == nil && !c.limit.full() { // a held call comes before those in the queue
		select {
		case next := <-c.queue:
			if size += next.size; size > maxGroupBytes {
				c.held = next
			} else {
				calls = append(calls, next)
			}
		default:
			return calls
		}
	}
	return calls
}

// next waits for a call, and returns nil once quit is closed. Calls of the flusher come
// first, and are the only ones while the journal is full, because they shorten it.
func (c *committer) next() *call {
	select {
	case first := <-c.flushes:
		return first
	default:
	}
	queue := c.queue
	switch {
	case c.limit.full():
		queue = nil
		c.wait()
	case c.held != nil:
		first := c.held
		c.held = nil
		return first
	}
	select {
	case first := <-queue:
		return first
	case first := <-c.flushes:
		return first
	case <-c.quit:
		return nil
	}
}

// served records that no caller is kept waiting, unless the journal is full.
func (c *committer) served() {
	if !c.limit.full() {
		c.busy.Store(0)
	}
}

// wait records that callers are kept waiting.
func (c *committer) wait() { c.busy.CompareAndSwap(0, max(1, int64(time.Since(c.start)))) }

// serve decides calls, makes the outcome durable and reports it to the callers. It does
// nothing once the store has failed: the last group may be on the disk, and another one
// would overwrite its part of the journal.
func (c *committer) serve(calls []*call) {
	if c.failure.Check() != nil {
		return // the callers get the error of the failure
	}
	c.wait()
	defer c.served()
	size := 0
	for _, w := range calls {
		size += w.size
	}
	c.group.reset(size)
	for _, w := range calls {
		w.err = c.decide(w)
	}
	err := c.commit()
	for _, w := range calls {
		if err != nil {
			w.err = err
		}
		close(w.done)
	}
}

func (c *committer) decide(w *call) error {
	if w.taken.CompareAndSwap(false, true) {
		return w.decide(c.group)
	}
	return nil // its caller has given up
}

// commit makes the group durable and then visible. If anything fails, the outcome is
// unknown and the store has failed: further decisions would rest on a table that may
// differ from the disk.
func (c *committer) commit() error {
	b, err := c.group.batch()
	if err == nil && !b.Empty() {
		err = c.apply(b)
	}
	if err != nil {
		c.failure.Fail(err)
	}
	if err := c.failure.Check(); err != nil {
		return err
	}
	added := c.group.commit()
	var snap *snapshot
	if c.group.changedTables() {
		snap = newSnapshot(c.db)
	}
	c.view.advance(added, snap, max(c.group.flushed, c.group.flushTo), c.group.publish)
	c.limit.set(c.group.unflushed())
	c.pacer.Committed()
	return b.Close()
}

// apply writes b. A hook of tests can fail it before or after the write.
func (c *committer) apply(b *pebble.Batch) error {
	if c.hook == nil {
		return c.db.Apply(b, c.sync)
	}
	if err := c.hook(false); err != nil {
		return err
	}
	return errors.Join(c.db.Apply(b, c.sync), c.hook(true))
}

// stuck returns how long callers have been kept waiting.
func (c *committer) stuck() time.Duration {
	began := time.Duration(c.busy.Load())
	if began == 0 {
		return 0
	}
	return time.Since(c.start) - began
}
