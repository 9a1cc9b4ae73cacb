package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/account"
)

// by is the audit entry of a change.
func by(action string) account.AuditEntry {
	return account.AuditEntry{Time: now, Actor: "test", TokenID: "0f9a1c2e", Action: action, Detail: "detail of " + action}
}

func (v *env) createApp(id account.AppID) *account.App {
	v.Helper()
	a, err := v.e.CreateApp(v.Context(), account.App{ID: id, Edition: account.Trial, Created: account.Millis(now)}, by("app.create"))
	if err != nil {
		v.Fatalf("CreateApp: %v", err)
	}
	return a
}

// app reads an app that must exist.
func (v *env) app(id account.AppID) *account.App {
	v.Helper()
	a, err := v.e.App(v.Context(), id)
	if err != nil {
		v.Fatalf("App: %v", err)
	}
	return a
}

// equalApps compares apps; nil and empty lists are the same.
func (v *env) equalApps(what string, got, want any) {
	v.Helper()
	opts := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{})}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		v.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// rename returns an update that sets the name.
func rename(name string) func(account.App) (account.App, error) {
	return func(a account.App) (account.App, error) {
		a.Name = name
		return a, nil
	}
}

func testAppCreate(v *env) {
	if _, err := v.e.App(v.Context(), app); account.CodeOf(err) != account.NoApp {
		v.Errorf("App: %v, want Code no app", err)
	}
	created := v.createApp(app)
	v.equalApps("App", v.app(app), created)
	_, err := v.e.CreateApp(v.Context(), account.App{ID: app, Name: "second"}, by("app.create"))
	if account.CodeOf(err) != account.Exists {
		v.Errorf("second CreateApp: %v, want Code exists", err)
	}
	v.equalApps("after the second CreateApp", v.app(app), created)
}

func testAppUpdate(v *env) {
	created := v.createApp(app)
	updated, err := v.e.UpdateApp(v.Context(), app, rename("new"), by("app.rename"))
	if err != nil || updated.Name != "new" || updated.Version != 2 {
		v.Fatalf("UpdateApp = %+v, %v", updated, err)
	}
	if created.Name != "" {
		v.Errorf("the update changed a record returned before: %+v", created)
	}
	v.equalApps("App", v.app(app), updated)
	_, err = v.e.UpdateApp(v.Context(), otherApp, rename("x"), by("app.rename"))
	if account.CodeOf(err) != account.NoApp {
		v.Errorf("UpdateApp of no app: %v, want Code no app", err)
	}
}

func testAppUpdateRefused(v *env) {
	before := v.createApp(app)
	stop := errors.New("stop")
	for _, want := range []error{stop, &account.Error{Code: account.InvalidApp, Detail: "no"}} {
		_, err := v.e.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
			a.Name = "new"
			return a, want
		}, by("app.rename"))
		if err != want {
			v.Errorf("UpdateApp: %v, want the error of fn as it is", err)
		}
	}
	v.equalApps("App", v.app(app), before)
}

func testAppUpdateConcurrent(v *env) {
	const callers, each = 8, 5
	v.createApp(app)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				_, err := v.e.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
					a.Name += "x"
					a.Admins = append(a.Admins, "admin")
					return a, nil
				}, by("app.rename"))
				if err != nil {
					v.Errorf("UpdateApp: %v", err)
				}
			}
		})
	}
	wg.Wait()
	a := v.app(app)
	if len(a.Name) != callers*each || len(a.Admins) != callers*each || a.Version != 1+callers*each {
		v.Errorf("after %d updates: %d, %d, Version %d", callers*each, len(a.Name), len(a.Admins), a.Version)
	}
}

// testAppUpdateFixed changes what cannot be changed.
func testAppUpdateFixed(v *env) {
	v.createApp(app)
	admins := []account.UserID{"administrator"}
	got, err := v.e.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
		a.ID, a.Created, a.Version, a.Admins = 7, now.AddDate(1, 0, 0), 99, admins
		return a, nil
	}, by("app.change"))
	if err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	admins[0] = "changed afterwards"
	want := &account.App{
		ID: app, Edition: account.Trial, Created: account.Millis(now), Version: 2,
		Admins: []account.UserID{"administrator"},
	}
	v.equalApps("UpdateApp", got, want)
	v.equalApps("App", v.app(app), want)
}

// wholeApp returns an app with every field set.
func wholeApp() account.App {
	at := account.Millis(now)
	return account.App{
		ID: app, Name: "name 中文", Edition: account.Pro, Disabled: true, Test: true, Created: at, Version: 1,
		Keys: []account.Key{
			{ID: "k1", Kind: account.HMACKey, Secret: "s\"<>", Created: at},
			{ID: "k2", Kind: account.ECDSAKey, Secret: "PEM\n", Created: at, Retired: at.Add(time.Hour), Ended: true},
		},
		Admins: []account.UserID{"administrator", "second admin"},
		Settings: account.Settings{
			Quota: 7, AllowDelete: true, TombstoneDays: -1,
			CustomTags:   []account.CustomTag{{Key: "Hobby", Number: true, NoRead: true, NoWrite: true}},
			Words:        []string{"bad", "坏"},
			AllowSources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
			Region:       "sgp", RateMode: account.RateShadow, RateLimits: map[string]int{"account_check": 3},
			AppRateLimit: 1, LockoutAfter: 2, StrictIDs: true, KickedAsExpired: true, NotAdmin: account.NotAdminGateway,
			FailWhollyFailed: true, EchoUnknownIDs: true, NumbersAsText: true, StatusAndState: true, SendRequestID: true, AnySignature: true,
		},
	}
}

// testAppWhole stores every field and spoils what it passed.
func testAppWhole(v *env) {
	given, want := wholeApp(), wholeApp()
	given.Version = 99
	got, err := v.e.CreateApp(v.Context(), given, by("app.create"))
	if err != nil {
		v.Fatalf("CreateApp: %v", err)
	}
	given.Keys[0].Secret = "spoilt"
	given.Settings.RateLimits["account_check"] = 99
	v.equalApps("CreateApp", got, &want)
	v.equalApps("App", v.app(app), &want)
}

func testApps(v *env) {
	want := []account.AppID{1, 255, 256, app, otherApp, 1<<32 - 1}
	for _, i := range []int{3, 0, 5, 2, 4, 1} {
		v.createApp(want[i])
	}
	as, err := v.e.Apps(v.Context())
	if err != nil {
		v.Fatalf("Apps: %v", err)
	}
	var got []account.AppID
	for _, a := range as {
		got = append(got, a.ID)
	}
	v.equal("Apps", got, want)
}

func (v *env) audit(q account.AuditQuery) []account.AuditEntry {
	v.Helper()
	es, err := v.e.Audit(v.Context(), q)
	if err != nil {
		v.Fatalf("Audit(%+v): %v", q, err)
	}
	return es
}

// testAudit checks order and contents of the trail.
func testAudit(v *env) {
	if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 0 {
		v.Errorf("the trail of nothing: %+v", es)
	}
	v.createApp(app)
	v.createApp(otherApp)
	entry := by("app.rename")
	entry.App, entry.Seq = 7, 99 // both are the store's
	if _, err := v.e.UpdateApp(v.Context(), app, rename("x"), entry); err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	want := []account.AuditEntry{by("app.rename"), by("app.create"), by("app.create")}
	for i, id := range []account.AppID{app, otherApp, app} {
		want[i].App = id
	}
	noSeq := cmpopts.IgnoreFields(account.AuditEntry{}, "Seq")
	if diff := cmp.Diff(want, v.audit(account.AuditQuery{Limit: 10}), noSeq); diff != "" {
		v.Errorf("trail (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:2], v.audit(account.AuditQuery{App: otherApp, Limit: 10}), noSeq); diff != "" {
		v.Errorf("trail of one app (-want +got):\n%s", diff)
	}
}

// testAuditPages reads a trail of two apps in pages.
func testAuditPages(v *env) {
	v.createApp(app)
	v.createApp(otherApp)
	for i := range 10 {
		id := []account.AppID{app, otherApp}[i%2]
		if _, err := v.e.UpdateApp(v.Context(), id, rename(fmt.Sprint(i)), by(fmt.Sprint("app.", i))); err != nil {
			v.Fatalf("UpdateApp: %v", err)
		}
	}
	for _, tt := range []struct {
		app  account.AppID
		want int
	}{{0, 12}, {app, 6}, {otherApp, 6}} {
		all := v.audit(account.AuditQuery{App: tt.app, Limit: 100})
		if len(all) != tt.want {
			v.Errorf("app %d has %d entries, want %d", tt.app, len(all), tt.want)
		}
		var paged []account.AuditEntry
		q := account.AuditQuery{App: tt.app, Limit: 4}
		for page := v.audit(q); len(page) > 0; page = v.audit(q) {
			paged = append(paged, page...)
			q.Before = page[len(page)-1].Seq
		}
		v.equal(fmt.Sprint("pages of app ", tt.app), paged, all)
	}
}

// testAuditAtomic checks that what was refused leaves no entry.
func testAuditAtomic(v *env) {
	v.createApp(app)
	_, _ = v.e.CreateApp(v.Context(), account.App{ID: app}, by("app.create"))
	_, _ = v.e.UpdateApp(v.Context(), otherApp, rename("x"), by("app.rename"))
	_, _ = v.e.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
		return a, errors.New("stop")
	}, by("app.rename"))
	if es := v.audit(account.AuditQuery{Limit: 10}); len(es) != 1 {
		v.Errorf("%d entries after one change: %+v", len(es), es)
	}
	ended, cancel := context.WithCancel(v.Context())
	cancel()
	_, err := v.e.UpdateApp(ended, app, rename("y"), by("app.rename"))
	if account.CodeOf(err) != account.Unavailable && err != nil {
		v.Errorf("UpdateApp: %v, want Code unavailable", err)
	}
	last, err := v.e.UpdateApp(v.Context(), app, rename("z"), by("app.rename")) // comes after the one before
	if err != nil {
		v.Fatalf("UpdateApp: %v", err)
	}
	if es := v.audit(account.AuditQuery{Limit: 10}); uint64(len(es)) != last.Version {
		v.Errorf("%d entries for %d versions", len(es), last.Version)
	}
}
