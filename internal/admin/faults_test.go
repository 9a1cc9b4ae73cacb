package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/store/mem"
)

const faultsPath = "/admin/v1/apps/1400000002/faults"

func TestFaults(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.secret(ok[adminapi.CreatedApp](b, http.StatusCreated, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true}`).Secret)
	first := ok[adminapi.ActiveFault](b, http.StatusCreated, "POST", faultsPath, `{"command":"kick","code":60007,"times":2}`)
	if want := (adminapi.Fault{Command: "kick", Code: 60007, Times: 2}); first.Fault.Command != want.Command || first.Fault.Code != want.Code || first.Fault.Times != want.Times || first.ID == "" {
		t.Errorf("%+v", first)
	}
	ok[adminapi.ActiveFault](b, http.StatusCreated, "POST", faultsPath, `{"cut":"before"}`)
	if b.faults.Next(1400000002, "kick") == nil {
		t.Error("the faults are not shared")
	}
	const want = `{"faults":[{"id":"1","fault":{"command":"kick","code":60007,"times":2},"passed":0,"hit":1},{"id":"2","fault":{"cut":"before"},"passed":0,"hit":0}]}`
	if got := b.call("GET", faultsPath, "").body; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := b.call("DELETE", faultsPath+"/"+first.ID, ""); got.status != http.StatusNoContent {
		t.Errorf("%d %s", got.status, got.body)
	}
	if p := b.problem(b.call("DELETE", faultsPath+"/"+first.ID, ""), "not-found"); !strings.Contains(p.Remedy, "rollcall fault list") {
		t.Errorf("%+v", p)
	}
	if got := ok[adminapi.Cleared](b, http.StatusOK, "DELETE", faultsPath, ""); got.Cleared != 1 {
		t.Errorf("%+v", got)
	}
	for body, names := range map[string]string{
		`{}`: "does nothing", `{"code":-1}`: "code", `{"code":1,"command":"kik"}`: "command", `{"probabilty":1}`: "probability", `{"code":"x"}`: "whole number",
	} {
		if p := b.problem(b.call("POST", faultsPath, body), "bad-request"); !strings.Contains(p.Detail, names) {
			t.Errorf("%s: %s", body, p.Detail)
		}
	}
	for range faults.MaxFaults {
		ok[adminapi.ActiveFault](b, http.StatusCreated, "POST", faultsPath, `{"code":70500}`)
	}
	b.problem(b.call("POST", faultsPath, `{"code":70500}`), "conflict")
}

// TestFaultsOfUsualApps checks that an app that is no test app has no faults, and that a
// test app has none on a server without test apps.
func TestFaultsOfUsualApps(t *testing.T) {
	store := new(mem.Store)
	b := newBench(t, store)
	b.createApp(1400000001)
	b.secret(ok[adminapi.CreatedApp](b, http.StatusCreated, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true}`).Secret)
	other := newBenchOf(t, directory.Options{Engine: store})
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if p := b.problem(b.call(method, "/admin/v1/apps/1400000001/faults", `{"code":70500}`), "forbidden"); !strings.Contains(p.Detail, "--test") {
			t.Errorf("%s: %s", method, p.Detail)
		}
		if p := other.problem(other.call(method, faultsPath, `{"code":70500}`), "forbidden"); !strings.Contains(p.Detail, "--allow-test-apps") {
			t.Errorf("%s: %s", method, p.Detail)
		}
	}
	b.problem(b.call("GET", "/admin/v1/apps/1400000009/faults", ""), "not-found")
}
