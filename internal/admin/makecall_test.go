package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/store/mem"
)

const (
	makePath   = "/admin/v1/apps/1400000001/call"
	testAppDoc = `{"sdkappid":1400000001,"test":true}`
)

// newMakeBench starts a server with a test app.
func newMakeBench(t *testing.T) *bench {
	b := newBench(t, new(mem.Store))
	b.secret(ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", testAppDoc).Secret)
	return b
}

func TestMakeCall(t *testing.T) {
	b := newMakeBench(t)
	made := ok[adminapi.MadeCall](b, 200, "POST", makePath, `{"command":"account_import","body":{"UserID":"alice"}}`)
	if made.Status != 200 || !strings.Contains(made.Body, `"ErrorCode":0`) {
		t.Errorf("%+v", made)
	}
	ok[adminapi.Account](b, 200, "GET", "/admin/v1/apps/1400000001/accounts/alice", "")
	kept := ok[adminapi.Call](b, 200, "GET", "/admin/v1/requests/"+made.RequestID, "")
	if kept.Command != "account_import" || kept.Identifier != "administrator" || kept.Request.Text != `{"UserID":"alice"}` || kept.Peer != "127.0.0.1" {
		t.Errorf("kept: %+v", kept)
	}
	for _, e := range audit(b) {
		if e.Action == "call.make" && e.Actor == "token-admin" && e.Detail == "account_import as administrator" {
			return
		}
	}
	t.Error("the audit trail has no entry")
}

// TestMakeCallIsReal checks that a call fails as that of a client does.
func TestMakeCallIsReal(t *testing.T) {
	b := newMakeBench(t)
	for body, code := range map[string]int{
		`{"command":"account_import","body":{"UserID":"@x"}}`:                       70402,
		`{"command":"account_import","text":"{"}`:                                   60003,
		`{"command":"account_import","text":"{\"UserID\":\"a\",\"UserID\":\"b\"}"}`: 60003,
		`{"command":"account_import","identifier":"alice"}`:                         70403,
	} {
		made := ok[adminapi.MadeCall](b, 200, "POST", makePath, body)
		if kept := ok[adminapi.Call](b, 200, "GET", "/admin/v1/requests/"+made.RequestID, ""); kept.Code != code || !strings.Contains(made.Body, fmt.Sprintf(`"ErrorCode":%d`, kept.Code)) {
			t.Errorf("%s: %+v, want %d", body, made, code)
		}
	}
	ok[adminapi.App](b, 200, "PATCH", "/admin/v1/apps/1400000001", `{"settings":{"rate_limits":{"kick":1}}}`)
	var last strings.Builder
	for range 4 { // of which two are in the same second
		last.WriteString(ok[adminapi.MadeCall](b, 200, "POST", makePath, `{"command":"kick","body":{"UserID":"administrator"}}`).Body)
	}
	if !strings.Contains(last.String(), "60007") {
		t.Errorf("the limit is not enforced: %s", last.String())
	}
}

func TestMakeCallWithFaults(t *testing.T) {
	b := newMakeBench(t)
	for fault, want := range map[string]string{
		`{"cut":"before","times":1}`: `{0  true}`,
		`{"status":502,"times":1}`:   `{502 <html>`,
		`{"code":70500,"times":1}`:   `{200 {"ActionStatus":"FAIL"`,
	} {
		ok[adminapi.ActiveFault](b, 201, "POST", "/admin/v1/apps/1400000001/faults", fault)
		made := ok[adminapi.MadeCall](b, 200, "POST", makePath, `{"command":"kick","body":{"UserID":"administrator"}}`)
		if got := fmt.Sprint(struct {
			Status int
			Body   string
			Cut    bool
		}{made.Status, made.Body, made.Cut}); !strings.HasPrefix(got, want) || made.RequestID == "" {
			t.Errorf("%s: %s, want %s", fault, got, want)
		}
	}
}

func TestMakeCallRefused(t *testing.T) {
	b := newMakeBench(t)
	b.secret(ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002}`).Secret)
	for _, body := range []string{``, `{"command":"nothing"}`, `{"command":"kick","identifier":"\n"}`, `{"command":"kick","body":}`, `{"command":"kick","more":1}`} {
		b.problem(b.call("POST", makePath, body), "bad-request")
	}
	b.problem(b.call("POST", "/admin/v1/apps/1400000002/call", `{"command":"kick"}`), "forbidden")
	b.problem(b.call("POST", "/admin/v1/apps/1400000003/call", `{"command":"kick"}`), "not-found")
	b.problem(b.send(request{method: http.MethodPost, path: makePath, body: `{"command":"kick"}`, token: b.tokens[account.ScopeWrite]}), "forbidden")
}
