package copying

import (
	"context"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Bounds of a page of records. Records have very different sizes, so the number adapts.
const (
	firstPage = 16
	pageBytes = 1 << 20 // roughly; a page with fewer bytes lets the next one have more records
)

// A pager returns how many records the next page may have.
type pager struct{ limit int }

// next returns the limit after a page with a number of bytes.
func (p *pager) next(bytes int) {
	switch {
	case bytes > pageBytes:
		p.limit = max(1, p.limit/2)
	case bytes < pageBytes/4:
		p.limit = min(2*p.limit, account.MaxListLimit)
	}
}

// bytesOf returns the size of records.
func bytesOf(rs []account.Record) (n int) {
	for _, r := range rs {
		n += len(r.Key) + len(r.Value)
	}
	return n
}

// eachPage calls fn with the records that q selects, some at a time.
func (p patience) eachPage(ctx context.Context, e account.Records, q account.RecordQuery, fn func([]account.Record) error) error {
	for pages := (pager{limit: firstPage}); ; {
		q.Limit = pages.limit
		var page account.RecordPage
		err := p.read(ctx, func() (err error) {
			page, err = e.Records(ctx, q)
			return err
		})
		if err != nil {
			return err
		}
		if len(page.Records) > 0 {
			if err := fn(page.Records); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
		pages.next(bytesOf(page.Records))
	}
}

// copyRecords copies all records but those of apps. The mark says how far they are.
func (c *copier) copyRecords(ctx context.Context) error {
	kinds := slices.DeleteFunc(records.CopiedKinds(), records.IsApp)
	for _, kind := range kinds {
		if kind < c.state.Kind {
			continue
		}
		after := ""
		if kind == c.state.Kind {
			after = string(c.state.After)
		}
		err := c.patient(c.FromName).eachPage(ctx, c.From, account.RecordQuery{Kind: kind, After: after}, func(rs []account.Record) error { return c.writePage(ctx, kind, rs) })
		if err != nil {
			return err
		}
	}
	return nil
}

// writePage writes records of a kind, and how far the records are. A page can have more
// bytes than a commit.
func (c *copier) writePage(ctx context.Context, kind account.Kind, rs []account.Record) error {
	for len(rs) > 0 {
		n, size := 0, 0
		for n < len(rs) && n < account.MaxWrites-2 && (n == 0 || size < account.MaxCommitBytes/4) {
			size += len(rs[n].Key) + len(rs[n].Value)
			n++
		}
		c.state.Kind, c.state.After = kind, []byte(rs[n-1].Key)
		ws := []account.Write{c.state.Write()}
		for _, r := range rs[:n] {
			value, err := c.resealed(kind, r)
			if err != nil {
				return err
			}
			ws = append(ws, account.Write{Kind: kind, Key: r.Key, Value: value, If: account.AnyVersion})
		}
		if err := c.load(ctx, ws); err != nil {
			return err
		}
		c.summary.Records += int64(n)
		rs = rs[n:]
	}
	return nil
}

// resealed returns the value of a record that is not an app. Secrets of webhooks are sealed
// with the keys of the copy, if it has its own.
func (c *copier) resealed(kind account.Kind, rec account.Record) ([]byte, error) {
	if !records.IsWebhook(kind) {
		return rec.Value, nil
	}
	value, sealed, err := records.ResealedWebhook(rec, c.FromKeys, c.ToKeys)
	c.summary.Sealed += sealed
	return value, err
}

// appsPerCommit is how many apps a commit can have. An engine may write many rows for the
// space of each.
const appsPerCommit = 20

// copyApps copies the records of apps together with the admins of their spaces, whose
// accounts are there already.
func (c *copier) copyApps(ctx context.Context) error {
	for _, kind := range records.CopiedKinds() {
		if !records.IsApp(kind) {
			continue
		}
		err := c.patient(c.FromName).eachPage(ctx, c.From, account.RecordQuery{Kind: kind}, func(rs []account.Record) error {
			for some := range slices.Chunk(rs, appsPerCommit) {
				if err := c.writeApps(ctx, some); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) writeApps(ctx context.Context, rs []account.Record) error {
	var commit account.Commit
	size := 0
	for _, rec := range rs {
		r, err := records.ReadAppRecord(rec)
		if err != nil {
			return err
		}
		value := rec.Value
		if c.ToKeys != nil {
			if value, err = r.Resealed(c.FromKeys, c.ToKeys); err != nil {
				return err
			}
		}
		commit.Writes = append(commit.Writes, r.Write(value))
		commit.Spaces = append(commit.Spaces, account.Space{App: r.App.ID, Admins: r.App.Admins, Now: c.state.Begun})
		c.summary.Sealed += r.Sealed()
		if size += len(value); size > account.MaxCommitBytes/4 {
			if err := c.commit(ctx, commit); err != nil {
				return err
			}
			commit, size = account.Commit{}, 0
		}
	}
	c.summary.Records += int64(len(rs))
	return c.commit(ctx, commit)
}

// commit applies a commit. It may be applied twice. No lane may be at work.
func (c *copier) commit(ctx context.Context, commit account.Commit) error {
	if len(commit.Writes)+len(commit.Spaces) == 0 {
		return nil
	}
	return c.write(ctx, 0, func(ctx context.Context, held account.Write) error {
		own := commit
		own.Writes = append(slices.Clip(commit.Writes), held)
		_, err := c.To.Commit(ctx, own)
		return err
	})
}
