package records_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

func TestCreateApp(t *testing.T) {
	each(t, func(v *env) {
		_, err := v.r.App(v.Context(), app)
		v.code("App of none", err, account.NoApp)
		created := v.create(app, "administrator")
		v.equal("App", v.app(app), created)
		v.count(app, 1)
		_, err = v.r.CreateApp(v.Context(), account.App{ID: app, Name: "second", Admins: []account.UserID{"x"}}, by("app.create"))
		v.code("second CreateApp", err, account.Exists)
		v.equal("after the second CreateApp", v.app(app), created)
		v.count(app, 1)
	})
}

func TestUpdateApp(t *testing.T) {
	each(t, func(v *env) {
		created := v.create(app, "administrator")
		updated := v.update(app, func(a *account.App) { a.Name, a.Admins = "new", append(a.Admins, "boss") })
		if updated.Name != "new" || updated.Version != 2 || created.Name != "" {
			v.Errorf("UpdateApp = %+v, the previous app is %+v", updated, created)
		}
		v.equal("App", v.app(app), updated)
		v.count(app, 2)
		_, err := v.r.UpdateApp(v.Context(), otherApp, change(rename("x")), by("app.rename"))
		v.code("UpdateApp of no app", err, account.NoApp)
	})
}

func TestUpdateAppRefused(t *testing.T) {
	each(t, func(v *env) {
		before := v.create(app)
		stop := errors.New("stop")
		for _, want := range []error{stop, &account.Error{Code: account.InvalidApp, Detail: "no"}} {
			_, err := v.r.UpdateApp(v.Context(), app, func(a account.App) (account.App, error) {
				a.Name = "new"
				return a, want
			}, by("app.rename"))
			if err != want {
				v.Errorf("UpdateApp: %v, want the error of fn as it is", err)
			}
		}
		_, err := v.r.UpdateApp(v.Context(), app, change(rename(strings.Repeat("x", account.MaxRecordValue))), by("app.rename"))
		v.code("UpdateApp that makes the record too large", err, account.BadParameter)
		v.equal("App", v.app(app), before)
	})
}

// TestUpdateAppConcurrent checks that concurrent changes of an app are not lost.
func TestUpdateAppConcurrent(t *testing.T) {
	each(t, func(v *env) {
		const callers, rounds = 8, 5
		v.create(app)
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range rounds {
					v.update(app, func(a *account.App) { a.Name += "x" })
				}
			})
		}
		wg.Wait()
		if a := v.app(app); len(a.Name) != callers*rounds || a.Version != 1+callers*rounds {
			v.Errorf("after %d updates: %d, Version %d", callers*rounds, len(a.Name), a.Version)
		}
	})
}

// TestUpdateAppCreatedAgain deletes the app and creates it again during a change. The new
// app has the Version of the old one, but the change must not overwrite it with the old.
func TestUpdateAppCreatedAgain(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		v.update(app, rename("old"))
		runs := 0
		got := v.update(app, func(a *account.App) {
			if runs++; runs == 1 {
				if err := v.r.DeleteApp(v.Context(), app, by("app.delete")); err != nil {
					v.Fatal(err)
				}
				v.create(app)
				v.update(app, rename("new"))
			}
			a.Settings.Quota = 7
		})
		if got.Name != "new" || got.Settings.Quota != 7 || got.Version != 3 || runs != 2 {
			v.Errorf("the app is %+v after %d runs, want the new one with the quota", got, runs)
		}
		v.equal("App", v.app(app), got)
	})
}

// TestUpdateAppEnds checks that a change that other changes always overtake ends with its
// context.
func TestUpdateAppEnds(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		ctx, cancel := context.WithCancel(v.Context())
		defer cancel()
		runs := 0
		_, err := v.r.UpdateApp(ctx, app, func(a account.App) (account.App, error) {
			v.update(app, rename("others"))
			if runs++; runs == 3 {
				cancel()
			}
			a.Name = "mine"
			return a, nil
		}, by("app.rename"))
		v.code("UpdateApp", err, account.Unavailable)
		if a := v.app(app); a.Name != "others" || runs != 3 {
			v.Errorf("the name is %q after %d runs", a.Name, runs)
		}
	})
}

// TestUpdateAppFixed changes the fields that cannot be changed.
func TestUpdateAppFixed(t *testing.T) {
	each(t, func(v *env) {
		v.create(app)
		admins := []account.UserID{"administrator"}
		got := v.update(app, func(a *account.App) {
			a.ID, a.Created, a.Version, a.Admins = 7, now.AddDate(1, 0, 0), 99, admins
		})
		admins[0] = "changed afterwards"
		want := &account.App{ID: app, Edition: account.Trial, Created: now, Version: 2, Admins: []account.UserID{"administrator"}}
		v.equal("UpdateApp", got, want)
		v.equal("App", v.app(app), want)
	})
}

// wholeApp returns an app with every field set.
func wholeApp() account.App {
	return account.App{
		ID: app, Name: "name 中文", Edition: account.Pro, Disabled: true, Test: true, Created: now, Version: 1,
		Keys: []account.Key{
			{ID: "k1", Kind: account.HMACKey, Secret: "s\"<>", Created: now},
			{ID: "k2", Kind: account.ECDSAKey, Secret: "PEM\n", Created: now, Retired: now.Add(time.Hour), Ended: true},
		},
		Admins: []account.UserID{"administrator", "second admin"},
		Settings: account.Settings{
			Quota: 7, AllowDelete: true, TombstoneDays: -1,
			CustomTags:   []account.CustomTag{{Key: "Hobby", Number: true, NoRead: true, NoWrite: true}},
			Words:        []string{"bad", "坏"},
			AllowSources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
			Region:       "sgp", RateMode: account.RateShadow, RateLimits: map[string]int{"account_check": 3},
			AppRateLimit: 1, LockoutAfter: 2, StrictIDs: true, KickedAsExpired: true, NotAdmin: account.NotAdminGateway,
			LoginMode: account.LoginDual, DevicesPerPlatform: 2, WebInstances: 3, PushPlatforms: []account.Platform{account.Mac},
			LinkTimeouts: map[account.Platform]int{account.Web: 5}, KickEvent: account.KickEventOff, KickedReconnect: account.KickedReconnectRefuse,
			FailWhollyFailed: true, EchoUnknownIDs: true, NumbersAsText: true, StatusAndState: true, SendRequestID: true, AnySignature: true, CORS: true,
		},
	}
}

// TestWholeApp stores every field, and then overwrites the app that it passed.
func TestWholeApp(t *testing.T) {
	each(t, func(v *env) {
		given, want := wholeApp(), wholeApp()
		given.Version = 99
		got, err := v.r.CreateApp(v.Context(), given, by("app.create"))
		if err != nil {
			v.Fatalf("CreateApp: %v", err)
		}
		given.Keys[0].Secret = "spoilt"
		given.Settings.RateLimits["account_check"] = 99
		v.equal("CreateApp", got, &want)
		v.equal("App", v.app(app), &want)
	})
}

func TestApps(t *testing.T) {
	each(t, func(v *env) {
		want := []account.AppID{1, 255, 256, app, otherApp, 1<<32 - 1}
		for _, i := range []int{3, 0, 5, 2, 4, 1} {
			v.create(want[i])
		}
		as, err := v.r.Apps(v.Context())
		if err != nil {
			v.Fatalf("Apps: %v", err)
		}
		var got []account.AppID
		for _, a := range as {
			got = append(got, a.ID)
		}
		v.equal("Apps", got, want)
	})
}

// TestManyApps stores more apps than a page of records contains.
func TestManyApps(t *testing.T) {
	each(t, func(v *env) {
		const many = account.MaxListLimit + 2
		for i := range many {
			v.create(account.AppID(i + 1))
		}
		as, err := v.r.Apps(v.Context())
		if err != nil || len(as) != many || as[many-1].ID != many {
			v.Errorf("Apps = %d apps, %v; want %d", len(as), err, many)
		}
	})
}

// TestDeleteAppTogether deletes an app during its deletion. One of the calls finds no app.
func TestDeleteAppTogether(t *testing.T) {
	b := &busy{Engine: new(mem.Store)}
	v := &env{t, b, records.New(b, nil)}
	v.create(app)
	b.then = func() { v.code("DeleteApp", v.r.DeleteApp(t.Context(), app, by("app.delete")), account.OK) }
	v.code("DeleteApp that began first", v.r.DeleteApp(t.Context(), app, by("app.delete")), account.NoApp)
	v.equal("entries", len(v.audit(account.AuditQuery{App: app, Limit: 10})), 2)
}

// TestDeleteTokenTogether deletes a token and creates it again during its deletion.
func TestDeleteTokenTogether(t *testing.T) {
	b := &busy{Engine: new(mem.Store)}
	v := &env{t, b, records.New(b, nil)}
	v.createToken(token("00000001", "a"))
	b.then = func() {
		v.code("DeleteToken", v.r.DeleteToken(t.Context(), "00000001", by("token.delete")), account.OK)
		other := token("00000002", "other")
		other.ID = "00000001"
		v.createToken(other)
	}
	v.code("DeleteToken that began first", v.r.DeleteToken(t.Context(), "00000001", by("token.delete")), account.OK)
	v.equal("tokens", len(v.tokens()), 0)
}

func TestDeleteApp(t *testing.T) {
	each(t, func(v *env) {
		v.code("DeleteApp of none", v.r.DeleteApp(v.Context(), app, by("app.delete")), account.NoApp)
		v.create(app, "administrator", "boss")
		policy := account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone}
		if _, err := v.e.Upsert(v.Context(), app, []account.Upsert{{ID: "a"}}, policy); err != nil {
			v.Fatal(err)
		}
		err := v.r.DeleteApp(v.Context(), app, by("app.delete"))
		v.code("DeleteApp with an account", err, account.Conflict)
		if !strings.Contains(account.DetailOf(err), "delete them first") {
			v.Errorf("detail %q", account.DetailOf(err))
		}
		v.equal("Version", v.app(app).Version, uint64(1))
		v.count(app, 3)
		if _, err := v.e.Delete(v.Context(), app, []account.UserID{"a"}, account.ChangePolicy{Now: now}); err != nil {
			v.Fatal(err)
		}
		v.code("DeleteApp", v.r.DeleteApp(v.Context(), app, by("app.delete")), account.OK)
		_, err = v.r.App(v.Context(), app)
		v.code("App", err, account.NoApp)
		v.count(app, 0)
		if es := v.audit(account.AuditQuery{App: app, Limit: 10}); len(es) != 2 || es[0].Action != "app.delete" {
			v.Errorf("trail: %+v", es)
		}
		v.equal("Version of the next app", v.create(app).Version, uint64(1))
	})
}
