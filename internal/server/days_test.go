package server

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/figures"
	"rollcall/internal/session"
	"rollcall/internal/testutil/anystore"
)

// TestDaysSurviveRestart logs in devices before and after a restart.
func TestDaysSurviveRestart(t *testing.T) {
	c := config.Config{Data: t.TempDir(), Store: anystore.Spec(t, anystore.Kind(t, anystore.Pebble))}
	login := func(l *linkServer, user account.UserID) {
		t.Helper()
		if _, err := l.dir.Login(t.Context(), l.app.ID, user, session.Login{Platform: account.Android}); err != nil {
			t.Fatal(err)
		}
	}
	today := func(l *linkServer) figures.Day {
		t.Helper()
		days, err := l.figures.ReadDays(t.Context(), l.app)
		if err != nil {
			t.Fatal(err)
		}
		return days[len(days)-1]
	}
	l := startLinks(t, c)
	begin := today(l).Date
	login(l, "ann")
	login(l, "bob")
	if d := today(l); d.Date.Equal(begin) && (d.Logins != 2 || d.Users != 2 || d.Created != 2) {
		t.Errorf("before: %+v", d)
	}
	l.end()
	l = startLinks(t, c)
	login(l, "bob")
	login(l, "cleo")
	if d := today(l); !d.Date.Equal(begin) {
		t.Skip("a day has ended meanwhile")
	} else if d.Logins != 4 || d.Users != 3 || d.Created != 3 || d.Accounts != 4 {
		t.Errorf("after a restart: %+v", d)
	}
}
