package copying

import (
	"context"
	"errors"
	"slices"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// The accounts of an app are read by one goroutine, in the order of their ids, and go in
// batches to the lanes in turn. A lane is a goroutine that writes its batches one after the
// other, so an engine gets as many writes at once as there are lanes. Each commit contains
// the CopyPart of its lane. After a crash, everything up to the smallest id of the lanes is
// there, and the copy goes on after it.

// spacesPerCommit is how many spaces a commit creates.
const spacesPerCommit = 20

// copyAccounts copies the accounts and deleted ids of all apps.
func (c *copier) copyAccounts(ctx context.Context) error {
	parts, err := c.parts(ctx)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(c.source.apps), func(a sourceApp) bool { return parts.done(a.id) })
	for some := range slices.Chunk(left, spacesPerCommit) {
		var commit account.Commit
		for _, a := range some { // without admins, so no account is created
			commit.Spaces = append(commit.Spaces, account.Space{App: a.id, Now: c.state.Begun})
		}
		if err := c.commit(ctx, commit); err != nil {
			return err
		}
		for _, a := range some {
			if err := c.copyApp(ctx, a.id, parts[a.id]); err != nil {
				return err
			}
		}
	}
	return nil
}

// partsOf contains the parts of apps, by app.
type partsOf map[account.AppID][]*records.CopyPart

// parts returns the parts that an earlier run has stored.
func (c *copier) parts(ctx context.Context) (partsOf, error) {
	all, err := c.allParts(ctx)
	if err != nil {
		return nil, err
	}
	parts := partsOf{}
	for _, p := range all {
		parts[p.App] = append(parts[p.App], p)
	}
	for _, a := range c.source.apps {
		if parts.done(a.id) {
			c.tracker.add(parts[a.id][0].Rows)
		}
	}
	return parts, nil
}

// allParts returns the parts in the destination.
func (c *copier) allParts(ctx context.Context) (ps []*records.CopyPart, err error) {
	err = c.patient(c.ToName).read(ctx, func() error {
		ps, err = records.CopyParts(ctx, c.To)
		return err
	})
	return ps, err
}

// done reports whether an app is copied.
func (ps partsOf) done(app account.AppID) bool { return len(ps[app]) > 0 && ps[app][0].Done }

// start returns the part after which an app goes on: the one with the smallest id. The
// parts of all lanes are created in one commit.
func start(app account.AppID, parts []*records.CopyPart) records.CopyPart {
	if len(parts) == 0 {
		return records.CopyPart{App: app}
	}
	first := *slices.MinFunc(parts, func(a, b *records.CopyPart) int { return slices.Compare(a.After, b.After) })
	return records.CopyPart{App: app, After: first.After, Rows: first.Rows}
}

// copyApp copies an app from where an earlier run has left it.
func (c *copier) copyApp(ctx context.Context, app account.AppID, parts []*records.CopyPart) error {
	from, err := c.beginApp(ctx, app, parts)
	if err != nil {
		return err
	}
	rows, err := c.pipe(ctx, from)
	if err != nil {
		return err
	}
	done := records.CopyPart{App: app, Rows: rows, Done: true}
	ws := []account.Write{done.Write()}
	for lane := 1; lane < c.Lanes; lane++ {
		ws = append(ws, (&records.CopyPart{App: app, Lane: lane}).Remove())
	}
	return c.load(ctx, ws)
}

// beginApp sets all lanes to where the app goes on. Otherwise a lane that was ahead in an
// earlier run would hide, after another crash, that a batch of this run is missing.
func (c *copier) beginApp(ctx context.Context, app account.AppID, parts []*records.CopyPart) (records.CopyPart, error) {
	lanes := c.Lanes
	for _, p := range parts {
		lanes = max(lanes, p.Lane+1) // an earlier run may have had more
	}
	from := start(app, parts)
	var ws []account.Write
	for lane := range lanes {
		p := from
		p.Lane = lane
		if lane < c.Lanes {
			ws = append(ws, p.Write())
		} else {
			ws = append(ws, p.Remove())
		}
	}
	c.tracker.add(from.Rows)
	return from, c.load(ctx, ws)
}

// pipe copies the rows of an app after a part. It returns the number of all rows of the
// app.
func (c *copier) pipe(ctx context.Context, from records.CopyPart) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &pipe{copier: c, from: from, spare: make(chan *batch, 2*c.Lanes+1)}
	for range cap(p.spare) {
		p.spare <- nil // created when it is needed
	}
	var wg sync.WaitGroup
	for lane := range c.Lanes {
		full := make(chan *batch, 1)
		p.lanes = append(p.lanes, full)
		wg.Go(func() {
			if err := p.lane(ctx, lane, full); err != nil {
				cancel(err)
			}
		})
	}
	rows, err := p.read(ctx)
	for _, full := range p.lanes {
		close(full)
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause // a lane has failed
	}
	return rows, err
}

// A pipe copies the rows of one app.
type pipe struct {
	*copier
	from  records.CopyPart
	lanes []chan *batch
	spare chan *batch // batches that nobody uses
}

// read reads the rows and passes them to the lanes. It returns the number of all rows of
// the app.
func (p *pipe) read(ctx context.Context) (int64, error) {
	f := &feeder{pipe: p, rows: p.from.Rows}
	for e, err := range rows(ctx, p.exporter, p.from.App, account.UserID(p.from.After), p.patient(p.FromName)) {
		if err == nil {
			err = f.feed(ctx, e)
		}
		if err != nil {
			return f.rows, err
		}
	}
	return f.rows, f.send(ctx)
}

// A feeder fills batches and passes them to the lanes in turn.
type feeder struct {
	*pipe
	b    *batch // nil if none was begun
	turn int
	rows int64 // of the app
}

func (f *feeder) feed(ctx context.Context, e *account.Exported) error {
	if f.b == nil {
		if err := f.take(ctx); err != nil {
			return err
		}
	}
	f.b.add(e)
	f.rows++
	if f.b.full(f.Options.rows) {
		return f.send(ctx)
	}
	return nil
}

// take waits for a batch.
func (f *feeder) take(ctx context.Context) error {
	select {
	case f.b = <-f.spare:
		if f.b == nil {
			f.b = newBatch()
		}
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

// send passes the batch to the next lane.
func (f *feeder) send(ctx context.Context) error {
	if f.b == nil {
		return nil
	}
	f.b.upTo = f.rows
	select {
	case f.lanes[f.turn%len(f.lanes)] <- f.b:
		f.turn++
		f.b = nil
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

// lane writes the batches of a lane.
func (p *pipe) lane(ctx context.Context, lane int, full <-chan *batch) error {
	for b := range full {
		part := records.CopyPart{App: p.from.App, Lane: lane, After: []byte(b.last()), Rows: b.upTo}
		err := p.write(ctx, lane, func(ctx context.Context, held account.Write) error {
			return p.loader.LoadAccounts(ctx, p.from.App, b.rows, []account.Write{held, part.Write()})
		})
		if err != nil {
			return err // nobody may use b again
		}
		p.written.Add(int64(len(b.rows)))
		p.tracker.add(int64(len(b.rows)))
		b.reset()
		p.spare <- b // it has room for all
	}
	return nil
}
