package auth

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/usersig"
)

const diagnosed = "signed with the key and a line end behind it"

// detail sends the UserSig of an admin, which must be refused, and returns the
// Detail.
func (f *fixture) detail(tb testing.TB, app account.AppID, sig string) string {
	tb.Helper()
	_, err := f.Identify(tb.Context(), Credentials{App: f.app(tb, app), Identifier: "administrator", UserSig: sig})
	e, ok := errors.AsType[*usersig.Error](err)
	if !ok {
		tb.Fatalf("Identify = %v, want a refusal", err)
	}
	if strings.Contains(e.Detail, testKey) {
		tb.Errorf("the Detail contains the key: %s", e.Detail)
	}
	return e.Detail
}

// TestExplainsAreBounded sends UserSigs that are costly to explain. Over the
// bound, the Detail is the one that was known without an explanation.
func TestExplainsAreBounded(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	sig := sign(t, testKey+"\n", firstApp, "administrator", f.time.Unix())
	for range 2 {
		for range explainsPerApp / (250 * time.Microsecond) { // the cost of an HMAC key
			if got := f.detail(t, firstApp, sig); got != diagnosed {
				t.Errorf("Detail = %q", got)
			}
		}
		if got := f.detail(t, firstApp, sig); got != "not signed with the key, or altered since" {
			t.Errorf("over the bound: Detail = %q", got)
		}
		f.time = f.time.Add(time.Second)
	}
}

// TestExplains checks which refusals are explained at the cost of some of the
// budget: those whose reason does not say what is wrong.
func TestExplains(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	now := f.time.Unix()
	for _, step := range []struct {
		sig, want string
		costs     bool
	}{
		{sign(t, testKey, secondApp, "administrator", now), "made for SDKAppID 1400000002", false},
		{sign(t, testKey, firstApp, "user", now), "made for the user \"user\"", false},
		{sign(t, testKey, firstApp, "administrator", 1), "expired", false},
		{sign(t, testKey, firstApp, "administrator", now) + "%3D", "percent-encoded", true},
		{sign(t, testKey+"\n", firstApp, "administrator", now), diagnosed, true},
	} {
		before := f.explains.spent
		if got := f.detail(t, firstApp, step.sig); !strings.Contains(got, step.want) {
			t.Errorf("Detail = %q, want %q", got, step.want)
		}
		if costs := f.explains.spent > before; costs != step.costs {
			t.Errorf("%s: costs a diagnosis: %v, want %v", step.want, costs, step.costs)
		}
	}
}

func TestBudget(t *testing.T) {
	const ms = time.Millisecond
	now := time.Unix(1700000000, 999_999_999)
	b := budget{perApp: 3 * ms, total: 8 * ms}
	for i, step := range []struct {
		app  account.AppID
		cost time.Duration
		want bool
	}{
		{1, 2 * ms, true},
		{1, 2 * ms, true}, // the last expense may exceed the bound
		{1, 1, false},
		{2, 3 * ms, true}, // another app
		{2, 1, false},
		{3, ms, true},
		{3, ms, false}, // the total bound
		{4, 1, false},
	} {
		if got := b.spend(step.app, step.cost, now); got != step.want {
			t.Errorf("%d: %v, want %v", i, got, step.want)
		}
	}
	if len(b.byApp) != 3 {
		t.Errorf("%d apps are kept, want those that spent something", len(b.byApp))
	}
	for _, at := range []time.Time{now.Add(1), now.Add(-time.Hour)} { // a clock may be set back
		if !b.spend(1, ms, at) {
			t.Errorf("%v: nothing is left", at)
		}
	}
}

// TestExplainsOfAnotherApp uses up the budget of one app. That of another app
// is left.
func TestExplainsOfAnotherApp(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp}, account.App{ID: secondApp})
	detail := func(app account.AppID) string {
		return f.detail(t, app, sign(t, testKey+"\n", app, "administrator", f.time.Unix()))
	}
	for i := 0; detail(firstApp) == diagnosed; i++ {
		if i > 1000 {
			t.Fatal("explanations have no bound")
		}
	}
	if got := detail(secondApp); got != diagnosed {
		t.Errorf("Detail = %q", got)
	}
}

// TestExplainAtTheSameMoment refuses a signature just before its UserSig
// expires. The explanation is for the moment of the refusal.
func TestExplainAtTheSameMoment(t *testing.T) {
	f := newFixture(t, account.App{ID: firstApp})
	start := f.time
	f.dir = directory.New(directory.Options{Engine: f.store, Clock: func(account.AppID) time.Time {
		f.time = f.time.Add(time.Second) // each look at the clock
		return f.time
	}})
	refused := 0
	for left := range int64(4) { // seconds until it expires
		f.time = start
		sig := sign(t, testKey+"\n", firstApp, "administrator", start.Unix()-24*60*60+left)
		detail := f.detail(t, firstApp, sig)
		if strings.Contains(detail, "expired") {
			continue
		}
		refused++
		if detail != diagnosed {
			t.Errorf("%d seconds before the end: Detail = %q", left, detail)
		}
	}
	if refused == 0 || refused == 4 {
		t.Errorf("%d of 4 are refused for the signature, want some", refused)
	}
}
