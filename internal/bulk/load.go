package bulk

import (
	"context"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
)

// A loader commits the chunks of one import, in their order.
type loader struct {
	s        *Service
	imp      *records.Import
	progress records.ImportProgress // after the last chunk
}

// A refusal is why a row is rejected.
type refusal struct {
	code   account.Code
	detail string
}

// A part is a chunk that is being committed. The engine can call its functions after the
// call has returned with an unknown outcome, so nobody may use the chunk again then.
type part struct {
	s       *Service
	imp     *records.Import
	chunk   *chunk
	before  records.ImportProgress
	fields  map[int][]account.Field // of rows with tags
	refused map[int]refusal         // rows whose tags break a rule
	items   []int                   // row of each item
	decided []directory.LoadResult  // of each item, by an earlier commit of the call
}

// load commits a chunk. If it returns an error, the stored progress says what is committed.
// With Code Unavailable that is no row, and the same call can be repeated. With another one
// the loader cannot be used any more.
func (l *loader) load(ctx context.Context, c *chunk) error {
	app, err := l.s.app(ctx, l.imp)
	if err != nil {
		return err
	}
	c.seal()
	p := &part{s: l.s, imp: l.imp, chunk: c, before: l.progress}
	p.checkTags(app)
	next, err := p.commit(ctx, app)
	if err != nil {
		l.progress.Created = p.before.Created
		return err
	}
	l.progress = next
	return nil
}

// checkTags applies the rules of tags. A row whose tags break one is not imported.
func (p *part) checkTags(app *account.App) {
	c := p.chunk
	good, item := c.items[:0], 0
	for i := range c.rows {
		if c.rows[i].fault != "" {
			continue
		}
		u := c.items[item]
		item++
		if len(c.tags) > 0 && !p.checkRow(app, i) {
			continue
		}
		good = append(good, u)
		p.items = append(p.items, i)
	}
	c.items = good
	p.decided = make([]directory.LoadResult, len(good))
}

func (p *part) checkRow(app *account.App, i int) bool {
	changes := p.chunk.changes(i)
	if changes == nil {
		return true
	}
	fields, err := p.s.dir.CheckProfile(app, changes)
	if err != nil {
		if p.refused == nil {
			p.refused = map[int]refusal{}
		}
		p.refused[i] = refusal{account.CodeOf(err), account.DetailOf(err)}
		return false
	}
	if p.fields == nil {
		p.fields = map[int][]account.Field{}
	}
	p.fields[i] = fields
	return true
}

// commit commits the rows with the progress after them, and returns it. Tags need a second
// commit. The progress is part of that one, and the first one stores only how many accounts
// it has created: rows that are sent again do not create them again.
func (p *part) commit(ctx context.Context, app *account.App) (records.ImportProgress, error) {
	if p.fields == nil {
		rs, err := p.s.dir.Load(ctx, app, p.chunk.items, func(rs []directory.LoadResult) []account.Write {
			next, rejected := p.after(p.merge(rs))
			return p.imp.ProgressWrites(next, rejected)
		})
		next, _ := p.after(rs)
		return next, err
	}
	rs, err := p.s.dir.Load(ctx, app, p.chunk.items, func(rs []directory.LoadResult) []account.Write {
		created, _ := p.after(p.merge(rs))
		next := p.before
		next.Created, next.At = created.Created, created.At
		return p.imp.ProgressWrites(next, nil)
	})
	if err != nil {
		return records.ImportProgress{}, err
	}
	first, _ := p.after(rs)
	p.before.Created = first.Created
	for i := range rs {
		rs[i].Created = false
	}
	patches, items := p.patches(rs)
	clear(p.decided)
	with := func(codes []account.Code) []directory.LoadResult {
		all := append([]directory.LoadResult(nil), rs...)
		for j, code := range codes {
			all[items[j]].Code = code // Internal for one that another commit contains
		}
		return all
	}
	codes, err := p.s.dir.LoadProfiles(ctx, app, patches, func(codes []account.Code) []account.Write {
		next, rejected := p.after(p.merge(with(codes)))
		return p.imp.ProgressWrites(next, rejected)
	})
	next, _ := p.after(with(codes))
	return next, err
}

// patches returns the patches of imported rows with tags, and the item of each.
func (p *part) patches(rs []directory.LoadResult) (patches []account.Patch, items []int) {
	for item, i := range p.items {
		if fields := p.fields[i]; fields != nil && rs[item].Code == account.OK {
			patches = append(patches, account.Patch{ID: p.chunk.items[item].ID, Fields: fields})
			items = append(items, item)
		}
	}
	return patches, items
}

// merge adds the results of earlier commits of the same call to those of this one. It cuts
// the results behind the last item that this commit contains.
func (p *part) merge(rs []directory.LoadResult) []directory.LoadResult {
	end := len(rs)
	for end > 0 && rs[end-1].Stored && rs[end-1].Code == account.Internal {
		end--
	}
	for i := range rs[:end] {
		if rs[i].Code == account.Internal {
			rs[i] = p.decided[i]
		} else {
			p.decided[i] = rs[i]
		}
	}
	return rs[:end]
}

// after returns the progress after the rows whose results are known, which are those up to
// the first item without one, and the rejections among them.
func (p *part) after(rs []directory.LoadResult) (next records.ImportProgress, rejected []records.Rejection) {
	c := p.chunk
	next = p.before
	next.Row, next.At = c.last, account.Millis(p.s.now())
	item := 0
	for i := range c.rows {
		why, reason := refusal{code: account.OK}, c.rows[i].fault
		switch r, ok := p.refused[i]; {
		case reason != "":
		case ok:
			why = r
		case item == len(rs) || rs[item].Code == account.Internal:
			next.Row = c.rows[i].row - 1
			return next, rejected
		default:
			why = refusal{rs[item].Code, rs[item].Detail}
			if rs[item].Created {
				next.Created++
			}
			item++
		}
		if reason == "" && why.code == account.OK {
			next.Imported++
			continue
		}
		next.Failed++
		if next.Listed == records.MaxListed {
			continue
		}
		next.Listed++
		number := 0
		if reason == "" {
			number, reason = p.s.reason(why.code, why.detail)
		}
		rejected = append(rejected, c.rejection(i, number, reason))
	}
	return next, rejected
}

// A pacer limits the rows per second.
type pacer struct {
	next time.Time // when the next chunk may be committed
}

// took records that n rows were committed at a rate.
func (p *pacer) took(now time.Time, n, rate int64) {
	if rate <= 0 {
		p.next = time.Time{}
		return
	}
	if p.next.Before(now.Add(-time.Second)) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / float64(rate) * float64(time.Second)))
}

// chunkRowsAt returns how many rows a chunk has at a rate: those of half a second.
func (s *Service) chunkRowsAt(rate int64) int64 {
	if rate <= 0 {
		return int64(s.rows)
	}
	return min(max(1, rate/2), int64(s.rows))
}
