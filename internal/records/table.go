package records

import (
	"context"
	"sync/atomic"

	"rollcall/internal/account"
)

// A table caches the decoded records of a kind in memory. The cache is valid as long as
// [account.Records.Changes] stays the same. A value that the table has returned is never
// changed.
type table[K comparable, T any] struct {
	e       account.Records
	kind    account.Kind
	parse   func(key string) (K, error)
	decode  func(value []byte) (T, error)
	loading chan struct{} // semaphore of the caller that loads
	loads   atomic.Uint64 // that have begun
	loaded  atomic.Pointer[rows[K, T]]
}

// rows are the records of a kind at one value of Changes.
type rows[K comparable, T any] struct {
	changes uint64
	load    uint64 // its number
	order   []K    // in the order of the engine's keys
	by      map[K]row[T]
}

// A row is a record. If it cannot be decoded, it has an error, and other rows remain
// usable.
type row[T any] struct {
	version uint64
	value   T
	err     error
}

func newTable[K comparable, T any](e account.Records, kind account.Kind, parse func(string) (K, error), decode func([]byte) (T, error)) *table[K, T] {
	return &table[K, T]{e: e, kind: kind, parse: parse, decode: decode, loading: make(chan struct{}, 1)}
}

// get returns the record of k, or false if there is none.
func (t *table[K, T]) get(ctx context.Context, k K) (T, bool, error) {
	rs, err := t.rows(ctx)
	if err != nil {
		var none T
		return none, false, err
	}
	r, ok := rs.by[k]
	return r.value, ok, r.err
}

// all returns every record in the order of keys.
func (t *table[K, T]) all(ctx context.Context) ([]T, error) {
	rs, err := t.rows(ctx)
	if err != nil {
		return nil, err
	}
	values := make([]T, len(rs.order))
	for i, k := range rs.order {
		if err := rs.by[k].err; err != nil {
			return nil, err
		}
		values[i] = rs.by[k].value
	}
	return values, nil
}

// rows returns the current records. If they have changed, one of the concurrent callers
// loads them and the others wait. A load that has begun after a call counts for the call,
// even if the engine cannot tell whether the records have changed since.
func (t *table[K, T]) rows(ctx context.Context) (*rows[K, T], error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	if rs := t.current(); rs != nil {
		return rs, nil
	}
	before := t.loads.Load()
	select {
	case t.loading <- struct{}{}:
		defer func() { <-t.loading }()
	case <-ctx.Done():
		return nil, account.Ended(ctx)
	}
	if rs := t.current(); rs != nil {
		return rs, nil
	}
	if rs := t.loaded.Load(); rs != nil && rs.load > before {
		return rs, nil
	}
	rs, err := t.load(ctx)
	if err == nil {
		t.loaded.Store(rs)
	}
	return rs, err
}

// current returns the loaded rows, or nil if a commit has changed the kind since.
func (t *table[K, T]) current() *rows[K, T] {
	rs := t.loaded.Load()
	if rs == nil || rs.changes != t.e.Changes(t.kind) {
		return nil
	}
	return rs
}

// load lists the records of the kind and decodes those that have changed since the last
// load. It reads Changes before the records. After a commit in between, the next call
// therefore loads again.
func (t *table[K, T]) load(ctx context.Context) (*rows[K, T], error) {
	last := t.loaded.Load()
	next := &rows[K, T]{load: t.loads.Add(1), changes: t.e.Changes(t.kind), by: map[K]row[T]{}}
	for q := (account.RecordQuery{Kind: t.kind, Limit: account.MaxListLimit}); ; {
		page, err := t.e.Records(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			k, err := t.parse(rec.Key)
			if err != nil {
				return nil, err
			}
			next.order = append(next.order, k)
			next.by[k] = t.row(last, k, rec)
		}
		if q.After = page.Next; q.After == "" {
			return next, nil
		}
	}
}

// row returns the row of a record. It returns the row of the last load if that has the
// same version.
func (t *table[K, T]) row(last *rows[K, T], k K, rec account.Record) row[T] {
	if last != nil {
		if r, ok := last.by[k]; ok && r.version == rec.Version {
			return r
		}
	}
	r := row[T]{version: rec.Version}
	if r.value, r.err = t.decode(rec.Value); r.err != nil && account.CodeOf(r.err) == account.Internal && account.DetailOf(r.err) == "" {
		r.err = damaged(t.kind, rec.Key, r.err)
	}
	return r
}
