package checked

import (
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
