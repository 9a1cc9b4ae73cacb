package figures_test

import (
	"slices"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/figures"
	"rollcall/internal/testutil/anystore"
)

// accounts returns the number of accounts at the end of each day, oldest first.
func (v *serverOf) accounts() (n []int64) {
	v.Helper()
	list, err := v.f.ReadDays(v.Context(), v.app())
	if err != nil {
		v.Fatal(err)
	}
	for _, d := range list {
		n = append(n, d.Accounts)
	}
	return n
}

// TestAccountsOfDays checks the number of accounts at the end of each day. One of them is
// the admin.
func TestAccountsOfDays(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{FiguresZone: "UTC"}, "a")
	v := s.at["a"]
	v.create("a", "b")
	s.now = s.now.Add(time.Minute)
	v.store()
	s.now = time.Date(2026, 5, 6, 23, 59, 59, 0, time.UTC)
	v.create("c")
	s.now = s.now.Add(time.Second)
	v.store() // what a server does when the day is over
	v.create("d")
	s.now = s.now.Add(time.Minute)
	v.store()
	s.now = s.now.Add(48 * time.Hour) // it did not run on the day between
	v.create("e")
	if got, want := v.accounts()[figures.Days-5:], []int64{0, 4, 5, 5, 6}; !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
}

// TestAccountsAfterStop stops a server in the middle of a minute. It starts again on the next
// day.
func TestAccountsAfterStop(t *testing.T) {
	s := newService(t, anystore.Pebble, account.Settings{FiguresZone: "UTC"}, "a")
	s.at["a"].create("a", "b")
	s.now = s.now.Add(time.Minute)
	s.at["a"].store()
	s.at["a"].create("c", "d")
	s.restart()
	s.now = s.now.Add(24 * time.Hour)
	s.at["a"].store()
	s.at["a"].create("e")
	if got, want := s.at["a"].accounts()[figures.Days-2:], []int64{5, 6}; !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
}
