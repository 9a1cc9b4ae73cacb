package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
)

// A call is a call that waits to be combined with others.
type call struct {
	ctx   context.Context
	state atomic.Int32
	done  chan error // receives the outcome
}

// States of a call.
const (
	waiting   int32 = iota
	taken           // a lane works on it
	abandoned       // its caller has gone, nothing was changed
)

func (c *call) init(ctx context.Context) { c.ctx, c.done = ctx, make(chan error, 1) }

// take reports whether the caller still waits for c. The lane then owes c an outcome.
func (c *call) take() bool {
	if c.ctx.Err() != nil && c.state.CompareAndSwap(waiting, abandoned) {
		c.done <- account.Ended(c.ctx)
	}
	return c.state.CompareAndSwap(waiting, taken)
}

// wait returns the outcome of c. reads says that c changes nothing.
func (c *call) wait(reads bool) error {
	select {
	case err := <-c.done:
		return err
	case <-c.ctx.Done():
	}
	if c.state.CompareAndSwap(waiting, abandoned) || c.state.Load() == abandoned || reads {
		return account.Ended(c.ctx)
	}
	return account.Undecided(c.ctx)
}

// A combiner passes calls to lanes. Each lane works on a group of calls at a time: those
// that wait when it becomes free. A single call thus never waits for others.
type combiner[C interface{ take() bool }] struct {
	queue chan C
	most  int                      // cost of a group, unless its first call alone costs more
	cost  func(C) int              // of a call
	fits  func(first, next C) bool // whether two calls can be in one group
	work  func([]C)

	gate   sync.RWMutex // held for reading by calls that wait for a place in the queue
	closed bool
}

// queued is how many calls a combiner keeps for its lanes. Further callers wait.
const queued = 64

// submit passes c to a lane, unless ctx ends first.
func (b *combiner[C]) submit(ctx context.Context, c C) error {
	b.gate.RLock()
	defer b.gate.RUnlock()
	if b.closed {
		return errClosed
	}
	select {
	case b.queue <- c:
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

// errClosed is the error of a call that comes after Close has begun.
var errClosed = &account.Error{Code: account.Unavailable, Detail: "the server is shutting down; retry"}

// close ends the lanes after the calls that are under way.
func (b *combiner[C]) close() {
	b.gate.Lock()
	defer b.gate.Unlock()
	b.closed = true
	close(b.queue)
}

// lane works on groups until the queue is closed.
func (b *combiner[C]) lane() {
	var next C
	var has bool
	for {
		if !has {
			if next, has = <-b.queue; !has {
				return
			}
		}
		var group []C
		group, next, has = b.collect(next)
		if len(group) > 0 {
			b.work(group)
		}
	}
}

// collect returns the group that begins with first, and the call of the next group if it
// was read already.
func (b *combiner[C]) collect(first C) (group []C, next C, has bool) {
	var none C
	if !first.take() {
		return nil, none, false
	}
	group = append(group, first)
	for size := b.cost(first); size < b.most; {
		select {
		case c, ok := <-b.queue:
			switch {
			case !ok:
				return group, none, false
			case !b.fits(first, c) || size+b.cost(c) > b.most:
				return group, c, true
			case c.take():
				group = append(group, c)
				size += b.cost(c)
			}
		default:
			return group, none, false
		}
	}
	return group, none, false
}
