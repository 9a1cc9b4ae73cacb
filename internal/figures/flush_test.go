package figures_test

import (
	"context"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/figures"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
)

// An uncertain engine does not know the outcome of one of its commits, which it does not make.
type uncertain struct {
	account.Engine
	in int // number of commits until then; 0 is never
}

func (u *uncertain) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if u.in--; u.in == 0 {
		return 0, &account.Error{Code: account.Unknown}
	}
	return u.Engine.Commit(ctx, c)
}

// TestUnknownSet lets the outcome of a commit be unknown that adds only accounts which are too
// many for the commit of the counts. The counts are not lost.
func TestUnknownSet(t *testing.T) {
	b := newBench(t)
	f := b.nodeOn("a", &uncertain{Engine: b.e, in: 1})
	ids := make([]uint64, 60_000)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	f.Logins(app, session.Count{Logins: len(ids), Users: ids})
	f.Logins(otherApp, session.Count{Logins: 1, Users: ids[:1]})
	if err := f.Flush(t.Context()); account.CodeOf(err) != account.Unknown {
		t.Fatal(err)
	}
	b.flush(f)
	for id, want := range map[account.AppID]figures.Day{
		app:      {Logins: int64(len(ids)), Users: int64(len(ids))},
		otherApp: {Logins: 1, Users: 1},
	} {
		list, err := b.node("b").ReadDays(t.Context(), &account.App{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if got := list[figures.Days-1]; got.Logins != want.Logins || got.Users != want.Users {
			t.Errorf("app %d: %+v, want %+v", id, got, want)
		}
	}
}

// A growing list of apps gets one more after it was read first.
type growing struct {
	list []*account.App
	more func() *account.App
}

func (g *growing) Apps(context.Context) ([]*account.App, error) {
	list := g.list
	if g.more != nil {
		g.list = append(g.list, g.more())
		g.more = nil
	}
	return list, nil
}

func (g *growing) Count(context.Context, account.AppID) (int64, error) { return 1, nil }

// TestNewApp creates an app during a flush, and counts a login of it at once.
func TestNewApp(t *testing.T) {
	apps := new(growing)
	f := figures.New(figures.Options{Records: records.New(new(mem.Store), nil), Apps: apps, Node: "a", Logger: testutil.Logger(t)})
	created := &account.App{ID: app}
	apps.more = func() *account.App {
		f.Logins(app, session.Count{Logins: 1, Users: []uint64{5}})
		return created
	}
	for range 2 {
		if err := f.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.ReadDays(t.Context(), created)
	if err != nil {
		t.Fatal(err)
	}
	if got := list[figures.Days-1]; got.Logins != 1 || got.Users != 1 {
		t.Errorf("%+v, want one login", got)
	}
}

// TestFlushWithoutApps checks that counts wait if the list of apps cannot be read.
func TestFlushWithoutApps(t *testing.T) {
	b := newBench(t)
	f := b.node("a")
	call(f, app, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Flush(ctx); err == nil {
		t.Fatal("a flush without time succeeds")
	}
	call(f, app, 0)
	b.flush(f)
	b.total(b.node("b"), app, 2)
}
