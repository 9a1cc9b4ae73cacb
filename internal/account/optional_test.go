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

// A copier is an engine with an optional method.
type copier struct{ mem.Store }

func (*copier) Snapshot(context.Context, string) error { return nil }

type recorder struct{}

func (recorder) Observe(context.Context, string, int, time.Duration, account.Code) {}

func TestFind(t *testing.T) {
	want := new(copier)
	for _, e := range []account.Engine{want, checked.New(want), checked.New(metered.New(want, recorder{}))} {
		if got, ok := account.Find[account.Snapshotter](e); !ok || got != want {
			t.Errorf("Find in %T = %v, %v", e, got, ok)
		}
	}
	if _, ok := account.Find[account.Snapshotter](checked.New(new(mem.Store))); ok {
		t.Error("Find returned a Snapshotter for an engine that is not one")
	}
}
