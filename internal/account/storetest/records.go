package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"

	"rollcall/internal/account"
)

// Kinds of the suite.
const (
	kind      account.Kind = 200
	otherKind account.Kind = 201
)

// recordThemes returns the themes about records. Each begins with two spaces and no
// record.
func recordThemes() []theme {
	return []theme{
		{"RecordCreate", testRecordCreate},
		{"RecordReplace", testRecordReplace},
		{"RecordRemove", testRecordRemove},
		{"RecordConcurrent", testRecordConcurrent},
		{"RecordOwned", testRecordOwned},
		{"RecordValues", testRecordValues},
		{"RecordKinds", testRecordKinds},
		{"RecordLimits", testRecordLimits},
		{"CommitWhole", testCommitWhole},
		{"CommitAccounts", testCommitAccounts},
		{"CommitNumbers", testCommitNumbers},
		{"Append", testAppend},
		{"AppendConcurrent", testAppendConcurrent},
		{"RecordsOrder", testRecordsOrder},
		{"RecordsPages", testRecordsPages},
		{"RecordsPrefix", testRecordsPrefix},
		{"Changes", testChanges},
		{"ChangesConcurrent", testChangesConcurrent},
		{"Outbox", testOutbox},
		{"OutboxResults", testOutboxResults},
		{"OutboxEmpty", testOutboxEmpty},
		{"OutboxRefused", testOutboxRefused},
		{"OutboxBroken", testOutboxBroken},
	}
}

// put returns the write of a record that must have the version.
func put(key, value string, version uint64) account.Write {
	return account.Write{Kind: kind, Key: key, Value: []byte(value), If: version}
}

// drop returns the removal of a record that must have the version.
func drop(key string, version uint64) account.Write {
	return account.Write{Kind: kind, Key: key, If: version}
}

// add returns the write of an appended record.
func add(prefix, value string) account.Write {
	return account.Write{Kind: kind, Key: prefix, Value: []byte(value), Append: true}
}

func (v *env) commit(c account.Commit) uint64 {
	v.Helper()
	number, err := v.e.Commit(v.Context(), c)
	if err != nil {
		v.Errorf("Commit: %v", err)
	}
	return number
}

func (v *env) write(ws ...account.Write) uint64 {
	v.Helper()
	return v.commit(account.Commit{Writes: ws})
}

// refused applies a commit that must fail with a Code.
func (v *env) refused(c account.Commit, want account.Code) {
	v.Helper()
	if _, err := v.e.Commit(v.Context(), c); account.CodeOf(err) != want {
		v.Errorf("Commit: %v, want Code %v", err, want)
	}
}

// record checks a record. Version 0 means that the record must not exist.
func (v *env) record(key, value string, version uint64) {
	v.Helper()
	r, err := v.e.Record(v.Context(), kind, key)
	switch {
	case version == 0 && account.CodeOf(err) != account.NoRecord:
		v.Errorf("Record(%q) = %+v, %v; want Code no record", key, r, err)
	case version == 0:
	case err != nil || string(r.Value) != value || r.Version != version:
		v.Errorf("Record(%q) = %q version %d, %v; want %q version %d", key, r.Value, r.Version, err, value, version)
	}
}

// noRecord returns err unless its Code is NoRecord.
func noRecord(err error) error {
	if account.CodeOf(err) == account.NoRecord {
		return nil
	}
	return err
}

func (v *env) records(q account.RecordQuery) account.RecordPage {
	v.Helper()
	page, err := v.e.Records(v.Context(), q)
	if err != nil {
		v.Errorf("Records(%+v): %v", q, err)
	}
	return page
}

// keys returns the keys of a page.
func keys(p account.RecordPage) []string {
	ks := make([]string, len(p.Records))
	for i, r := range p.Records {
		ks[i] = r.Key
	}
	return ks
}

func testRecordCreate(v *env) {
	v.record("k", "", 0)
	first := v.write(put("k", "v", 0))
	v.record("k", "v", first)
	v.refused(account.Commit{Writes: []account.Write{put("k", "w", 0)}}, account.Stale)
	v.refused(account.Commit{Writes: []account.Write{put("other", "w", first)}}, account.Stale)
	v.record("k", "v", first)
	v.record("other", "", 0)
}

func testRecordReplace(v *env) {
	first := v.write(put("k", "1", 0))
	second := v.write(put("k", "2", first))
	v.refused(account.Commit{Writes: []account.Write{put("k", "3", first)}}, account.Stale)
	v.record("k", "2", second)
	third := v.write(put("k", "3", account.AnyVersion))
	v.record("k", "3", third)
	v.write(put("new", "1", account.AnyVersion))
	if first >= second || second >= third {
		v.Errorf("versions %d, %d, %d do not increase", first, second, third)
	}
}

func testRecordRemove(v *env) {
	first := v.write(put("k", "1", 0))
	v.refused(account.Commit{Writes: []account.Write{drop("k", first+1)}}, account.Stale)
	v.refused(account.Commit{Writes: []account.Write{drop("k", 0)}}, account.Stale)
	v.record("k", "1", first)
	v.write(drop("k", first))
	v.record("k", "", 0)
	v.write(drop("k", account.AnyVersion)) // the record does not exist
	v.write(drop("k", 0))
	v.refused(account.Commit{Writes: []account.Write{drop("k", first)}}, account.Stale)
	if again := v.write(put("k", "2", 0)); again == first {
		v.Errorf("the version %d is used again", again)
	}
}

// testRecordConcurrent increments a counter in one record in concurrent calls.
func testRecordConcurrent(v *env) {
	const callers, each = 8, 10
	v.write(put("n", "", 0))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { v.countUp("n", each) })
	}
	wg.Wait()
	if r, err := v.e.Record(v.Context(), kind, "n"); err != nil || len(r.Value) != callers*each {
		v.Errorf("the record counts %d changes, %v; want %d", len(r.Value), err, callers*each)
	}
}

// countUp appends n bytes to a record, one in each commit, and retries stale commits.
func (v *env) countUp(key string, n int) {
	for n > 0 {
		r, err := v.e.Record(v.Context(), kind, key)
		if err != nil {
			v.Errorf("Record: %v", err)
			return
		}
		w := account.Write{Kind: kind, Key: key, Value: append(r.Value, 'x'), If: r.Version}
		switch _, err := v.e.Commit(v.Context(), account.Commit{Writes: []account.Write{w}}); account.CodeOf(err) {
		case account.OK:
			n--
		case account.Stale:
		default:
			v.Errorf("Commit: %v", err)
			return
		}
	}
}

// testRecordOwned overwrites the values that it passed and the values that it got.
func testRecordOwned(v *env) {
	given := []byte("value")
	admins := []account.UserID{"a", "b"}
	n := v.commit(account.Commit{
		Writes: []account.Write{{Kind: kind, Key: "k", Value: given}},
		Spaces: []account.Space{{App: app, Admins: admins, Now: now}},
	})
	copy(given, "spoil")
	admins[0] = "c"
	v.record("k", "value", n)
	v.equal("deletion", v.delete(app, now, "a"), []account.Code{account.AdminProtected})
	r, _ := v.e.Record(v.Context(), kind, "k")
	copy(r.Value, "spoil")
	copy(v.records(account.RecordQuery{Kind: kind, Limit: 1}).Records[0].Value, "spoil")
	v.record("k", "value", n)
	var value []byte
	p := free
	p.Outbox = func([]account.UpsertResult) []account.Write {
		value = []byte("value")
		return []account.Write{{Kind: kind, Key: "o", Value: value, If: account.AnyVersion}}
	}
	v.upsert(app, p, items("x")...)
	copy(value, "spoil")
	r, err := v.e.Record(v.Context(), kind, "o")
	if err != nil || string(r.Value) != "value" {
		v.Errorf("the record of the outbox is %q, %v", r.Value, err)
	}
}

// testRecordValues stores values of various sizes and content. An empty value is not a
// missing one.
func testRecordValues(v *env) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, value := range [][]byte{{}, {0}, every, bytes.Repeat(every, account.MaxRecordValue/len(every))} {
		key := fmt.Sprint(i)
		n := v.write(account.Write{Kind: kind, Key: key, Value: value})
		r, err := v.e.Record(v.Context(), kind, key)
		if err != nil || r.Version != n || !bytes.Equal(r.Value, value) {
			v.Errorf("value %d: %d bytes, version %d, %v; want %d bytes, version %d", i, len(r.Value), r.Version, err, len(value), n)
		}
	}
}

// testRecordKinds checks that records of several kinds with one key are independent.
func testRecordKinds(v *env) {
	kinds := []account.Kind{0, 1, 127, 128, 254, 255}
	var ws []account.Write
	for _, k := range kinds {
		ws = append(ws, account.Write{Kind: k, Key: "\xff\xff", Value: []byte{byte(k)}})
	}
	n := v.write(ws...)
	for _, k := range kinds {
		want := account.RecordPage{Records: []account.Record{{Key: "\xff\xff", Value: []byte{byte(k)}, Version: n}}}
		for _, q := range []account.RecordQuery{
			{Kind: k, Limit: 5}, {Kind: k, Limit: 5, Reverse: true}, {Kind: k, Limit: 5, Prefix: "\xff"}, {Kind: k, Limit: 5, After: "\xff"},
		} {
			v.equal(fmt.Sprintf("%+v", q), v.records(q), want)
		}
	}
	v.equal("a kind between", v.records(account.RecordQuery{Kind: 2, Limit: 5}), account.RecordPage{})
}

// testRecordLimits applies commits at the limits and above them.
func testRecordLimits(v *env) {
	key := strings.Repeat("k", account.MaxRecordKey)
	value := bytes.Repeat([]byte("v"), account.MaxRecordValue)
	var many []account.Write
	for i := range account.MaxWrites {
		many = append(many, put(fmt.Sprint("m", i), "v", 0))
	}
	v.write(many...)
	v.write(put(key, "v", 0))
	v.write(add(key[16:], "v"))
	v.write(account.Write{Kind: kind, Key: "1", Value: value}, account.Write{Kind: kind, Key: "2", Value: value[:account.MaxRecordValue-2]})
	count := func() (n int) {
		for q := (account.RecordQuery{Kind: kind, Limit: account.MaxListLimit}); ; {
			page := v.records(q)
			n += len(page.Records)
			if q.After = page.Next; q.After == "" {
				return n
			}
		}
	}
	before := count()
	for name, ws := range map[string][]account.Write{
		"no key":            {put("", "v", account.AnyVersion)},
		"a long key":        {put(key+"k", "v", account.AnyVersion)},
		"a long prefix":     {add(key[15:], "v")},
		"a large value":     {{Kind: kind, Key: "new", Value: append(value, 'v')}},
		"many writes":       append(slices.Clip(many), put("new", "v", 0)),
		"many bytes":        {{Kind: kind, Key: "3", Value: value}, {Kind: kind, Key: "4", Value: value[:account.MaxRecordValue-1]}},
		"one record twice":  {put("new", "v", 0), put("new", "w", 0)},
		"one append twice":  {add("new", "v"), add("new", "w")},
		"a removed append":  {{Kind: kind, Key: "new", Append: true}},
		"a fault of a part": {put("new", "v", 0), put("", "v", 0)},
	} {
		if _, err := v.e.Commit(v.Context(), account.Commit{Writes: ws}); account.CodeOf(err) != account.BadParameter {
			v.Errorf("%s: %v, want Code bad parameter", name, err)
		}
	}
	v.refused(account.Commit{Spaces: []account.Space{{App: 7, Now: now}, {App: 7, Remove: true}}}, account.BadParameter)
	if n := count(); n != before {
		v.Errorf("%d records after refusals, want %d", n, before)
	}
}

// testCommitWhole applies commits with one part that is refused. No part may happen.
func testCommitWhole(v *env) {
	v.create(app, "a")
	n := v.write(put("k", "v", 0), put("l", "v", 0))
	whole := func(more ...account.Write) []account.Write {
		return append([]account.Write{put("k", "w", n), drop("l", n), put("new", "w", 0), add("a/", "w")}, more...)
	}
	open := account.Space{App: 7, Admins: []account.UserID{"x"}, Now: now}
	admins := account.Space{App: otherApp, Admins: []account.UserID{"x"}, Now: now}
	for name, c := range map[string]struct {
		account.Commit
		want account.Code
	}{
		"stale":    {account.Commit{Writes: whole(put("m", "w", n)), Spaces: []account.Space{open, admins}}, account.Stale},
		"conflict": {account.Commit{Writes: whole(), Spaces: []account.Space{open, admins, {App: app, Remove: true}}}, account.Conflict},
	} {
		if _, err := v.e.Commit(v.Context(), c.Commit); account.CodeOf(err) != c.want {
			v.Errorf("%s: %v, want Code %v", name, err, c.want)
		}
	}
	v.record("k", "v", n)
	v.record("l", "v", n)
	v.equal("keys", keys(v.records(account.RecordQuery{Kind: kind, Limit: 9})), []string{"k", "l"})
	v.refusesWrites(7)
	v.count(otherApp, 0)
	v.count(app, 1)
	last := v.commit(account.Commit{Writes: whole(), Spaces: []account.Space{open, admins}})
	v.record("k", "w", last)
	v.record("l", "", 0)
	v.record("new", "w", last)
	v.record(account.AppendedKey("a/", last), "w", last)
	v.count(7, 1)
	v.count(otherApp, 1)
}

// testCommitAccounts removes a space during imports. A record that is written together
// with the space says whether the space exists.
func testCommitAccounts(v *env) {
	n := v.commit(account.Commit{Writes: []account.Write{put("app", "", 0)}, Spaces: []account.Space{{App: app, Admins: []account.UserID{"admin"}, Now: now}}})
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := range 10 {
				id := account.UserID(fmt.Sprintf("u%d-%d", c, i))
				if _, err := v.e.Upsert(v.Context(), app, items(id), free); err != nil && account.CodeOf(err) != account.NoApp {
					v.Errorf("Upsert: %v", err)
				}
				if _, err := v.e.Delete(v.Context(), app, []account.UserID{id}, change); err != nil && account.CodeOf(err) != account.NoApp {
					v.Errorf("Delete: %v", err)
				}
			}
		})
	}
	for range 20 {
		_, err := v.e.Commit(v.Context(), account.Commit{Writes: []account.Write{drop("app", n)}, Spaces: []account.Space{{App: app, Remove: true}}})
		switch account.CodeOf(err) {
		case account.OK:
			v.record("app", "", 0)
			v.count(app, 0)
			n = v.commit(account.Commit{Writes: []account.Write{put("app", "", 0)}, Spaces: []account.Space{{App: app, Admins: []account.UserID{"admin"}, Now: now}}})
		case account.Conflict:
			v.record("app", "", n)
		default:
			v.Errorf("Commit: %v", err)
		}
	}
	wg.Wait()
	v.count(app, 1)
}

// testCommitNumbers checks that numbers increase, even if a commit writes nothing.
func testCommitNumbers(v *env) {
	last := v.write(put("k", "v", 0))
	for range 3 {
		for _, c := range []account.Commit{
			{},
			{Writes: []account.Write{add("", "v")}},
			{Writes: []account.Write{drop("k", account.AnyVersion)}},
			{Spaces: []account.Space{{App: app, Now: now}}},
			{Spaces: []account.Space{{App: 7, Remove: true}}},
		} {
			n := v.commit(c)
			if n <= last {
				v.Errorf("the number %d follows %d", n, last)
			}
			last = n
		}
	}
}

// testAppend removes the newest record, whose key an engine with an error would use again.
func testAppend(v *env) {
	seen := map[string]bool{}
	last := ""
	for i := range 6 {
		n := v.write(add("p/", fmt.Sprint(i)), add("q/", ""), account.Write{Kind: otherKind, Value: []byte{}, Append: true})
		key := account.AppendedKey("p/", n)
		v.record(key, fmt.Sprint(i), n)
		v.record(account.AppendedKey("q/", n), "", n)
		if _, err := v.e.Record(v.Context(), otherKind, account.AppendedKey("", n)); err != nil {
			v.Errorf("Record of the other kind: %v", err)
		}
		if seen[key] || key <= last {
			v.Errorf("the key %q follows %q", key, last)
		}
		seen[key], last = true, key
		if i%2 == 0 {
			v.write(drop(key, n))
			v.record(key, "", 0)
		}
	}
	if ks := keys(v.records(account.RecordQuery{Kind: kind, Prefix: "p/", Limit: 9})); len(ks) != 3 {
		v.Errorf("the remaining keys are %q, want three", ks)
	}
}

func testAppendConcurrent(v *env) {
	const callers, each = 8, 20
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				v.write(add("", fmt.Sprintf("%d-%d", c, i)))
			}
		})
	}
	wg.Wait()
	next := map[string]int{}
	rs := v.records(account.RecordQuery{Kind: kind, Limit: account.MaxListLimit}).Records
	for _, r := range rs {
		var n int
		caller, i, _ := strings.Cut(string(r.Value), "-")
		if _, err := fmt.Sscan(i, &n); err != nil || n != next[caller] {
			v.Errorf("%q follows %s-%d", r.Value, caller, next[caller]-1)
		}
		next[caller]++
	}
	if len(rs) != callers*each {
		v.Errorf("%d records, want %d", len(rs), callers*each)
	}
}

// awkwardKeys contains keys with the smallest and largest bytes, in byte order.
var awkwardKeys = []string{
	"\x00", "\x00\x00", "\x00\xff", " ", "/", "A", "a", "a\x00", "a\x00b", "a/", "a/1", "a/2", "a0", "aa", "b", "é", "\xfe\xff", "\xff", "\xff\x00", "\xff\xff", "\xff\xff\xff",
}

func (v *env) fill() {
	v.Helper()
	var ws []account.Write
	for i := range awkwardKeys {
		ws = append(ws, put(awkwardKeys[(i*8)%len(awkwardKeys)], "v", 0))
	}
	v.write(ws[:9]...)
	v.write(append(ws[9:], put("gone", "v", 0), account.Write{Kind: kind - 1, Key: "b", Value: []byte("v")}, account.Write{Kind: kind + 1, Key: "b", Value: []byte("v")})...)
	v.write(drop("gone", account.AnyVersion))
}

func testRecordsOrder(v *env) {
	v.fill()
	page := v.records(account.RecordQuery{Kind: kind, Limit: account.MaxListLimit})
	v.equal("keys", keys(page), awkwardKeys)
	backward := v.records(account.RecordQuery{Kind: kind, Reverse: true, Limit: account.MaxListLimit})
	slices.Reverse(backward.Records)
	v.equal("backward", backward, page)
	for _, r := range page.Records {
		v.record(r.Key, string(r.Value), r.Version)
	}
}

func testRecordsPages(v *env) {
	v.fill()
	for _, reverse := range []bool{false, true} {
		for limit := 1; limit <= len(awkwardKeys)+1; limit++ {
			var got []string
			pages := 0
			for q := (account.RecordQuery{Kind: kind, Reverse: reverse, Limit: limit}); ; pages++ {
				page := v.records(q)
				got = append(got, keys(page)...)
				if q.After = page.Next; q.After == "" || len(got) > len(awkwardKeys) {
					break
				}
			}
			if reverse {
				slices.Reverse(got)
			}
			v.equal(fmt.Sprintf("keys in pages of %d", limit), got, awkwardKeys)
			if want := (len(awkwardKeys) - 1) / limit; pages != want {
				v.Errorf("pages of %d: %d follow the first, want %d", limit, pages, want)
			}
		}
	}
}

// testRecordsPrefix compares queries of all kinds with a linear search.
func testRecordsPrefix(v *env) {
	v.fill()
	bounds := append([]string{"", "a/3", "zz", "\xff\xff\xff\xff"}, awkwardKeys...)
	for _, prefix := range []string{"", "a", "a/", "\x00", "\xff", "\xff\xff", "x"} {
		for _, after := range bounds {
			for _, reverse := range []bool{false, true} {
				want := []string{}
				for _, key := range awkwardKeys {
					inside := after == "" || !reverse && key > after || reverse && key < after
					if inside && strings.HasPrefix(key, prefix) {
						want = append(want, key)
					}
				}
				if reverse {
					slices.Reverse(want)
				}
				q := account.RecordQuery{Kind: kind, Prefix: prefix, After: after, Reverse: reverse, Limit: 100}
				v.equal(fmt.Sprintf("keys of %+v", q), keys(v.records(q)), want)
			}
		}
	}
}

// testChanges checks Changes after each kind of write, and after reads.
func testChanges(v *env) {
	seen := map[uint64]bool{v.e.Changes(kind): true}
	changed := func(what string) {
		v.Helper()
		n := v.e.Changes(kind)
		if seen[n] {
			v.Errorf("Changes = %d after %s, unchanged", n, what)
		}
		seen[n] = true
	}
	v.write(put("k", "v", 0))
	changed("a new record")
	v.write(put("k", "v", account.AnyVersion))
	changed("a replaced record")
	v.write(add("", "v"))
	changed("an appended record")
	v.write(drop("k", account.AnyVersion))
	changed("a removed record")
	p := free
	p.Outbox = func([]account.UpsertResult) []account.Write { return []account.Write{add("", "v")} }
	v.upsert(app, p, items("a")...)
	changed("the outbox of an import")
	v.soon("Changes is the same after reads", func() bool { // a shared engine may be slow for a moment
		before := v.e.Changes(kind)
		v.records(account.RecordQuery{Kind: kind, Limit: 9})
		v.record("k", "", 0)
		return v.e.Changes(kind) == before
	})
}

// testChangesConcurrent reads a record through a cache that is valid while Changes stays
// the same. The cache must always contain every change that was committed before the read.
func testChangesConcurrent(v *env) {
	const changes = 200
	v.write(put("n", "", 0))
	var mu sync.Mutex
	committed := 0
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			number, cached := uint64(0), -1
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				least := committed
				mu.Unlock()
				if n := v.e.Changes(kind); cached < 0 || n != number {
					r, err := v.e.Record(v.Context(), kind, "n")
					if err != nil {
						v.Errorf("Record: %v", err)
						return
					}
					number, cached = n, len(r.Value)
				}
				if cached < least {
					v.Errorf("the cache contains change %d after change %d was committed", cached, least)
					return
				}
			}
		})
	}
	for i := range changes {
		v.write(put("n", strings.Repeat("x", i+1), account.AnyVersion))
		mu.Lock()
		committed = i + 1
		mu.Unlock()
	}
	close(stop)
	wg.Wait()
}
