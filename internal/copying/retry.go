package copying

import (
	"context"
	"iter"
	"sync"
	"time"

	"rollcall/internal/account"
)

// Limits of retries.
const (
	callLimit  = 30 * time.Second // of one attempt
	firstPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// A patience decides how long to wait for a store that is unavailable.
type patience struct {
	limit   time.Duration // since the last success
	name    string        // of the store
	tracker *tracker

	began time.Time // zero while the store is available
	pause time.Duration
}

// again waits before the next attempt. It reports false if the store has been unavailable
// for too long, or if ctx has ended.
func (p *patience) again(ctx context.Context) bool {
	if p.began.IsZero() {
		p.began, p.pause = time.Now(), firstPause
	}
	if time.Since(p.began) > p.limit {
		return false
	}
	p.tracker.note("waiting for " + p.name)
	t := time.NewTimer(p.pause)
	defer t.Stop()
	p.pause = min(2*p.pause, mostPause)
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// over records that the store is available.
func (p *patience) over() {
	if !p.began.IsZero() {
		p.began = time.Time{}
		p.tracker.note("")
	}
}

// read runs a read until it succeeds, as long as the store is unavailable.
func (p patience) read(ctx context.Context, read func() error) error {
	defer p.over()
	for {
		err := read()
		if account.CodeOf(err) != account.Unavailable || !p.again(ctx) {
			return err
		}
	}
}

// patient returns the patience with a store of the copy.
func (c *copier) patient(name string) patience {
	return patience{limit: c.Wait, name: name, tracker: &c.tracker}
}

// patient returns the patience with the store of r.
func (r *reader) patient() patience {
	return patience{limit: r.wait, name: r.name, tracker: r.tracker}
}

// persist runs a write until it succeeds, as long as the destination is unavailable, the
// outcome is unknown, or a condition is not met: every write of a copy may be applied twice.
// It returns when ctx ends, but does not cut an attempt off.
func (c *copier) persist(ctx context.Context, write func(context.Context) error) error {
	p := c.patient(c.ToName)
	defer p.over()
	for {
		if err := account.Ended(ctx); err != nil {
			return err
		}
		err := attempt(ctx, write)
		switch account.CodeOf(err) {
		case account.Unavailable, account.Unknown, account.Stale:
			if p.again(ctx) {
				continue
			}
		}
		return err
	}
}

// write is persist for a write of a lane, unless a later run has begun. The write must
// contain held, so that the store refuses it when that happens meanwhile.
func (c *copier) write(ctx context.Context, lane int, write func(ctx context.Context, held account.Write) error) error {
	return c.persist(ctx, func(ctx context.Context) error {
		held, err := c.hold(ctx, lane)
		if err != nil {
			return err
		}
		return write(ctx, held)
	})
}

func attempt(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	defer cancel()
	return write(ctx)
}

// rows returns the accounts and deleted ids of an app after an id, each valid until the
// next one is asked for. While the store is unavailable, it waits, and then goes on after
// the last row.
func rows(ctx context.Context, x account.Exporter, app account.AppID, after account.UserID, p patience) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		last := []byte(after)
		for {
			var failed error
			for e, err := range x.Export(ctx, app, account.ExportQuery{Gone: true, After: account.UserID(last)}) {
				if failed = err; err != nil {
					break
				}
				p.over()
				last = append(last[:0], e.ID...)
				if !yield(e, nil) {
					return
				}
			}
			if failed == nil {
				p.over()
				return
			}
			if account.CodeOf(failed) != account.Unavailable || ctx.Err() != nil || !p.again(ctx) {
				yield(nil, failed)
				return
			}
		}
	}
}

// A tracker reports how far a copy is. It is safe for concurrent use.
type tracker struct {
	report func(State)

	mu    sync.Mutex
	state State
}

// add adds rows that are done.
func (t *tracker) add(rows int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Rows += rows
	t.report(t.state)
}

func (t *tracker) note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.Note != text {
		t.state.Note = text
		t.report(t.state)
	}
}
