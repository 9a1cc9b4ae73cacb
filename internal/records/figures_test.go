package records_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// minute0 is the first minute of a day.
const minute0 int64 = 20_000 * 24 * 60

func slot(minute, calls int64, codes ...int) *records.FigureSlot {
	s := &records.FigureSlot{Start: minute, Calls: calls, TookUS: 10 * calls, MaxUS: calls}
	for _, code := range codes {
		s.Failed++
		s.AddCode(code, 1)
	}
	return s
}

func (v *env) addFigures(node string, id account.AppID, slots ...*records.FigureSlot) {
	v.Helper()
	if err := v.r.AddFigures(v.Context(), node, map[account.AppID]records.AppFigures{id: {Slots: slots}}); err != nil {
		v.Fatalf("AddFigures: %v", err)
	}
}

// starts returns the starts and calls of the slots that read passes on.
func (v *env) starts(read func(func(*records.FigureSlot)) error) []string {
	v.Helper()
	var got []string
	err := read(func(s *records.FigureSlot) { got = append(got, fmt.Sprintf("%d:%d", s.Start-minute0, s.Calls)) })
	if err != nil {
		v.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func (v *env) minutes(id account.AppID) []string {
	v.Helper()
	return v.starts(func(each func(*records.FigureSlot)) error { return v.r.FigureMinutes(v.Context(), id, each) })
}

func (v *env) hours(id account.AppID, from int64) []string {
	v.Helper()
	return v.starts(func(each func(*records.FigureSlot)) error { return v.r.FigureHours(v.Context(), id, from, each) })
}

func TestFigures(t *testing.T) {
	each(t, func(v *env) {
		const day, hour = 24 * 60, 60
		v.equal("of nothing", v.minutes(app), []string(nil))
		v.addFigures("a", app, slot(minute0-1, 1), slot(minute0+5, 2), slot(minute0+7, 3))
		v.addFigures("a", app, slot(minute0+7, 10))
		v.addFigures("b", app, slot(minute0+7, 100))
		v.addFigures("a", otherApp, slot(minute0, 7))
		v.equal("minutes", v.minutes(app), []string{"-1:1", "5:2", "7:100", "7:13"})
		v.equal("hours", v.hours(app, minute0-day), []string{"-60:1", "0:100", "0:15"})
		v.equal("hours of the last day", v.hours(app, minute0+day-1), []string{"0:100", "0:15"})
		v.addFigures("a", app, slot(minute0+records.FigureMinutes+5, 1))
		v.equal("minutes later", v.minutes(app), []string{"66:1", "7:100", "7:13"})
		v.addFigures("a", app, slot(minute0, 1))
		v.equal("a minute that is too old", v.minutes(app), []string{"66:1", "7:100", "7:13"})
		v.equal("its hour", v.hours(app, minute0), []string{"0:100", "0:16", "60:1"})
		v.equal("another app", v.hours(otherApp, minute0), []string{"0:7"})
	})
}

func TestFigureCodes(t *testing.T) {
	var s records.FigureSlot
	for code := range 2 * records.MaxFigureCodes {
		s.AddCode(code, 2)
	}
	sum := slot(0, 1)
	sum.Add(&s)
	sum.Add(&s)
	if len(sum.Codes) != records.MaxFigureCodes+1 || sum.Codes[0] != 4 || sum.Codes[records.OtherCode] != 4*records.MaxFigureCodes {
		t.Errorf("%d codes, %d others", len(sum.Codes), sum.Codes[records.OtherCode])
	}
}

// TestFigureAccounts checks that the newest count of accounts wins.
func TestFigureAccounts(t *testing.T) {
	each(t, func(v *env) {
		for _, at := range []int64{3, 9, 6} {
			s := slot(minute0+at, 0)
			s.Accounts = &records.FigureCount{At: minute0 + at, N: 100 - at}
			v.addFigures("a", app, s)
		}
		err := v.r.FigureHours(v.Context(), app, minute0, func(s *records.FigureSlot) {
			v.equal("accounts", s.Accounts, &records.FigureCount{At: minute0 + 9, N: 91})
		})
		v.code("FigureHours", err, account.OK)
	})
}

func TestPruneFigures(t *testing.T) {
	each(t, func(v *env) {
		const day = 24 * 60
		for id := range account.AppID(3) {
			for d := range int64(4) {
				v.addFigures("a", id, slot(minute0+d*day, 1))
			}
		}
		v.addFigures("gone", 0, slot(minute0+day, 1))
		keep := func(id account.AppID) bool { return id != 1 }
		v.code("PruneFigures", v.r.PruneFigures(v.Context(), minute0+2*day+5, keep), account.OK)
		for id, want := range [][]string{{"2880:1", "4320:1"}, nil, {"2880:1", "4320:1"}} {
			v.equal(fmt.Sprint("hours of app ", id), v.hours(account.AppID(id), minute0), want)
		}
		v.equal("minutes", v.minutes(0), []string{"4320:1"})
		v.code("RemoveFigures", v.r.RemoveFigures(v.Context(), 2), account.OK)
		v.equal("hours of a removed app", v.hours(2, minute0), []string(nil))
		v.equal("hours of another", len(v.hours(0, minute0)), 2)
	})
}

// TestFiguresTogether adds figures to the same records at the same time.
func TestFiguresTogether(t *testing.T) {
	each(t, func(v *env) {
		const writers, rounds = 4, 5
		done := make(chan error)
		for range writers {
			go func() {
				var err error
				for range rounds {
					if err == nil {
						err = v.r.AddFigures(v.Context(), "a", map[account.AppID]records.AppFigures{app: {Slots: []*records.FigureSlot{slot(minute0, 1, 7)}}})
					}
				}
				done <- err
			}()
		}
		for range writers {
			v.code("AddFigures", <-done, account.OK)
		}
		v.equal("minutes", v.minutes(app), []string{fmt.Sprint("0:", writers*rounds)})
	})
}

// TestLargeFigures stores the largest figures of the largest number of apps.
func TestLargeFigures(t *testing.T) {
	each(t, func(v *env) {
		var list []*records.FigureSlot
		for m := range int64(records.FigureMinutes) {
			s := slot(minute0-30+m, 1<<40)
			for code := range records.MaxFigureCodes + 1 {
				s.AddCode(900_000+code, 1<<20)
			}
			list = append(list, s)
		}
		const users = records.MaxFigureUsers / records.MaxFigureApps
		slots := map[account.AppID]records.AppFigures{}
		for round := range uint64(2) { // the second one merges parts
			for id := range account.AppID(records.MaxFigureApps) {
				some := roaring64.New()
				for i := range uint64(users) {
					some.Add(2*i*40_000 + round) // far apart
				}
				day := records.FigureDay{FigureSlot: *slot(minute0, 1), Date: "20241004", LoggedIn: some}
				slots[id] = records.AppFigures{Slots: list, Days: []records.FigureDay{day}}
			}
			v.code("AddFigures", v.r.AddFigures(v.Context(), "a", slots), account.OK)
		}
		set, err := v.r.FigureUsers(v.Context(), 3, "20241004")
		if err != nil || set.GetCardinality() != 2*users {
			v.Errorf("%d accounts, %v", set.GetCardinality(), err)
		}
		v.equal("minutes", len(v.minutes(3)), records.FigureMinutes)
	})
}
