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

// TestAccountsOfOldDays checks the number of accounts of the oldest days, on which no server
// ran.
func TestAccountsOfOldDays(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{FiguresZone: "UTC"}, "a")
	v := s.at["a"]
	all := func(what string, n int64) {
		t.Helper()
		if got, want := v.accounts(), slices.Repeat([]int64{n}, figures.Days); !slices.Equal(got, want) {
			t.Errorf("%s: accounts %v, want %v", what, got, want)
		}
	}
	v.create("a", "b")
	s.now = s.now.Add(time.Minute)
	v.store()
	s.now = s.now.Add(30 * 24 * time.Hour)
	all("counted on the day before the oldest one", 3)
	s.now = s.now.Add(30 * 24 * time.Hour)
	v.store()
	all("counted today", 3)
}

// TestAccountsNotCounted checks the number of accounts of days without a count, before the
// first one and after it. It follows from the accounts that were created and deleted.
func TestAccountsNotCounted(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{FiguresZone: "UTC"}, "a")
	v := s.at["a"]
	for _, ids := range [][]account.UserID{{"a", "b"}, {"c"}, {"d"}} {
		v.create(ids...)
		v.flush() // without a count of accounts
		s.now = s.now.Add(24 * time.Hour)
	}
	if _, err := v.dir.Delete(t.Context(), v.app(), []account.UserID{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	want := []int64{0, 3, 4, 5, 3} // the first day is the one before the app was created
	if got := v.accounts()[figures.Days-len(want):]; !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
	v.store()
	s.now = s.now.Add(24 * time.Hour)
	v.create("e")
	v.flush()
	s.now = s.now.Add(24 * time.Hour)
	v.create("f")
	want = append(want, 4, 5)
	if got := v.accounts()[figures.Days-len(want):]; !slices.Equal(got, want) {
		t.Errorf("accounts %v after a count, want %v", got, want)
	}
}

// TestAccountsAtMidnight lets an account log in on the new day before the accounts of the old
// one are counted.
func TestAccountsAtMidnight(t *testing.T) {
	s := newService(t, anystore.Mem, account.Settings{FiguresZone: "UTC"}, "a")
	v := s.at["a"]
	v.create("a")
	s.now = s.now.Add(time.Minute)
	v.store()
	s.now = time.Date(2026, 5, 6, 23, 59, 59, 0, time.UTC)
	v.create("b")
	s.now = s.now.Add(time.Second)
	v.login("a", account.Android)
	v.store()
	s.now = s.now.Add(time.Hour)
	v.create("c")
	if got, want := v.accounts()[figures.Days-2:], []int64{3, 4}; !slices.Equal(got, want) {
		t.Errorf("accounts %v, want %v", got, want)
	}
}
