package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// TestNoTestApps creates and changes apps on a server that allows no test apps. The store
// has a test app of a developer's server. It cannot falsify anything here, and can be
// turned into an ordinary app.
func TestNoTestApps(t *testing.T) {
	b := newBenchOf(t, directory.Options{Engine: new(mem.Store)})
	b.createApp(1400000001)
	left := account.App{ID: 1400000002, Edition: account.Development, Admins: []account.UserID{"administrator"}, Test: true, Created: now, Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "a secret of the test", Created: now}}}
	if _, err := records.New(b.engine, nil).CreateApp(t.Context(), left, account.AuditEntry{Time: now, Actor: "test", Action: "app.create"}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct{ method, path, body, slug string }{
		{"POST", "/admin/v1/apps", `{"sdkappid":1400000003,"test":true}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000001", `{"test":true}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000001", `{"test":true,"settings":{"any_signature":true}}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000001", `{"settings":{"any_signature":true}}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000002", `{"settings":{"any_signature":true}}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000002", `{"settings":{"cors":true}}`, "bad-request"},
		{"PATCH", "/admin/v1/apps/1400000001", `{"settings":{"cors":true}}`, "bad-request"},
		{"POST", "/admin/v1/apps/1400000001/usersig", ``, "forbidden"},
		{"POST", "/admin/v1/apps/1400000002/usersig", ``, "forbidden"},
	} {
		b.problem(b.call(q.method, q.path, q.body), q.slug)
	}
	if p := b.problem(b.call("POST", "/admin/v1/apps/1400000002/usersig", ""), "forbidden"); !strings.Contains(p.Detail, "--allow-test-apps") {
		t.Errorf("no remedy in %q", p.Detail)
	}
	if a := ok[adminapi.App](b, http.StatusOK, "PATCH", "/admin/v1/apps/1400000002", `{"name":"x","test":true}`); !a.Test || a.Name != "x" {
		t.Errorf("a change that leaves the test app one: %+v", a)
	}
	if a := ok[adminapi.App](b, http.StatusOK, "PATCH", "/admin/v1/apps/1400000002", `{"test":false}`); a.Test {
		t.Errorf("still a test app: %+v", a)
	}
}

// TestNoTestAppAnyMore turns a test app into an ordinary one. That clears any_signature
// and cannot be undone.
func TestNoTestAppAnyMore(t *testing.T) {
	onEngines(t, func(b *bench) {
		const path = "/admin/v1/apps/1400000002"
		b.secret(ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true,"settings":{"any_signature":true,"cors":true,"quota":7}}`).Secret)
		b.problem(b.call("PATCH", path, `{"test":false,"settings":{"any_signature":true}}`), "bad-request")
		if a := ok[adminapi.App](b, 200, "PATCH", path, `{"test":false}`); a.Test || a.Settings.AnySignature || a.Settings.CORS || a.Settings.Quota != 7 {
			b.Errorf("%+v", a)
		}
		for _, patch := range []string{`{"test":true}`, `{"settings":{"any_signature":true}}`} {
			b.problem(b.call("PATCH", path, patch), "bad-request")
		}
		b.problem(b.call("POST", path+"/usersig", ""), "forbidden")
		if e := audit(b)[0]; e.Action != "app.change" || e.Detail != "test" {
			b.Errorf("audit entry %+v", e)
		}
	})
}
