package admin_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

func TestFigures(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(someApp)
		minute := now.Unix()/60 - 3
		slots := []*records.FigureSlot{{Start: minute, Calls: 4, Failed: 1, Codes: map[int]int64{70107: 1}, TookUS: 400, MaxUS: 200}}
		err := records.New(b.engine, nil).AddFigures(b.Context(), "other", map[account.AppID]records.AppFigures{0: {Slots: slots}, someApp: {Slots: slots}})
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range []string{"/admin/v1/figures", "/admin/v1/apps/1400000001/figures", "/admin/v1/apps/1400000001/figures?last=30d"} {
			got := ok[adminapi.Figures](b, http.StatusOK, "GET", path, "")
			if got.Total.Calls != 4 || got.Total.Codes["70107"] != 1 || got.Total.MeanUS != 100 {
				b.Errorf("%s: %+v", path, got.Total)
			}
		}
		if body := b.call("GET", "/admin/v1/figures", "").body; !strings.Contains(body, `{"time":"2026-05-06T07:05:00.000Z","seconds":60,"calls":4,"failed":1,`) {
			b.Error(body)
		}
	})
}

func TestFigureDays(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(someApp)
		day := records.FigureDay{FigureSlot: records.FigureSlot{Start: 1, Logins: 5, Online: 2, Sent: 4, Answered: 3, Created: 7, Deleted: 1}, Date: "20260505", LoggedIn: roaring64.BitmapOf(1, 2, 3)}
		err := records.New(b.engine, nil).AddFigures(b.Context(), "other", map[account.AppID]records.AppFigures{someApp: {Days: []records.FigureDay{day}}})
		if err != nil {
			b.Fatal(err)
		}
		const path = "/admin/v1/apps/1400000001/figures/days"
		got := ok[adminapi.FigureDays](b, http.StatusOK, "GET", path, "")
		if got.Zone != "UTC+8" || len(got.Days) != 30 {
			b.Fatalf("%+v", got)
		}
		want := []adminapi.FigureDay{
			{Date: "2026-05-05", Created: 7, Deleted: 1, Logins: 5, Users: 3, Online: 2, Webhooks: 4, Answered: 3},
			{Date: "2026-05-06", Accounts: 1},
		}
		if !slices.Equal(got.Days[28:], want) {
			b.Errorf("%+v, want %+v", got.Days[28:], want)
		}
		b.problem(b.call("GET", "/admin/v1/apps/1400000009/figures/days", ""), "not-found")
	})
}

func TestFiguresRefused(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.problem(b.call("GET", "/admin/v1/apps/1400000009/figures", ""), "not-found")
	p := b.problem(b.call("GET", "/admin/v1/figures?last=2h", ""), "bad-request")
	if !strings.Contains(p.Detail, `"2h", not one of 1h, 7d, 14d, 30d`) {
		t.Errorf("%+v", p)
	}
}

// An unready engine accepts no writes once it is full.
type unready struct {
	account.Engine
	full *bool
}

func (e unready) Ready(ctx context.Context) error {
	if *e.full {
		return &account.Error{Code: account.Unavailable, Detail: "the disk is full", Err: errors.New("a secret path")}
	}
	return e.Engine.Ready(ctx)
}

func TestStatus(t *testing.T) {
	full := false
	b := newBench(t, unready{new(mem.Store), &full})
	b.createApp(someApp)
	got := ok[adminapi.Status](b, http.StatusOK, "GET", "/admin/v1/status", "")
	if !got.Ready || got.NotReady != "" || got.Store != "kind" || got.Apps != 1 || got.Accounts != 1 {
		t.Errorf("%+v", got)
	}
	full = true
	got = ok[adminapi.Status](b, http.StatusOK, "GET", "/admin/v1/status", "")
	if got.Ready || got.NotReady != "the disk is full" {
		t.Errorf("%+v", got)
	}
}
