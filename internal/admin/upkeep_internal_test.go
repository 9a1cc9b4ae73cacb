package admin

import (
	"context"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

// A vanishing engine has no accounts of an app that was deleted after the apps were listed.
type vanishing struct {
	account.Engine
	gone account.AppID
}

func (e vanishing) Count(ctx context.Context, app account.AppID) (int64, error) {
	if app == e.gone {
		return 0, &account.Error{Code: account.NoApp}
	}
	return e.Engine.Count(ctx, app)
}

// TestCountsOfDeletedApp counts the apps for a backup while one of them is being deleted.
func TestCountsOfDeletedApp(t *testing.T) {
	dir := directory.New(directory.Options{Engine: vanishing{new(mem.Store), 1400000002}})
	for _, id := range []account.AppID{1400000001, 1400000002} {
		if _, err := dir.CreateApp(t.Context(), "test", account.App{ID: id, Edition: account.Development}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := (&Server{dir: dir}).counts(t.Context())
	if want := (adminapi.Backup{Apps: 1, Accounts: 1}); err != nil || got != want { // the administrator
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}
