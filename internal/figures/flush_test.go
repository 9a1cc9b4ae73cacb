package figures_test

import (
	"context"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/figures"
	"rollcall/internal/session"
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
