package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"rollcall/internal/account"
)

// recordsAtThemes returns the themes about reads of several records by their keys. Each
// begins with no record.
func recordsAtThemes() []theme {
	return []theme{
		{"RecordsAt", testRecordsAt},
		{"RecordsAtKeys", testRecordsAtKeys},
		{"RecordsAtKinds", testRecordsAtKinds},
		{"RecordsAtLimit", testRecordsAtLimit},
		{"RecordsAtOwned", testRecordsAtOwned},
		{"RecordsAtMoment", testRecordsAtMoment},
	}
}

func (v *env) recordsAt(kind account.Kind, keys ...string) []account.Record {
	v.Helper()
	rs, err := v.e.RecordsAt(v.Context(), kind, keys)
	if err != nil {
		v.Fatalf("RecordsAt of %d keys: %v", len(keys), err)
	}
	return rs
}

// absent returns a record that does not exist.
func absent(key string) account.Record { return account.Record{Key: key} }

// testRecordsAt reads records before and after each kind of write.
func testRecordsAt(v *env) {
	if rs := v.recordsAt(kind); len(rs) != 0 {
		v.Errorf("%d records without a key", len(rs))
	}
	v.equal("an empty store", v.recordsAt(kind, "b", "a", "b"), []account.Record{absent("b"), absent("a"), absent("b")})
	n := v.write(put("a", "1", 0), put("empty", "", 0), add("p/", "x"))
	a, empty := account.Record{Key: "a", Value: []byte("1"), Version: n}, account.Record{Key: "empty", Value: []byte{}, Version: n}
	appended := account.Record{Key: account.AppendedKey("p/", n), Value: []byte("x"), Version: n}
	v.equal("after a commit", v.recordsAt(kind, appended.Key, "b", "a", "empty", "b", "a", "p/"),
		[]account.Record{appended, absent("b"), a, empty, absent("b"), a, absent("p/")})
	m := v.write(put("a", "2", n), drop("empty", n))
	a = account.Record{Key: "a", Value: []byte("2"), Version: m}
	v.equal("after a change and a removal", v.recordsAt(kind, "empty", "a"), []account.Record{absent("empty"), a})
	m = v.write(put("empty", "again", 0))
	v.equal("after a removal and a new record", v.recordsAt(kind, "empty"), []account.Record{{Key: "empty", Value: []byte("again"), Version: m}})
	if rs := v.recordsAt(kind); len(rs) != 0 {
		v.Errorf("%d records without a key", len(rs))
	}
}

// testRecordsAtKeys reads keys with the smallest and largest bytes, and absent ones between
// them, in several orders.
func testRecordsAtKeys(v *env) {
	v.fill()
	all := append([]string{"gone", "a/3", "a/1\x00", "zz", "\xff\xff\xff\xff", strings.Repeat("k", account.MaxRecordKey)}, awkwardKeys...)
	want := map[string]account.Record{}
	for _, r := range v.records(account.RecordQuery{Kind: kind, Limit: account.MaxListLimit}).Records {
		want[r.Key] = r
	}
	check := func(keys ...string) {
		v.Helper()
		for i, r := range v.recordsAt(kind, keys...) {
			w, ok := want[keys[i]]
			if !ok {
				w = absent(keys[i])
			}
			v.equal(fmt.Sprintf("%q", keys[i]), r, w)
		}
	}
	check(all...)
	slices.Sort(all)
	check(all...)
	slices.Reverse(all)
	check(append(all, all...)...)
	for _, key := range all {
		check(key)
	}
}

// testRecordsAtKinds reads one key of several kinds.
func testRecordsAtKinds(v *env) {
	kinds := []account.Kind{0, 1, kind - 1, kind, kind + 1, 254, 255}
	var ws []account.Write
	for _, k := range kinds {
		if k != kind {
			ws = append(ws, account.Write{Kind: k, Key: "\xff", Value: []byte{byte(k)}})
		}
	}
	n := v.write(ws...)
	for _, k := range kinds {
		want := account.Record{Key: "\xff", Value: []byte{byte(k)}, Version: n}
		if k == kind {
			want = absent("\xff")
		}
		v.equal(fmt.Sprintf("kind %d", k), v.recordsAt(k, "a", "\xff"), []account.Record{absent("a"), want})
	}
}

// testRecordsAtLimit reads as many keys as a call may have. Half of the records are absent,
// and then one record is read many times.
func testRecordsAtLimit(v *env) {
	const n = account.MaxListLimit
	var ws []account.Write
	keys, want := make([]string, n), make([]account.Record, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0*d", account.MaxRecordKey, i*7919%n)
		want[i] = absent(keys[i])
		if i%2 == 0 {
			want[i].Value = fmt.Append(nil, i)
			ws = append(ws, account.Write{Kind: kind, Key: keys[i], Value: want[i].Value})
		}
	}
	number := v.write(ws...)
	for i := range want {
		if want[i].Value != nil {
			want[i].Version = number
		}
	}
	v.equal("records", v.recordsAt(kind, keys...), want)
	v.equal("one record", v.recordsAt(kind, slices.Repeat(keys[:1], n)...), slices.Repeat(want[:1], n))
}

// testRecordsAtOwned overwrites the keys that it passed, and the values that it got with the
// memory behind them.
func testRecordsAtOwned(v *env) {
	n := v.write(put("a", "value", 0), put("b", "value", 0), put("c", "", 0))
	want := func(key, value string) account.Record {
		return account.Record{Key: key, Value: []byte(value), Version: n}
	}
	keys := []string{"a", "b", "c", "a", "c"}
	rs := v.recordsAt(kind, keys...)
	clear(keys)
	for i, r := range rs {
		copy(r.Value, "spoil")
		_ = append(r.Value, "spoils more"...)
		v.equal("records after it", rs[i+1:], []account.Record{want("a", "value"), want("b", "value"), want("c", ""), want("a", "value"), want("c", "")}[i+1:])
	}
	v.equal("records", v.recordsAt(kind, "a", "b", "c"), []account.Record{want("a", "value"), want("b", "value"), want("c", "")})
}

func testRecordsAtMoment(v *env) { v.readsMoments(v) }

// readsMoments changes several records in each of many commits. Meanwhile reader reads all
// of them, and must see each commit whole, and every commit that returned before.
func (v *env) readsMoments(reader *env) {
	const n, commits, readers = 30, 100, 3
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%02d", i)
	}
	write := func() uint64 {
		ws := make([]account.Write, n)
		for i, key := range keys {
			ws[i] = put(key, "v", account.AnyVersion)
		}
		return v.write(ws...)
	}
	var committed atomic.Uint64
	committed.Store(write())
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range readers {
		wg.Go(func() {
			for {
				least := committed.Load()
				rs, err := reader.e.RecordsAt(v.Context(), kind, keys)
				if err != nil {
					v.Errorf("RecordsAt: %v", err)
					return
				}
				for _, r := range rs {
					if r.Version != rs[0].Version || r.Version < least {
						v.Errorf("%s is of commit %d, and %s of %d, after commit %d returned", rs[0].Key, rs[0].Version, r.Key, r.Version, least)
						return
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range commits {
		committed.Store(write())
	}
	close(stop)
	wg.Wait()
}
