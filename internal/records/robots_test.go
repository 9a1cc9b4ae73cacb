package records_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

func nick(text string) []account.Field {
	return []account.Field{{Tag: account.TagNick, Value: account.Value{Text: text}}}
}

func (v *env) robot(a *account.App, id account.UserID, fields ...account.Field) bool {
	v.Helper()
	created, err := v.r.CreateRobot(v.Context(), a, records.RobotChange{UserID: id, Fields: fields, Now: now})
	if err != nil {
		v.Fatalf("CreateRobot(%s): %v", id, err)
	}
	return created
}

// robots returns the robots of an app as "id nick".
func (v *env) robots(a *account.App) (list []string) {
	v.Helper()
	robots, err := v.r.Robots(v.Context(), a)
	if err != nil {
		v.Fatal(err)
	}
	for _, r := range robots {
		list = append(list, string(r.UserID)+" "+r.Nick)
	}
	return list
}

func TestRobots(t *testing.T) {
	each(t, func(v *env) {
		a, other := v.create(app), v.create(otherApp)
		v.equal("of none", v.robots(a), []string(nil))
		if !v.robot(a, "@RBT#2", nick("two")...) || !v.robot(a, "@RBT#1") || !v.robot(other, "@RBT#3") || v.robot(a, "@RBT#2") {
			t.Error("CreateRobot reports the wrong creations")
		}
		v.equal("robots", v.robots(a), []string{"@RBT#1 ", "@RBT#2 two"})
		level := account.Field{Tag: account.TagLevel, Value: account.Value{Number: 7, IsNumber: true}}
		later := now.Add(time.Hour)
		change := records.RobotChange{UserID: "@RBT#2", Fields: append(nick("second"), level), Now: later}
		v.code("ChangeRobot", v.r.ChangeRobot(v.Context(), a, change), account.OK)
		change.UserID = "@RBT#3"
		v.code("ChangeRobot of another app", v.r.ChangeRobot(v.Context(), a, change), account.NoAccount)

		before, err := v.r.Robots(v.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		want := account.Account{
			ID: "@RBT#2", InternalID: before[1].InternalID, Nick: "second", Profile: []account.Field{level},
			Created: account.Millis(now), Updated: account.Millis(later),
		}
		v.equal("account", before[1].Account(), want)
		if before[0].InternalID == before[1].InternalID || before[0].InternalID < 1<<62 || before[0].InternalID >= 1<<63 {
			t.Errorf("internal ids %d, %d", before[0].InternalID, before[1].InternalID)
		}
		v.code("DeleteRobot", v.r.DeleteRobot(v.Context(), a, "@RBT#2"), account.OK)
		v.code("DeleteRobot again", v.r.DeleteRobot(v.Context(), a, "@RBT#2"), account.NoAccount)
		v.equal("after the deletion", v.robots(a), []string{"@RBT#1 "})
		v.robot(a, "@RBT#2")
		after, err := v.r.Robots(v.Context(), a)
		if err != nil || after[1].InternalID == before[1].InternalID || after[1].Nick != "" || after[1].Profile != nil {
			t.Errorf("created again: %+v, %v", after, err)
		}
		v.count(app, 0)
	})
}

// TestMaxRobots creates more robots than an app may have, with several callers at once.
func TestMaxRobots(t *testing.T) {
	each(t, func(v *env) {
		a := v.create(app)
		var wg sync.WaitGroup
		refused := make([]int, 5)
		for caller := range refused {
			wg.Go(func() {
				for i := range 6 {
					id := account.UserID(fmt.Sprintf("@RBT#%d-%d", caller, i))
					_, err := v.r.CreateRobot(v.Context(), a, records.RobotChange{UserID: id, Now: now})
					if account.CodeOf(err) == account.QuotaFull {
						refused[caller]++
					} else if err != nil {
						v.Errorf("CreateRobot: %v", err)
					}
				}
			})
		}
		wg.Wait()
		all := 0
		for _, n := range refused {
			all += n
		}
		list, err := v.r.Robots(v.Context(), a)
		if err != nil || len(list) != account.MaxRobots || all != 30-account.MaxRobots {
			t.Fatalf("%d robots, %d refused, %v", len(list), all, err)
		}
		if v.robot(a, list[0].UserID, nick("changed")...) {
			t.Error("a robot of a full app was created again")
		}
		v.code("DeleteRobot", v.r.DeleteRobot(v.Context(), a, list[0].UserID), account.OK)
		v.robot(a, "@RBT#new")
	})
}

// TestRobotsOfDeletedApp creates an app with the number of a deleted one, whose robots were
// left behind. They do not exist, and give way to new ones.
func TestRobotsOfDeletedApp(t *testing.T) {
	each(t, func(v *env) {
		old := v.create(app)
		v.robot(old, "@RBT#1", nick("old")...)
		v.robot(old, "@RBT#2")
		v.code("DeleteApp", v.r.DeleteApp(v.Context(), app, by("app.delete")), account.OK)
		a, err := v.r.CreateApp(v.Context(), account.App{ID: app, Edition: account.Trial, Created: now.Add(time.Second)}, by("app.create"))
		if err != nil {
			t.Fatal(err)
		}
		v.equal("robots", v.robots(a), []string(nil))
		v.code("DeleteRobot", v.r.DeleteRobot(v.Context(), a, "@RBT#2"), account.NoAccount)
		if !v.robot(a, "@RBT#1") {
			t.Error("the robot existed")
		}
		v.equal("robots", v.robots(a), []string{"@RBT#1 "})
	})
}

// TestReplaceRobots saves the robots of an app, changes them, and puts the saved ones back.
func TestReplaceRobots(t *testing.T) {
	each(t, func(v *env) {
		a := v.create(app)
		v.robot(a, "@RBT#deleted", nick("d")...)
		v.robot(a, "@RBT#kept", nick("k")...)
		saved, err := v.r.Robots(v.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		v.code("DeleteRobot", v.r.DeleteRobot(v.Context(), a, "@RBT#deleted"), account.OK)
		v.robot(a, "@RBT#added")
		v.robot(a, "@RBT#kept", nick("changed")...)
		replace := func(saved []records.Robot) {
			ws, err := v.r.ReplaceRobots(v.Context(), app, saved)
			if err == nil {
				_, err = v.e.Commit(v.Context(), account.Commit{Writes: ws})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		replace(saved)
		again, err := v.r.Robots(v.Context(), a)
		v.code("Robots", err, account.OK)
		v.equal("restored", again, saved)
		replace(nil)
		v.equal("removed", v.robots(a), []string(nil))
		page, err := v.e.Records(v.Context(), account.RecordQuery{Kind: 20, Limit: 10})
		if err != nil || len(page.Records) != 0 {
			t.Errorf("%d records are left, %v", len(page.Records), err)
		}
	})
}

// TestRobotsAfterRestart reads robots with a new handle of the same files.
func TestRobotsAfterRestart(t *testing.T) {
	dir := t.TempDir()
	v := newEnv(t, engines["pebble"](t, dir))
	a := v.create(app)
	v.robot(a, "@RBT#1", nick("one")...)
	v.robot(a, "@RBT#2")
	v.code("DeleteRobot", v.r.DeleteRobot(t.Context(), a, "@RBT#2"), account.OK)
	if err := v.e.Close(); err != nil {
		t.Fatal(err)
	}
	v = newEnv(t, engines["pebble"](t, dir))
	v.equal("robots", v.robots(v.app(app)), []string{"@RBT#1 one"})
	if err := v.e.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRobotOutbox writes further records with each change of a robot.
func TestRobotOutbox(t *testing.T) {
	each(t, func(v *env) {
		a, calls := v.create(app), []bool(nil)
		event := records.Outbox(account.Event{App: app, Kind: account.EventImported, Time: now})
		c := records.RobotChange{UserID: "@RBT#1", Now: now, Outbox: func(created bool) []account.Write {
			calls = append(calls, created)
			return event
		}}
		for range 2 {
			if _, err := v.r.CreateRobot(v.Context(), a, c); err != nil {
				t.Fatal(err)
			}
		}
		v.code("ChangeRobot", v.r.ChangeRobot(v.Context(), a, c), account.OK)
		v.code("DeleteRobot", v.r.DeleteRobot(v.Context(), a, "@RBT#1", event...), account.OK)
		pending, err := v.r.Pending(v.Context(), 0, 10)
		if err != nil || len(pending) != 4 || !slices.Equal(calls, []bool{true, false, false}) {
			t.Errorf("%d events, %v, calls %v", len(pending), err, calls)
		}
	})
}
