package directory_test

import (
	"fmt"
	"slices"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

func TestTally(t *testing.T) {
	var told []string
	d := directory.New(directory.Options{Engine: new(mem.Store), Tally: func(app account.AppID, created, deleted int) {
		told = append(told, fmt.Sprint(app, " +", created, " -", deleted))
	}})
	app, err := d.CreateApp(t.Context(), "test", account.App{ID: 7, Edition: account.Development})
	if err != nil {
		t.Fatal(err)
	}
	items := []account.Upsert{{ID: "a"}, {ID: "b"}, {ID: ""}, {ID: "a"}}
	if _, err := d.Import(t.Context(), app, items); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Import(t.Context(), app, items); err != nil { // creates nothing
		t.Fatal(err)
	}
	none := func([]directory.LoadResult) []account.Write { return nil }
	if _, err := d.Load(t.Context(), app, []account.Upsert{{ID: "b"}, {ID: "c"}}, none); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Delete(t.Context(), app, []account.UserID{"a", "c", "x", "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Delete(t.Context(), app, []account.UserID{"x"}); err != nil { // deletes nothing
		t.Fatal(err)
	}
	if want := []string{"7 +2 -0", "7 +1 -0", "7 +0 -2"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
