package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

const kitApp = "/admin/v1/apps/1400000002"

// newKitApp creates the test app of the tests of the kit, with an account "alice".
func newKitApp(b *bench) *account.App {
	b.Helper()
	b.secret(ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true,"name":"kit"}`).Secret)
	app, err := b.dir.App(b.Context(), 1400000002)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.dir.Import(b.Context(), app, []account.Upsert{{ID: "alice"}}); err != nil {
		b.Fatal(err)
	}
	return app
}

func TestAppClock(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		clock := func(method, body string) adminapi.Clock {
			return ok[adminapi.Clock](b, 200, method, kitApp+"/clock", body)
		}
		at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, step := range []struct {
			method, body string
			want         adminapi.Clock
		}{
			{"GET", "", adminapi.Clock{Now: now}},
			{"PATCH", `{"advance_ms":7776000000}`, adminapi.Clock{Now: now.Add(90 * 24 * time.Hour), OffsetMS: 7776000000}},
			{"PATCH", `{"frozen":true}`, adminapi.Clock{Now: now.Add(90 * 24 * time.Hour), OffsetMS: 7776000000, Frozen: true}},
			{"PATCH", `{"now":"2027-01-01T00:00:00Z","advance_ms":-1000}`, adminapi.Clock{Now: at.Add(-time.Second), OffsetMS: at.Sub(now).Milliseconds() - 1000, Frozen: true}},
			{"GET", "", adminapi.Clock{Now: at.Add(-time.Second), OffsetMS: at.Sub(now).Milliseconds() - 1000, Frozen: true}},
			{"DELETE", "", adminapi.Clock{Now: now}},
		} {
			if got := clock(step.method, step.body); got != step.want {
				b.Errorf("step %d: %+v, want %+v", i, got, step.want)
			}
		}
		for _, body := range []string{`{}`, `{"now":null}`, `{"advance_ms":9300000000000000}`, `{"advance_ms":9000000000000}`, `{"now":"2200-01-01T00:00:00Z"}`, `{"frozen":1}`} {
			b.problem(b.call("PATCH", kitApp+"/clock", body), "bad-request")
		}
	})
}

func TestResetAndSnapshots(t *testing.T) {
	onEngines(t, func(b *bench) {
		newKitApp(b)
		count := func(want int64) {
			b.Helper()
			if got := ok[adminapi.Count](b, 200, "GET", kitApp+"/accounts:count", "").Count; got != want {
				b.Errorf("%d accounts, want %d", got, want)
			}
		}
		snap := ok[adminapi.Snapshot](b, 201, "POST", kitApp+"/snapshots", `{"name":"base"}`)
		if snap.Name != "base" || snap.Accounts != 2 || !snap.CreatedAt.Equal(now) {
			b.Errorf("snapshot %+v", snap)
		}
		alice := ok[adminapi.Account](b, 200, "GET", kitApp+"/accounts/alice", "")
		ok[adminapi.App](b, 200, "PATCH", kitApp, `{"name":"other","settings":{"quota":5}}`)
		if a := ok[adminapi.App](b, 200, "POST", kitApp+"/reset", ""); a.Name != "other" || a.Settings.Quota != 5 || len(a.Keys) != 1 {
			b.Errorf("after the reset: %+v", a)
		}
		count(1)
		if a := ok[adminapi.App](b, 200, "POST", kitApp+"/snapshots/base/restore", ""); a.Name != "kit" || a.Settings.Quota != 0 {
			b.Errorf("after the restoration: %+v", a)
		}
		count(2)
		if again := ok[adminapi.Account](b, 200, "GET", kitApp+"/accounts/alice", ""); again.InternalID != alice.InternalID {
			b.Errorf("alice has the internal id %s, want %s", again.InternalID, alice.InternalID)
		}
		if l := ok[adminapi.SnapshotList](b, 200, "GET", kitApp+"/snapshots", ""); len(l.Snapshots) != 1 || l.Snapshots[0] != snap {
			b.Errorf("snapshots %+v", l)
		}
		b.problem(b.call("POST", kitApp+"/snapshots", `{"name":"a b"}`), "bad-request")
		if p := b.problem(b.call("POST", kitApp+"/snapshots/none/restore", ""), "not-found"); !strings.Contains(p.Detail, "restart") {
			b.Errorf("a snapshot that is not there: %q", p.Detail)
		}
		if r := b.call("DELETE", kitApp+"/snapshots/base", ""); r.status != http.StatusNoContent {
			b.Errorf("deletion: %d", r.status)
		}
		b.problem(b.call("DELETE", kitApp+"/snapshots/base", ""), "not-found")
		var actions []string
		for _, e := range audit(b)[:4] {
			actions = append(actions, e.Action+" "+e.Detail)
		}
		if got := strings.Join(actions, ", "); got != "snapshot.delete base, snapshot.restore base, app.reset , app.change name, settings.quota" {
			b.Errorf("audit trail: %s", got)
		}
	})
}

// kitCalls are calls that only test apps have, on servers that allow them.
var kitCalls = []struct{ method, path, body string }{
	{"GET", "/clock", ""},
	{"PATCH", "/clock", `{"frozen":true}`},
	{"DELETE", "/clock", ""},
	{"POST", "/reset", ""},
	{"GET", "/snapshots", ""},
	{"POST", "/snapshots", `{"name":"s"}`},
	{"POST", "/snapshots/s/restore", ""},
	{"DELETE", "/snapshots/s", ""},
}

// TestKitForTestAppsOnly calls the kit for a usual app, and for a test app on a server that
// allows none.
func TestKitForTestAppsOnly(t *testing.T) {
	allowing := newBench(t, new(mem.Store))
	allowing.createApp(1400000001)
	newKitApp(allowing)
	refusing := newBenchOf(t, directory.Options{Engine: allowing.engine})
	for _, q := range kitCalls {
		for b, want := range map[*bench]struct{ path, remedy string }{
			allowing: {"/admin/v1/apps/1400000001", "use an app that was created with"},
			refusing: {kitApp, "--allow-test-apps"},
		} {
			if p := b.problem(b.call(q.method, want.path+q.path, q.body), "forbidden"); !strings.Contains(p.Detail, want.remedy) {
				t.Errorf("%s %s: %q, want %q", q.method, q.path, p.Detail, want.remedy)
			}
		}
		allowing.problem(allowing.call(q.method, "/admin/v1/apps/1400000009"+q.path, q.body), "not-found")
	}
}

// A plain is an engine without dumps.
type plain struct{ account.Engine }

func TestKitWithoutDumps(t *testing.T) {
	b := newBench(t, plain{new(mem.Store)})
	newKitApp(b)
	for _, q := range kitCalls[3:] {
		if p := b.problem(b.call(q.method, kitApp+q.path, q.body), "unsupported"); !strings.Contains(p.Detail, "pebble:DIR") {
			t.Errorf("%s %s: %q", q.method, q.path, p.Detail)
		}
	}
	b.problem(b.call("POST", "/admin/v1/apps", `{"sdkappid":5,"test":true,"ttl_s":60}`), "bad-request")
	ok[adminapi.Clock](b, 200, "PATCH", kitApp+"/clock", `{"advance_ms":1000}`)
}

func TestThrowAwayApp(t *testing.T) {
	b := newBench(t, new(mem.Store))
	created := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":5,"test":true,"ttl_s":60}`)
	b.secret(created.Secret)
	if !created.App.ExpiresAt.Equal(now.Add(time.Minute)) {
		t.Errorf("expires_at %v, want a minute from now", created.App.ExpiresAt)
	}
	for _, body := range []string{`{"sdkappid":6,"ttl_s":60}`, `{"sdkappid":6,"test":true,"ttl_s":-1}`, `{"sdkappid":6,"test":true,"ttl_s":31622401}`} {
		b.problem(b.call("POST", "/admin/v1/apps", body), "bad-request")
	}
	if a := ok[adminapi.App](b, 200, "PATCH", "/admin/v1/apps/5", `{"test":false}`); !a.ExpiresAt.IsZero() {
		t.Errorf("a usual app expires at %v", a.ExpiresAt)
	}
}
