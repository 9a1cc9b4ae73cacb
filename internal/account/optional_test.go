package account_test

import (
	"context"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/store/metered"
)

// A copier is an engine that offers more than it must.
type copier struct{ mem.Store }

func (*copier) Snapshot(context.Context, string) error { return nil }

type recorder struct{}

func (recorder) Observe(string, int, time.Duration, account.Code) {}

func TestFind(t *testing.T) {
	want := new(copier)
	for _, e := range []account.Engine{want, checked.New(want), checked.New(metered.New(want, recorder{}))} {
		if got, ok := account.Find[account.Snapshotter](e); !ok || got != want {
			t.Errorf("Find in %T = %v, %v", e, got, ok)
		}
		if _, ok := account.Find[account.Resealer](e); ok {
			t.Errorf("a Resealer in %T", e)
		}
	}
	if _, ok := account.Find[account.Snapshotter](checked.New(new(mem.Store))); ok {
		t.Error("a Snapshotter in an engine that is none")
	}
}

// TestDerivedOfNewApp makes an app again: its version is that of the old one,
// what was derived of that is not.
func TestDerivedOfNewApp(t *testing.T) {
	names := account.NewDerived(
		func(a *account.App) []account.Key { return a.Keys },
		func(keys []account.Key) string { return keys[0].ID },
	)
	e := new(mem.Store)
	for _, name := range []string{"old", "new"} {
		a, err := e.CreateApp(t.Context(), account.App{ID: 1, Keys: []account.Key{{ID: name}}}, account.AuditEntry{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := names.Of(a); got != name {
				t.Errorf("derived %q, want %q", got, name)
			}
		}
		if err := e.DeleteApp(t.Context(), 1, account.AuditEntry{}); err != nil {
			t.Fatal(err)
		}
	}
}
