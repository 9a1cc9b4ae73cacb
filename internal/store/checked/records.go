package checked

import (
	"bytes"
	"context"
	"strings"

	"rollcall/internal/account"
)

// Record implements [account.Records].
func (c *engine) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	r, err := c.Engine.Record(ctx, kind, key)
	fault("Record", err, account.NoRecord)
	if err != nil {
		broken(r.Key == "" && r.Value == nil && r.Version == 0, "Record", "a record beside the error %v", err)
		return r, err
	}
	broken(r.Key == key, "Record", "%q in the place of %q", r.Key, key)
	sound("Record", r)
	return r, nil
}

// RecordsAt implements [account.Records].
func (c *engine) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	const method = "RecordsAt"
	broken(len(keys) <= account.MaxListLimit, method, "the caller gave %d keys", len(keys))
	rs, err := c.Engine.RecordsAt(ctx, kind, keys)
	fault(method, err)
	length(method, len(rs), len(keys), err)
	first := make(map[string]account.Record, len(rs))
	for i, r := range rs {
		broken(r.Key == keys[i], method, "%q in the place of %q", r.Key, keys[i])
		if r.Version == 0 {
			broken(r.Value == nil, method, "%q has no version but a value", r.Key)
		} else {
			sound(method, r)
		}
		if f, again := first[r.Key]; again {
			broken(f.Version == r.Version && bytes.Equal(f.Value, r.Value), method, "%q has versions %d and %d", r.Key, f.Version, r.Version)
			broken(!shared(f.Value, r.Value), method, "two values of %q share memory", r.Key)
		}
		first[r.Key] = r
	}
	return rs, err
}

// shared reports whether a and b begin at the same byte of memory.
func shared(a, b []byte) bool { return cap(a) > 0 && cap(b) > 0 && &a[:1][0] == &b[:1][0] }

// sound checks a single record.
func sound(method string, r account.Record) {
	broken(r.Version != 0 && r.Version != account.AnyVersion, method, "%q has version %d", r.Key, r.Version)
	broken(r.Value != nil, method, "%q has no value", r.Key)
	broken(r.Key != "" && len(r.Key) <= account.MaxRecordKey, method, "a key has %d bytes", len(r.Key))
}

// Records implements [account.Records].
func (c *engine) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	const method = "Records"
	broken(1 <= q.Limit && q.Limit <= account.MaxListLimit, method, "the caller gave limit %d", q.Limit)
	page, err := c.Engine.Records(ctx, q)
	fault(method, err)
	rs := page.Records
	if err != nil {
		length(method, len(rs), 0, err)
		return page, err
	}
	broken(len(rs) <= q.Limit, method, "%d records exceed the limit %d", len(rs), q.Limit)
	last := q.After
	for _, r := range rs {
		sound(method, r)
		broken(strings.HasPrefix(r.Key, q.Prefix), method, "%q lacks the prefix %q", r.Key, q.Prefix)
		inOrder := last == "" || q.Reverse && r.Key < last || !q.Reverse && r.Key > last
		broken(inOrder, method, "%q is out of order after %q", r.Key, last)
		last = r.Key
	}
	if page.Next != "" {
		broken(len(rs) == q.Limit && page.Next == last, method, "Next %q does not end a full page", page.Next)
	}
	return page, nil
}

// Commit implements [account.Records].
func (c *engine) Commit(ctx context.Context, commit account.Commit) (uint64, error) {
	const method = "Commit"
	valid := commit.Validate()
	newest, before := c.newest.Load(), map[account.Kind]uint64{}
	for _, w := range commit.Writes {
		before[w.Kind] = c.Engine.Changes(w.Kind)
	}
	number, err := c.Engine.Commit(ctx, commit)
	fault(method, err, account.Stale, account.Conflict, account.BadParameter, account.Unknown)
	if err != nil {
		broken(number == 0, method, "the number %d beside the error %v", number, err)
		return number, err
	}
	broken(valid == nil, method, "a commit that breaks a rule was applied: %v", valid)
	broken(number > newest, method, "the number %d follows %d", number, newest)
	for kind, n := range before {
		broken(c.Engine.Changes(kind) != n, method, "Changes does not report the commit of kind %d", kind)
	}
	for { // keep the greatest
		if old := c.newest.Load(); number <= old || c.newest.CompareAndSwap(old, number) {
			return number, nil
		}
	}
}
