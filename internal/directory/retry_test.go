package directory_test

import (
	"context"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

// A lateEngine calls before once, ahead of the next commit.
type lateEngine struct {
	account.Engine
	before func()
}

// Commit implements [account.Records].
func (e *lateEngine) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if before := e.before; before != nil {
		e.before = nil
		before()
	}
	return e.Engine.Commit(ctx, c)
}

// TestConcurrentChanges commits one change of an app while another one is about to be
// committed. The second change must apply to the result of the first.
func TestConcurrentChanges(t *testing.T) {
	e := &lateEngine{Engine: new(mem.Store)}
	d := directory.New(directory.Options{Engine: e})
	ctx := t.Context()
	if _, err := d.CreateApp(ctx, "test", account.App{ID: appID, Edition: account.Development}); err != nil {
		t.Fatal(err)
	}
	add := func(secret string) error {
		_, err := d.AddKey(ctx, "test", appID, account.Key{Kind: account.HMACKey, Secret: secret})
		return err
	}
	admin := func(id account.UserID) error {
		_, err := d.AddAdmin(ctx, "test", appID, id)
		return err
	}
	for _, change := range []struct{ first, second func() error }{
		{func() error { return add("first") }, func() error { return add("second") }},
		{func() error { return admin("a") }, func() error { return admin("b") }},
		{func() error { return admin("c") }, func() error { return admin("c") }},
	} {
		e.before = func() {
			if err := change.first(); err != nil {
				t.Error(err)
			}
		}
		if err := change.second(); err != nil {
			t.Error(err)
		}
	}
	a, err := d.App(ctx, appID)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Keys) != 2 || a.Keys[0].ID != "1" || a.Keys[1].ID != "2" || a.Keys[1].Secret != "second" {
		t.Errorf("keys %v, want 1 and 2", a.Keys)
	}
	if got := len(a.Admins); got != 4 {
		t.Errorf("admins %q, want administrator, a, b and c", a.Admins)
	}
}
