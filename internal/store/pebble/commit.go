package pebble

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// Bounds of the committer.
const (
	maxQueue      = 256     // calls that wait
	maxGroupBytes = 1 << 20 // of the calls of a group, but always one call
	slowCommit    = 2 * time.Second
)

// A call is a change that waits for the committer.
type call struct {
	ended  <-chan struct{} // its caller has gone
	size   int             // about as many bytes as it will write
	decide func(*group) error
	err    error         // set before done is closed
	done   chan struct{} // closed when the outcome is durable
}

// A committer makes all changes, one group of calls after the other.
type committer struct {
	db      *pebble.DB
	view    *view
	group   *group
	failure *failure
	sync    *pebble.WriteOptions

	queue chan *call
	held  *call         // taken from the queue, but too large for the group
	done  chan struct{} // closed when run has ended

	start time.Time
	busy  atomic.Int64 // when the group under way began, since start; 0: none
}

// submit runs decide in the committer and waits until its changes are durable,
// ctx ends or the store fails. After the latter two decide may still run: it
// must not touch what belongs to the caller.
func (c *committer) submit(ctx context.Context, size int, decide func(*group) error) error {
	w := &call{ended: ctx.Done(), size: size, decide: decide, done: make(chan struct{})}
	select {
	case c.queue <- w:
	case <-ctx.Done():
		return account.Ended(ctx)
	case <-c.failure.ch:
		return c.failure.err
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return account.Ended(ctx)
	case <-c.failure.ch:
		return c.failure.err
	}
}

// run serves the queue until it is closed. It is the one goroutine that writes;
// if Pebble ends it or panics, the store has failed.
func (c *committer) run() {
	defer close(c.done)
	finished := false
	defer func() {
		if p := recover(); p != nil {
			c.failure.fail(fmt.Errorf("panic: %v", p))
		} else if !finished {
			c.failure.fail(errGaveUp)
		}
	}()
	for calls := c.take(); calls != nil; calls = c.take() {
		c.serve(calls)
	}
	finished = true
}

// take waits for a call and returns it with those that wait behind it, or nil
// when the queue is closed and empty.
func (c *committer) take() []*call {
	first := c.held
	c.held = nil
	if first == nil {
		if first = <-c.queue; first == nil {
			return nil
		}
	}
	calls, size := []*call{first}, first.size
	for {
		select {
		case next := <-c.queue:
			if next == nil {
				return calls
			}
			if size += next.size; size > maxGroupBytes {
				c.held = next
				return calls
			}
			calls = append(calls, next)
		default:
			return calls
		}
	}
}

// serve decides calls, makes the outcome durable and answers them.
func (c *committer) serve(calls []*call) {
	c.busy.Store(max(1, int64(time.Since(c.start))))
	defer c.busy.Store(0)
	c.group.reset()
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
	select {
	case <-w.ended:
		return &account.Error{Code: account.Unavailable} // nobody reads it
	default:
		return w.decide(c.group)
	}
}

// commit makes the group durable and then visible. Whatever goes wrong, the
// outcome is unknown, and the store has failed: it must not decide further
// changes on a table that may not be what the disk holds.
func (c *committer) commit() error {
	b, err := c.group.batch()
	if err == nil && !b.Empty() {
		err = c.db.Apply(b, c.sync)
	}
	if err != nil {
		c.failure.fail(err)
	}
	if err := c.failure.check(); err != nil {
		return err
	}
	if b.Empty() {
		return b.Close()
	}
	c.view.advance(c.group.publish)
	return b.Close()
}

// stuck returns for how long the group under way has kept everyone waiting.
func (c *committer) stuck() time.Duration {
	began := time.Duration(c.busy.Load())
	if began == 0 {
		return 0
	}
	return time.Since(c.start) - began
}
