package checked_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/account/storetest"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
)

func TestEngine(t *testing.T) {
	storetest.Run(t, func(testing.TB) account.Engine { return checked.New(new(mem.Store)) })
}

const app account.AppID = 1400000001

var now = time.UnixMilli(1_770_000_000_000)

// A faulty engine returns the results that a test sets, and otherwise those of mem.
type faulty struct {
	mem.Store
	err      error
	upserted []account.UpsertResult
	accounts []account.Account
	deleted  time.Time // of accounts of an export
	codes    []account.Code
	next     account.UserID
	record   account.Record
	records  account.RecordPage
	several  []account.Record
	numbers  []uint64 // of commits; mem's own if there are none
	silent   bool     // Changes never changes
	outboxes int      // number of results that Outbox is called with, if not 0
}

func (f *faulty) Upsert(_ context.Context, _ account.AppID, _ []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	if f.outboxes > 0 {
		p.Outbox(make([]account.UpsertResult, f.outboxes))
	}
	return f.upserted, f.err
}

func (f *faulty) Lookup(context.Context, account.AppID, []account.UserID) ([]account.Account, error) {
	return f.accounts, f.err
}

func (f *faulty) Delete(context.Context, account.AppID, []account.UserID, account.ChangePolicy) ([]account.Code, error) {
	return f.codes, f.err
}

func (f *faulty) List(context.Context, account.AppID, account.ListQuery) (account.ListPage, error) {
	return account.ListPage{Accounts: f.accounts, Next: f.next}, f.err
}

func (f *faulty) Export(context.Context, account.AppID, account.ExportQuery) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		for i := range f.accounts {
			e := &account.Exported{Account: f.accounts[i], Deleted: f.deleted}
			if !yield(e, nil) {
				return
			}
		}
		if f.err != nil && yield(nil, f.err) {
			yield(nil, f.err)
		}
	}
}

func (f *faulty) Record(context.Context, account.Kind, string) (account.Record, error) {
	return f.record, f.err
}

func (f *faulty) RecordsAt(context.Context, account.Kind, []string) ([]account.Record, error) {
	return f.several, f.err
}

func (f *faulty) Records(context.Context, account.RecordQuery) (account.RecordPage, error) {
	return f.records, f.err
}

func (f *faulty) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	n, err := f.Store.Commit(ctx, account.Commit{Writes: c.Writes[:1]})
	if len(f.numbers) > 0 {
		n, f.numbers = f.numbers[0], f.numbers[1:]
	}
	return n, cmp.Or(f.err, err)
}

func (f *faulty) Changes(kind account.Kind) uint64 {
	if f.silent {
		return 0
	}
	return f.Store.Changes(kind)
}

// acc returns a valid account, which tests then change.
func acc(id account.UserID, spoil func(*account.Account)) account.Account {
	a := account.Account{ID: id, InternalID: 7, Created: now, Updated: now}
	if spoil != nil {
		spoil(&a)
	}
	return a
}

func upsert(e account.Engine) {
	_, _ = e.Upsert(context.Background(), app, []account.Upsert{{ID: "a"}, {ID: "b"}}, account.UpsertPolicy{Now: now})
}

func lookup(e account.Engine) { _, _ = e.Lookup(context.Background(), app, []account.UserID{"a"}) }

func list(e account.Engine) {
	_, _ = e.List(context.Background(), app, account.ListQuery{Prefix: "a", After: "a0", Limit: 2})
}

func export(e account.Engine) {
	x, _ := account.Find[account.Exporter](e)
	for range x.Export(context.Background(), app, account.ExportQuery{Prefix: "a"}) {
	}
}

// importWithOutbox imports two accounts with an outbox.
func importWithOutbox(e account.Engine) {
	p := account.UpsertPolicy{Now: now, Outbox: func([]account.UpsertResult) []account.Write { return nil }}
	_, _ = e.Upsert(context.Background(), app, []account.Upsert{{ID: "a"}, {ID: "b"}}, p)
}

func record(e account.Engine) { _, _ = e.Record(context.Background(), 1, "k") }

func recordsAt(e account.Engine) {
	_, _ = e.RecordsAt(context.Background(), 1, []string{"k", "l", "k"})
}

// several returns valid records for [recordsAt], which spoil then changes. "l" does not exist.
func several(spoil func(rs []account.Record)) []account.Record {
	rs := page("", "k", "l", "k").Records
	rs[1] = account.Record{Key: "l"}
	for _, i := range []int{0, 2} {
		rs[i].Value = []byte("v")
	}
	spoil(rs)
	return rs
}

func records(e account.Engine) {
	_, _ = e.Records(context.Background(), account.RecordQuery{Kind: 1, Prefix: "k", After: "k0", Limit: 2})
}

// page returns a page of valid records.
func page(next string, keys ...string) account.RecordPage {
	p := account.RecordPage{Next: next}
	for _, key := range keys {
		p.Records = append(p.Records, account.Record{Key: key, Value: []byte{}, Version: 1})
	}
	return p
}

// commit applies two commits.
func commit(e account.Engine) {
	for range 2 {
		w := account.Write{Key: "k", Value: []byte{}, If: account.AnyVersion}
		_, _ = e.Commit(context.Background(), account.Commit{Writes: []account.Write{w}})
	}
}

func TestPanics(t *testing.T) {
	driver := errors.New("pq: relation missing")
	field := func(tag account.Tag) account.Field {
		return account.Field{Tag: tag, Value: account.Value{Text: "x"}}
	}
	for _, tt := range []struct {
		name string
		e    *faulty
		call func(account.Engine)
		want string
	}{
		{"plain error", &faulty{err: driver}, upsert, "not an *account.Error"},
		{"foreign code", &faulty{err: &account.Error{Code: account.Exists}}, upsert, "has Code exists"},
		{"leak", &faulty{err: &account.Error{Detail: "oh: pq: relation missing", Err: driver}}, upsert, "text of the cause"},
		{"too few results", &faulty{upserted: []account.UpsertResult{{Code: account.OK, InternalID: 1}}}, upsert, "1 results for 2 items"},
		{"results beside an error", &faulty{upserted: make([]account.UpsertResult, 2), err: &account.Error{}}, upsert, "beside the error"},
		{"no internal id", &faulty{upserted: []account.UpsertResult{{Code: account.OK}, {}}}, upsert, "with InternalID 0"},
		{"64 bits", &faulty{upserted: []account.UpsertResult{{Code: account.OK, InternalID: 1 << 63}, {}}}, upsert, "63 bits"},
		{"foreign result", &faulty{upserted: make([]account.UpsertResult, 2)}, upsert, "Code internal"},
		{"quota without limit", &faulty{upserted: []account.UpsertResult{{Code: account.QuotaFull}, {}}}, upsert, "no limit"},
		{"id given twice", &faulty{upserted: slices.Repeat([]account.UpsertResult{{Code: account.OK, Created: true, InternalID: 1}}, 2)}, upsert, "assigned twice"},
		{"other account", &faulty{accounts: []account.Account{{ID: "b"}}}, lookup, `"b" in the place of "a"`},
		{"ghost", &faulty{accounts: []account.Account{{ID: "a", Kicked: 1}}}, lookup, "does not exist but contains"},
		{"microseconds", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) { a.Updated = now.Add(1) })}}, lookup, "has the time"},
		{"unsorted profile", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) {
			a.Profile = []account.Field{field(account.TagRole), field(account.TagLevel)}
		})}}, lookup, "not sorted"},
		{"nick in profile", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) {
			a.Profile = []account.Field{field(account.TagNick)}
		})}}, lookup, "contains Tag_Profile_IM_Nick"},
		{"page too long", &faulty{accounts: []account.Account{acc("a1", nil), acc("a2", nil), acc("a3", nil)}}, list, "exceed the limit"},
		{"page unsorted", &faulty{accounts: []account.Account{acc("a2", nil), acc("a1", nil)}}, list, "order of ids"},
		{"twice on a page", &faulty{accounts: []account.Account{acc("a1", nil), acc("a1", nil)}}, list, "is listed twice"},
		{"prefix", &faulty{accounts: []account.Account{acc("b", nil)}}, list, "lacks the prefix"},
		{"after", &faulty{accounts: []account.Account{acc("a0", nil)}}, list, "is not after"},
		{"next of a short page", &faulty{accounts: []account.Account{acc("a1", nil)}, next: "a1"}, list, "does not end a full page"},
		{"export unsorted", &faulty{accounts: []account.Account{acc("a2", nil), acc("a1", nil)}}, export, `"a1" follows "a2"`},
		{"exported twice", &faulty{accounts: []account.Account{acc("a1", nil), acc("a1", nil)}}, export, `"a1" follows "a1"`},
		{"prefix of an export", &faulty{accounts: []account.Account{acc("b", nil)}}, export, "lacks the prefix"},
		{"deletion of an account", &faulty{accounts: []account.Account{acc("a", nil)}, deleted: now}, export, "was deleted"},
		{"deleted id", &faulty{accounts: []account.Account{{ID: "a"}}, deleted: now}, export, "not asked for"},
		{"exported microseconds", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) { a.Updated = now.Add(1) })}}, export, "has the time"},
		{"after an error", &faulty{err: &account.Error{}}, export, "follows an error"},
		{"foreign code of an export", &faulty{err: &account.Error{Code: account.Unknown}}, export, "has Code unknown"},
		{"delete", &faulty{codes: []account.Code{account.Exists}}, func(e account.Engine) {
			_, _ = e.Delete(context.Background(), app, []account.UserID{"a"}, account.ChangePolicy{Now: now})
		}, "Code exists"},
		{"outbox not called", &faulty{upserted: []account.UpsertResult{{Code: account.OK, InternalID: 1}, {Code: account.OK, InternalID: 1}}}, importWithOutbox, "not called"},
		{"outbox of too few", &faulty{outboxes: 1}, importWithOutbox, "got 1 results"},
		{"outbox of others", &faulty{outboxes: 2, upserted: []account.UpsertResult{{Code: account.OK, InternalID: 1}, {Code: account.OK, InternalID: 1}}}, importWithOutbox, "got the result"},
		{"other record", &faulty{record: account.Record{Key: "l", Value: []byte{}, Version: 1}}, record, `"l" in the place of "k"`},
		{"no version", &faulty{record: account.Record{Key: "k", Value: []byte{}}}, record, "has version 0"},
		{"no value", &faulty{record: account.Record{Key: "k", Version: 1}}, record, "has no value"},
		{"record beside an error", &faulty{record: account.Record{Key: "k"}, err: &account.Error{Code: account.NoRecord}}, record, "beside the error"},
		{"unknown read", &faulty{err: &account.Error{Code: account.Unknown}}, record, "has Code unknown"},
		{"no fault of several", &faulty{several: several(func([]account.Record) {})}, recordsAt, ""},
		{"several too few", &faulty{several: several(func([]account.Record) {})[:2]}, recordsAt, "2 results for 3 items"},
		{"several beside an error", &faulty{several: several(func([]account.Record) {}), err: &account.Error{}}, recordsAt, "beside the error"},
		{"order of several", &faulty{several: several(func(rs []account.Record) { slices.Reverse(rs[:2]) })}, recordsAt, `"l" in the place of "k"`},
		{"absent value", &faulty{several: several(func(rs []account.Record) { rs[1].Value = []byte{} })}, recordsAt, "has no version but a value"},
		{"no value of several", &faulty{several: several(func(rs []account.Record) { rs[0].Value = nil })}, recordsAt, "has no value"},
		{"two versions", &faulty{several: several(func(rs []account.Record) { rs[2].Version++ })}, recordsAt, "has versions 1 and 2"},
		{"two values", &faulty{several: several(func(rs []account.Record) { rs[2].Value[0]++ })}, recordsAt, "has versions 1 and 1"},
		{"shared values", &faulty{several: several(func(rs []account.Record) { rs[2].Value = rs[0].Value })}, recordsAt, "share memory"},
		{"unknown read of several", &faulty{err: &account.Error{Code: account.Unknown}}, recordsAt, "has Code unknown"},
		{"caller's keys", new(faulty), func(e account.Engine) {
			_, _ = e.RecordsAt(context.Background(), 1, make([]string, account.MaxListLimit+1))
		}, "the caller gave 1001 keys"},
		{"record order", &faulty{records: page("", "k2", "k1")}, records, "out of order"},
		{"record prefix", &faulty{records: page("", "l")}, records, "lacks the prefix"},
		{"record after", &faulty{records: page("", "k0")}, records, "out of order"},
		{"records too many", &faulty{records: page("", "k1", "k2", "k3")}, records, "exceed the limit"},
		{"next of a short page of records", &faulty{records: page("k1", "k1")}, records, "does not end a full page"},
		{"numbers", &faulty{numbers: []uint64{2, 2}}, commit, "the number 2 follows 2"},
		{"number beside an error", &faulty{numbers: []uint64{2}, err: &account.Error{Code: account.Stale}}, commit, "beside the error"},
		{"silent", &faulty{silent: true}, commit, "does not report the commit"},
		{"forbidden commit", new(faulty), func(e account.Engine) {
			w := account.Write{Key: "k", Value: []byte{}, If: account.AnyVersion}
			_, _ = e.Commit(context.Background(), account.Commit{Writes: []account.Write{w, w}})
		}, "breaks a rule"},
		{"caller's id", &faulty{}, func(e account.Engine) {
			_, _ = e.Upsert(context.Background(), app, []account.Upsert{{ID: "@a"}}, account.UpsertPolicy{Now: now})
		}, "the caller gave"},
		{"caller's limit", &faulty{}, func(e account.Engine) {
			_, _ = e.List(context.Background(), app, account.ListQuery{})
		}, "the caller gave limit 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := panicOf(func() { tt.call(checked.New(tt.e)) }); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("panic %q, want %q", got, tt.want)
			}
		})
	}
}

// panicOf returns the text of the panic of fn, or "".
func panicOf(fn func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = p.(string)
		}
	}()
	fn()
	return ""
}
