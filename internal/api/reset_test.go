package api

import (
	"testing"

	"rollcall/internal/account"
)

// TestResetRates resets an app that is over a rate limit. The next call of the same second is
// within the limit.
func TestResetRates(t *testing.T) {
	f := newFixture(t, account.App{ID: openApp, Test: true, Settings: account.Settings{RateLimits: map[string]int{"account_check": 1}}})
	const body = `{"CheckItem":[{"UserID":"al"}]}`
	for _, want := range []int{0, 60007} {
		if c := f.tryCall(t, openApp, "account_check", body); c.Code != want {
			t.Fatalf("%+v, want the code %d", c, want)
		}
	}
	if _, err := f.dir.Reset(t.Context(), "test", openApp); err != nil {
		t.Fatal(err)
	}
	if c := f.tryCall(t, openApp, "account_check", body); c.Code != 0 {
		t.Errorf("after a reset: %+v, want a call within the limit", c)
	}
}
