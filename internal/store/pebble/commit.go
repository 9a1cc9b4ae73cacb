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

// Bounds of the committer.
const (
	maxQueue      = 256     // calls that wait
	maxGroupBytes = 1 << 20 // of the calls of a group, but always one call
	slowCommit    = 2 * time.Second
)

// A call is a change that waits for the committer.
type call struct {
	taken  atomic.Bool // by the committer, which decides it, or by its caller, who has gone
	size   int         // about as many bytes as it will write
	decide func(*group) error
	err    error         // set before done is closed
	done   chan struct{} // closed when the outcome is durable
}

// A committer makes all changes, one group of calls after the other.
type committer struct {
	db      *pebble.DB
	view    *view
	group   *group
	failure *guard.Failure
	sync    *pebble.WriteOptions
	hook    func(written bool) error // tests: before and after each commit

	queue   chan *call
	quit    chan struct{} // closed when nobody waits for an answer any more
	held    *call         // taken from the queue, but too large for the group
	limit   *journalLimit // what the journal may hold
	flushes chan *call    // the flusher's calls, which make room
	pacer   *guard.Pacer  // told of every commit
	done    chan struct{} // closed when run has ended

	start time.Time
	busy  atomic.Int64 // when the group under way began, since start; 0: none
}

// submit runs decide in the committer and waits until its changes are durable,
// ctx ends or the store fails. If ctx ends first, decide does not run any more, and the
// error has Code Unavailable. If ctx ends or the store fails while decide runs, it goes
// on: it must not touch what belongs to the caller.
func (c *committer) submit(ctx context.Context, size int, decide func(*group) error) error {
	return c.send(ctx, c.queue, &call{size: size, decide: decide})
}

// submitFlush runs decide in the committer, also when the journal is full.
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

// What a write answers that comes after Close, or was under way when the committer ended.
var (
	errClosed = &account.Error{Code: account.Unavailable, Detail: "the store is closed"}
	errEnded  = &account.Error{Code: account.Unknown, Detail: "the store is closed"}
)

// run serves the queue until quit is closed. It is the one goroutine that writes. The
// store has failed if Pebble stops it, or if anything else ends it, such as a panic or a
// caller's function that calls [runtime.Goexit].
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

// take waits for a call and returns it with those that wait behind it, or nil
// when it is time to end.
func (c *committer) take() []*call {
	first := c.next()
	if first == nil {
		return nil
	}
	calls, size := []*call{first}, first.size
	for !c.limit.full() {
		select {
		case next := <-c.queue:
			if size += next.size; size > maxGroupBytes {
				c.held = next
				return calls
			}
			calls = append(calls, next)
		default:
			return calls
		}
	}
	return calls
}

// next waits for a call, or returns nil when it is time to end. The flusher's
// come first, and alone while the journal is full: they make room.
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

// served notes that callers are no longer kept waiting, unless the journal is full.
func (c *committer) served() {
	if !c.limit.full() {
		c.busy.Store(0)
	}
}

// wait notes that callers are kept waiting.
func (c *committer) wait() { c.busy.CompareAndSwap(0, max(1, int64(time.Since(c.start)))) }

// serve decides calls, makes the outcome durable and answers them.
func (c *committer) serve(calls []*call) {
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
	return nil // nobody reads it
}

// commit makes the group durable and then visible. Whatever goes wrong, the
// outcome is unknown, and the store has failed: it must not decide further
// changes on a table that may not be what the disk holds.
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
	c.view.advance(added, snap, c.group.flushed, c.group.publish)
	c.limit.set(c.group.unflushed())
	c.pacer.Committed()
	return b.Close()
}

// apply writes b. Tests let it fail before or after that.
func (c *committer) apply(b *pebble.Batch) error {
	if c.hook == nil {
		return c.db.Apply(b, c.sync)
	}
	if err := c.hook(false); err != nil {
		return err
	}
	return errors.Join(c.db.Apply(b, c.sync), c.hook(true))
}

// stuck returns for how long the group under way has kept everyone waiting.
func (c *committer) stuck() time.Duration {
	began := time.Duration(c.busy.Load())
	if began == 0 {
		return 0
	}
	return time.Since(c.start) - began
}
