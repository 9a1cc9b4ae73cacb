package account_test

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
)

// TestEditions checks the table of decisions.md, "Ids, admins, editions".
func TestEditions(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		edition  account.Edition
		settings account.Settings
		quota    int64
		deletion bool
		ban      time.Duration
	}{
		{account.Trial, account.Settings{}, 100, true, 0},
		{account.Trial, account.Settings{Quota: 5, TombstoneDays: 7}, 5, true, 0},
		{account.Development, account.Settings{}, 0, true, 0},
		{account.Development, account.Settings{Quota: 5, TombstoneDays: 7}, 5, true, 0},
		{account.Standard, account.Settings{}, 0, false, 90 * day},
		{account.Pro, account.Settings{}, 0, false, 90 * day},
		{account.Enterprise, account.Settings{}, 0, false, 90 * day},
		{account.Pro, account.Settings{Quota: 5, AllowDelete: true, TombstoneDays: 7}, 5, true, 7 * day},
		{account.Pro, account.Settings{TombstoneDays: -1}, 0, false, 0},
	} {
		a := account.App{Edition: tt.edition, Settings: tt.settings}
		if got := a.Quota(); got != tt.quota {
			t.Errorf("%s, %+v: Quota = %d, want %d", tt.edition, tt.settings, got, tt.quota)
		}
		if got := a.DeletionAllowed(); got != tt.deletion {
			t.Errorf("%s, %+v: DeletionAllowed = %v, want %v", tt.edition, tt.settings, got, tt.deletion)
		}
		if got := a.TombstoneBan(); got != tt.ban {
			t.Errorf("%s, %+v: TombstoneBan = %v, want %v", tt.edition, tt.settings, got, tt.ban)
		}
	}
}

func TestIsAdmin(t *testing.T) {
	a := goodApp()
	for id, want := range map[account.UserID]bool{"administrator": true, "boss": true, "Boss": false, "": false, "bos": false} {
		if got := a.IsAdmin(id); got != want {
			t.Errorf("IsAdmin(%q) = %v, want %v", id, got, want)
		}
	}
}

// TestActiveKeys checks that a key is active before the time of its retirement, and not
// at that time.
func TestActiveKeys(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		id      string
		retired time.Time
		active  bool
	}{
		{"never", time.Time{}, true},
		{"long ago", now.Add(-time.Hour), false},
		{"just now", now, false},
		{"in a moment", now.Add(time.Nanosecond), true},
		{"in another zone", now.In(time.FixedZone("", 3600)), false},
	}
	var a account.App
	var want []string
	for _, tt := range tests {
		k := account.Key{ID: tt.id, Retired: tt.retired}
		if got := k.Active(now); got != tt.active {
			t.Errorf("retired %s: Active = %v, want %v", tt.id, got, tt.active)
		}
		a.Keys = append(a.Keys, k)
		if tt.active {
			want = append(want, tt.id)
		}
	}
	before := a.Clone()
	var got []string
	for _, k := range a.ActiveKeys(now) {
		got = append(got, k.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ActiveKeys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before.Keys, a.Keys); diff != "" {
		t.Errorf("ActiveKeys changed the app (-want +got):\n%s", diff)
	}
}

// wholeApp returns an app in which every slice and map has an element.
func wholeApp() account.App {
	a := goodApp()
	a.Version, a.Created = 7, time.Unix(1700000000, 0)
	a.Settings = account.Settings{
		CustomTags:   []account.CustomTag{{Key: "Test"}},
		Words:        []string{"word"},
		AllowSources: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		IPList:       []string{"192.0.2.1"},
		RateLimits:   map[string]int{"kick": 1},

		PushPlatforms: []account.Platform{account.Mac},
		LinkTimeouts:  map[account.Platform]int{account.Mac: 1},
	}
	return a
}

var byPrefix = cmpopts.EquateComparable(netip.Prefix{})

// spoil changes everything that v refers to. It fails on an empty slice or map, because
// it cannot tell whether two values share that.
func spoil(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				spoil(t, path+"."+f.Name, v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			t.Errorf("%s is empty: give wholeApp one", path)
			return
		}
		v.Index(0).SetZero()
	case reflect.Map:
		if v.Len() == 0 {
			t.Errorf("%s is empty: give wholeApp one", path)
			return
		}
		v.Clear()
	case reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func:
		t.Errorf("%s: this test does not know how to spoil it", path)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := wholeApp()
	clone := a.Clone()
	if diff := cmp.Diff(a, clone, byPrefix); diff != "" {
		t.Errorf("the clone differs (-app +clone):\n%s", diff)
	}
	spoil(t, "App", reflect.ValueOf(&clone).Elem())
	if diff := cmp.Diff(wholeApp(), a, byPrefix); diff != "" {
		t.Errorf("the clone shares something (-want +got):\n%s", diff)
	}
}

func TestNext(t *testing.T) {
	a := wholeApp()
	var given account.App
	next, err := a.Next(func(app account.App) (account.App, error) {
		app.Name = "renamed"
		app.ID, app.Created, app.Version = 1, time.Time{}, 100 // Next ignores these changes
		given = app
		return app, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := wholeApp()
	want.Name, want.Version = "renamed", 8
	if diff := cmp.Diff(&want, next, byPrefix); diff != "" {
		t.Errorf("next (-want +got):\n%s", diff)
	}
	spoil(t, "App", reflect.ValueOf(&given).Elem())
	if diff := cmp.Diff(&want, next, byPrefix); diff != "" {
		t.Errorf("next shares something with what fn returned (-want +got):\n%s", diff)
	}
	spoil(t, "App", reflect.ValueOf(next).Elem())
	if diff := cmp.Diff(wholeApp(), a, byPrefix); diff != "" {
		t.Errorf("next shares something with the app (-want +got):\n%s", diff)
	}
}

func TestNextRefused(t *testing.T) {
	a := wholeApp()
	refusal := errors.New("no")
	next, err := a.Next(func(app account.App) (account.App, error) {
		spoil(t, "App", reflect.ValueOf(&app).Elem())
		return app, refusal
	})
	if next != nil || err != refusal {
		t.Errorf("Next = %v, %v, want the error as it is", next, err)
	}
	if diff := cmp.Diff(wholeApp(), a, byPrefix); diff != "" {
		t.Errorf("fn changed the app (-want +got):\n%s", diff)
	}
}
