package postgres

import (
	"context"
	"strings"
	"time"

	"rollcall/internal/account"
)

// groupItems is the most items of a group of imports, unless one call alone has more.
const groupItems = 800

// mostRounds is how often an id may be repeated in a group. A group with more repetitions
// is decided at once, because each round takes a round trip to the database.
const mostRounds = 8

// An imported is a call of Upsert, or the part of it that belongs to one target.
type imported struct {
	call
	app    account.AppID
	items  []account.Upsert
	policy account.UpsertPolicy

	results []account.UpsertResult
	outbox  outbox

	proposed []internalRange         // by attempts of attemptWhole
	planned  map[account.UserID]bool // what attempts in doubt have created, see recall
}

// Upsert implements [account.Store].
func (s *Store) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	items, err := ownItems(items)
	if err != nil {
		return nil, err
	}
	return s.upsert(ctx, app, items, p)
}

// upsert gives an import to the lanes and waits for its results. A limit is kept in the
// order of the items, and an outbox needs one commit, so such a call is not split.
func (s *Store) upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	parts := s.split(app, len(items), func(i int) account.UserID { return items[i].ID }, p.Outbox != nil || p.Limit > 0)
	calls := make([]*imported, len(parts))
	errs := make([]error, len(parts))
	for k := range parts {
		c := &imported{app: app, items: cut(&parts[k], items), policy: p, results: make([]account.UpsertResult, parts[k].all)}
		c.init(ctx)
		calls[k] = c
		if errs[k] = parts[k].target.imports.submit(ctx, c); errs[k] != nil {
			c.done <- errs[k]
		}
	}
	for k, c := range calls {
		errs[k] = c.wait(false)
	}
	if err := joinErrors(errs); err != nil {
		return nil, err
	}
	results := make([]account.UpsertResult, len(items))
	for k, c := range calls {
		join(&parts[k], results, c.results)
	}
	return results, nil
}

// ownItems returns a copy of items that shares no memory with the caller, because the lanes
// may still use it after the call has returned.
func ownItems(items []account.Upsert) ([]account.Upsert, error) {
	var size int
	for i := range items {
		if !storable(items[i].ID) {
			return nil, errBadID
		}
		size += len(items[i].ID) + len(items[i].Nick) + len(items[i].FaceURL)
	}
	var b strings.Builder
	b.Grow(size)
	own := func(s string) string {
		from := b.Len()
		b.WriteString(s)
		return b.String()[from:]
	}
	out := make([]account.Upsert, len(items))
	for i, u := range items {
		out[i] = account.Upsert{ID: account.UserID(own(string(u.ID))), Nick: own(u.Nick), FaceURL: own(u.FaceURL)}
	}
	return out, nil
}

var (
	errBadID = &account.Error{Code: account.InvalidID, Detail: "the UserID is not text that a database can keep; use printable ASCII"}
	errNoApp = &account.Error{Code: account.NoApp, Detail: "no app has that SDKAppID"}
)

// together reports whether two imports can be in one group. Their tombstones must expire
// at about the same time, because a group has one limit for that.
func together(a, b *imported) bool {
	d := tombstoneBound(a.policy) - tombstoneBound(b.policy)
	return a.app == b.app && a.policy.Limit == b.policy.Limit && -1000 < d && d < 1000
}

// tombstoneBound returns the time in unix milliseconds before which a deletion allows an
// import.
func tombstoneBound(p account.UpsertPolicy) int64 {
	ms := p.TombstoneBefore.UnixMilli()
	if p.TombstoneBefore.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}
