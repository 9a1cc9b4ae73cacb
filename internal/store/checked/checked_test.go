package checked_test

import (
	"context"
	"errors"
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

// A faulty engine answers what the test says and everything else like mem.
type faulty struct {
	mem.Store
	err      error
	upserted []account.UpsertResult
	accounts []account.Account
	codes    []account.Code
	next     account.UserID
	app      *account.App
	entries  []account.AuditEntry
	token    *account.Token
	tokens   []*account.Token
}

func (f *faulty) Upsert(context.Context, account.AppID, []account.Upsert, account.UpsertPolicy) ([]account.UpsertResult, error) {
	return f.upserted, f.err
}

func (f *faulty) Lookup(context.Context, account.AppID, []account.UserID) ([]account.Account, error) {
	return f.accounts, f.err
}

func (f *faulty) Delete(context.Context, account.AppID, []account.UserID, time.Time) ([]account.Code, error) {
	return f.codes, f.err
}

func (f *faulty) List(context.Context, account.AppID, account.ListQuery) (account.ListPage, error) {
	return account.ListPage{Accounts: f.accounts, Next: f.next}, f.err
}

func (f *faulty) App(context.Context, account.AppID) (*account.App, error) { return f.app, f.err }

func (f *faulty) Audit(context.Context, account.AuditQuery) ([]account.AuditEntry, error) {
	return f.entries, f.err
}

func (f *faulty) Token(context.Context, account.TokenHash) (*account.Token, error) {
	return f.token, f.err
}

func (f *faulty) Tokens(context.Context) ([]*account.Token, error) { return f.tokens, f.err }

func (f *faulty) DeleteApp(context.Context, account.AppID, account.AuditEntry) error { return f.err }

// acc returns a sound account for a test to spoil.
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
		{"id given twice", &faulty{upserted: slices.Repeat([]account.UpsertResult{{Code: account.OK, Created: true, InternalID: 1}}, 2)}, upsert, "given twice"},
		{"other account", &faulty{accounts: []account.Account{{ID: "b"}}}, lookup, `"b" in the place of "a"`},
		{"ghost", &faulty{accounts: []account.Account{{ID: "a", Kicked: 1}}}, lookup, "does not exist but holds"},
		{"microseconds", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) { a.Updated = now.Add(1) })}}, lookup, "has the time"},
		{"unsorted profile", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) {
			a.Profile = []account.Field{field(account.TagRole), field(account.TagLevel)}
		})}}, lookup, "not sorted"},
		{"nick in profile", &faulty{accounts: []account.Account{acc("a", func(a *account.Account) {
			a.Profile = []account.Field{field(account.TagNick)}
		})}}, lookup, "holds Tag_Profile_IM_Nick"},
		{"page too long", &faulty{accounts: []account.Account{acc("a1", nil), acc("a2", nil), acc("a3", nil)}}, list, "exceed the limit"},
		{"page unsorted", &faulty{accounts: []account.Account{acc("a2", nil), acc("a1", nil)}}, list, "order of ids"},
		{"twice on a page", &faulty{accounts: []account.Account{acc("a1", nil), acc("a1", nil)}}, list, "stands twice"},
		{"prefix", &faulty{accounts: []account.Account{acc("b", nil)}}, list, "lacks the prefix"},
		{"after", &faulty{accounts: []account.Account{acc("a0", nil)}}, list, "is not after"},
		{"next of a short page", &faulty{accounts: []account.Account{acc("a1", nil)}, next: "a1"}, list, "does not end a full page"},
		{"delete", &faulty{codes: []account.Code{account.Exists}}, func(e account.Engine) {
			_, _ = e.Delete(context.Background(), app, []account.UserID{"a"}, now)
		}, "Code exists"},
		{"no version", &faulty{app: &account.App{ID: app}}, func(e account.Engine) {
			_, _ = e.App(context.Background(), app)
		}, "has Version 0"},
		{"audit order", &faulty{entries: []account.AuditEntry{{Seq: 1}, {Seq: 2}}}, func(e account.Engine) {
			_, _ = e.Audit(context.Background(), account.AuditQuery{Limit: 2})
		}, "out of order"},
		{"deletion of an app", &faulty{err: &account.Error{Code: account.Exists}}, func(e account.Engine) {
			_ = e.DeleteApp(context.Background(), app, account.AuditEntry{})
		}, "has Code exists"},
		{"no token", &faulty{}, func(e account.Engine) {
			_, _ = e.Token(context.Background(), account.HashToken("a"))
		}, "beside error"},
		{"other token", &faulty{token: &account.Token{ID: "1"}}, func(e account.Engine) {
			_, _ = e.Token(context.Background(), account.HashToken("a"))
		}, "another token"},
		{"token order", &faulty{tokens: []*account.Token{{ID: "2"}, {ID: "1"}}}, func(e account.Engine) {
			_, _ = e.Tokens(context.Background())
		}, "out of order"},
		{"caller's id", &faulty{}, func(e account.Engine) {
			_, _ = e.Upsert(context.Background(), app, []account.Upsert{{ID: "@a"}}, account.UpsertPolicy{Now: now})
		}, "the caller gave"},
		{"caller's limit", &faulty{}, func(e account.Engine) {
			_, _ = e.List(context.Background(), app, account.ListQuery{})
		}, "the caller gave limit 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := panicOf(func() { tt.call(checked.New(tt.e)) }); !strings.Contains(got, tt.want) {
				t.Errorf("panic %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSharedApp changes an app that the engine shares.
func TestSharedApp(t *testing.T) {
	e := checked.New(new(mem.Store))
	a, err := e.CreateApp(t.Context(), account.App{ID: app, Keys: []account.Key{{ID: "k1"}}}, account.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	a.Keys[0].Secret = "changed"
	got := panicOf(func() { _, _ = e.App(t.Context(), app) })
	if want := "was changed"; !strings.Contains(got, want) {
		t.Errorf("panic %q, want %q", got, want)
	}
}

// panicOf returns what fn panics with, or nothing.
func panicOf(fn func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = p.(string)
		}
	}()
	fn()
	return ""
}
