package storetest

import (
	"fmt"

	"rollcall/internal/account"
)

// appendCodes returns an outbox that appends a record with the codes of its call.
func appendCodes(prefix string) func([]account.Code) []account.Write {
	return func(cs []account.Code) []account.Write { return []account.Write{add(prefix, fmt.Sprint(cs))} }
}

// appendResults is appendCodes for imports.
func appendResults(prefix string) func([]account.UpsertResult) []account.Write {
	return func(rs []account.UpsertResult) []account.Write { return appendCodes(prefix)(codes(rs)) }
}

// outbox checks the records that outboxes have appended to a prefix: one for each list of
// codes in want.
func (v *env) outbox(prefix string, want ...[]account.Code) {
	v.Helper()
	got := []string{}
	for _, r := range v.records(account.RecordQuery{Kind: kind, Prefix: prefix, Limit: account.MaxListLimit}).Records {
		got = append(got, string(r.Value))
		if r.Key != account.AppendedKey(prefix, r.Version) {
			v.Errorf("the key %q of version %d", r.Key, r.Version)
		}
	}
	all := []string{}
	for _, cs := range want {
		all = append(all, fmt.Sprint(cs))
	}
	v.equal("outbox "+prefix, got, all)
}

// testOutbox writes records together with each kind of change.
func testOutbox(v *env) {
	v.open(app, "admin")
	before := v.write()
	up := account.UpsertPolicy{Now: now, Limit: 3, Outbox: appendResults("u/")}
	rs := v.upsert(app, up, items("a", "b", "c")...)
	v.equal("codes", codes(rs), []account.Code{account.OK, account.OK, account.QuotaFull})
	v.outbox("u/", codes(rs))
	p := account.ChangePolicy{Now: now, Outbox: appendCodes("c/")}
	cs, err := v.e.Update(v.Context(), app, []account.Patch{{ID: "a", Kicked: 1}, {ID: "nobody", Kicked: 1}}, p)
	v.equal("Update", err, error(nil))
	p.Outbox = appendCodes("d/")
	ds, err := v.e.Delete(v.Context(), app, []account.UserID{"a", "admin", "nobody"}, p)
	v.equal("Delete", err, error(nil))
	v.outbox("c/", cs)
	v.outbox("d/", ds)
	if after := v.write(); after < before+4 {
		v.Errorf("the number %d follows %d and three outboxes", after, before)
	}
}

// testOutboxResults checks that an outbox gets all results, and that it cannot change
// those of the caller.
func testOutboxResults(v *env) {
	var got []account.UpsertResult
	p := free
	p.Outbox = func(rs []account.UpsertResult) []account.Write {
		got = append(got, rs...)
		clear(rs)
		return nil
	}
	rs := v.upsert(app, p, items("a", "b", "a")...)
	v.equal("results", got, rs)
	v.upsert(app, p)
	v.equal("results of an empty batch", got, rs)
}

// testOutboxEmpty uses outboxes that write nothing, or remove a record that does not exist.
func testOutboxEmpty(v *env) {
	p := free
	p.Outbox = func([]account.UpsertResult) []account.Write { return nil }
	before := v.e.Changes(kind)
	v.upsert(app, p, items("a")...)
	p.Outbox = func([]account.UpsertResult) []account.Write { return []account.Write{drop("none", account.AnyVersion)} }
	v.upsert(app, p, items("a")...)
	if page := v.records(account.RecordQuery{Kind: kind, Limit: 9}); len(page.Records) != 0 {
		v.Errorf("outboxes without a record left %+v", page.Records)
	}
	v.count(app, 1)
	if n := v.e.Changes(kind); n == before {
		v.Errorf("Changes = %d after a removal, unchanged", n)
	}
}

// testOutboxRefused checks that a call without a space calls no outbox, and that an
// outbox gets the codes of refused items.
func testOutboxRefused(v *env) {
	p := free
	p.Outbox = appendResults("u/")
	if _, err := v.e.Upsert(v.Context(), 7, items("a"), p); account.CodeOf(err) != account.NoApp {
		v.Errorf("Upsert without a space: %v", err)
	}
	v.outbox("u/")
	rs := v.upsert(app, account.UpsertPolicy{Now: now, Limit: 1, Outbox: appendResults("u/")}, items("a", "b")...)
	v.outbox("u/", codes(rs))
	rs = v.upsert(app, account.UpsertPolicy{Now: now, Limit: 1, Outbox: appendResults("v/")}, items("c")...)
	v.equal("codes", codes(rs), []account.Code{account.QuotaFull})
	v.outbox("v/", codes(rs)) // all its items are refused
}

// testOutboxBroken uses outboxes that panic or return invalid writes. The call fails, and
// the engine continues to work.
func testOutboxBroken(v *env) {
	for name, fn := range map[string]func([]account.UpsertResult) []account.Write{
		"panic":     func([]account.UpsertResult) []account.Write { panic("broken") },
		"condition": func([]account.UpsertResult) []account.Write { return []account.Write{put("k", "v", 0)} },
		"no key":    func([]account.UpsertResult) []account.Write { return []account.Write{put("", "v", account.AnyVersion)} },
	} {
		p := free
		p.Outbox = fn
		if _, err := v.e.Upsert(v.Context(), app, items("a"), p); account.CodeOf(err) != account.Internal {
			v.Errorf("%s: %v, want Code internal", name, err)
		}
		p.Outbox = appendResults(name + "/")
		v.outbox(name+"/", codes(v.upsert(app, p, items("b")...)))
	}
	if page := v.records(account.RecordQuery{Kind: kind, Prefix: "k", Limit: 9}); len(page.Records) != 0 {
		v.Errorf("a record of a broken outbox: %+v", page.Records)
	}
	v.status(app, "a")
}
