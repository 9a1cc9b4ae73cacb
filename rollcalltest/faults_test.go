package rollcalltest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// TestFaults imports an account through the client under each kind of fault. The client
// retries what can succeed later. The calls of the server show each attempt.
func TestFaults(t *testing.T) {
	const command = "account_import"
	for name, test := range map[string]struct {
		fault  client.Fault
		want   client.Code // 0 for success
		status int         // of a TransportError
		calls  string      // HTTP status and code of each attempt
	}{
		"fail twice":        {client.Fault{Code: 70500, Times: 2}, 0, 0, "200/70500 200/70500 200/0"},
		"for good":          {client.Fault{Code: 70398}, 70398, 0, "200/70398"},
		"too many calls":    {client.Fault{Code: 60007, Times: 1}, 0, 0, "200/60007 200/0"},
		"expired":           {client.Fault{Code: 70001, Times: 1}, 0, 0, "200/70001 200/0"},
		"status":            {client.Fault{Status: 502, Times: 1}, 0, 0, "502/0 200/0"},
		"status for good":   {client.Fault{Status: 404}, 0, 404, "404/0"},
		"cut":               {client.Fault{Cut: client.CutBefore, Times: 1}, 0, 0, "0/0 200/0"},
		"cut after the run": {client.Fault{Cut: client.CutBefore, Run: true, Times: 1}, 0, 0, "0/0 200/0"},
		"cut in the middle": {client.Fault{Cut: client.CutMiddle, Times: 1}, 0, 0, "200/0 200/0"},
		"the second call":   {client.Fault{Code: 70398, After: 1}, 0, 0, "200/0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := rollcalltest.NewServer(t)
			test.fault.Command = command
			id := srv.Fail(test.fault)
			err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"})
			if codeOf(err) != test.want || statusOf(err) != test.status || (err == nil) != (test.want == 0 && test.status == 0) {
				t.Errorf("ImportAccount: %v", err)
			}
			var attempts []string
			for _, c := range srv.Calls(command) {
				attempts = append(attempts, fmt.Sprintf("%d/%d", c.Status, c.Code))
				if c.Request == nil || !strings.Contains(c.Request.Text, `"alice"`) {
					t.Errorf("a call without its body: %+v", c)
				}
			}
			if got := strings.Join(attempts, " "); got != test.calls {
				t.Errorf("calls %s, want %s", got, test.calls)
			}
			f := srv.Faults()[0]
			if want := uint64(strings.Count(test.calls, " ") + 1); f.ID != id || f.Hit+f.Passed != want {
				t.Errorf("fault %+v, want %d calls", f, want)
			}
			srv.ClearFaults()
			if err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
				t.Errorf("without the fault: %v", err)
			}
		})
	}
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*client.TransportError](err); ok {
		return e.Status
	}
	return 0
}

// TestDelay checks that a client that waits less than the delay tries again.
func TestDelay(t *testing.T) {
	t.Parallel()
	srv := rollcalltest.NewServer(t)
	srv.Fail(client.Fault{DelayMS: 60_000, Times: 1})
	c, err := client.New(client.Options{BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Key: srv.Key, AttemptTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	if err := c.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Error(err)
	}
	if calls := srv.Calls(""); len(calls) < 2 || calls[0].Fault == "" || calls[1].Fault != "" {
		t.Errorf("calls %+v", calls)
	}
}

// TestFailedItems checks that the client reports the items that a fault fails, each with
// its code.
func TestFailedItems(t *testing.T) {
	t.Parallel()
	srv := rollcalltest.NewServer(t)
	srv.Fail(client.Fault{Command: "multiaccount_import", FailItems: 2, ItemCode: 70398})
	got, err := srv.Client.ImportAll(t.Context(), []client.Account{{UserID: "a"}, {UserID: "b"}, {UserID: "c"}})
	full := client.CodeQuotaExceeded
	want := []client.Result{{UserID: "a", Code: full, Info: full.Text()}, {UserID: "b", Code: full, Info: full.Text()}, {UserID: "c"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("ImportAll = %v, %v, want %v", got, err, want)
	}
	call := srv.Calls("multiaccount_import")[0]
	if len(call.Failures) != 2 || call.Failures[1].UserID != "b" || call.Failures[1].Code != 70398 || call.Failures[1].Advice == "" {
		t.Errorf("failures %+v", call.Failures)
	}
}

// TestProbability checks that two servers with the same seed fail the same calls.
func TestProbability(t *testing.T) {
	t.Parallel()
	var seen [2]string
	for i := range seen {
		srv := rollcalltest.NewServer(t)
		srv.Fail(client.Fault{Code: 70500, Probability: 0.5, Seed: 42})
		c, err := client.New(client.Options{BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Key: srv.Key, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		for range 20 {
			if c.ImportAccount(t.Context(), client.Account{UserID: "alice"}) == nil {
				seen[i] += "."
			} else {
				seen[i] += "x"
			}
		}
	}
	if seen[0] != seen[1] || !strings.Contains(seen[0], ".") || !strings.Contains(seen[0], "x") {
		t.Errorf("%s and %s", seen[0], seen[1])
	}
}

// TestFollowCalls follows the calls of a server while they are made.
func TestFollowCalls(t *testing.T) {
	t.Parallel()
	srv := rollcalltest.NewServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	made := 1 // number of calls, and of items of the newest one
	check(t, srv, made)
	for call, err := range srv.AdminClient.Calls(ctx, srv.SDKAppID, client.CallQuery{Command: "account_check", Newest: 5, Follow: true}) {
		if made == 4 {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("after the end: %+v, %v", call, err)
			}
			break
		}
		if err != nil || call.Items != made {
			t.Fatalf("call %d: %+v, %v", made, call, err)
		}
		if made++; made == 4 {
			cancel()
			continue
		}
		check(t, srv, made)
	}
}

// check checks n ids in one call.
func check(t *testing.T, srv *rollcalltest.Server, n int) {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint("user", i)
	}
	if _, err := srv.Client.CheckAccounts(t.Context(), ids); err != nil {
		t.Error(err)
	}
}

// TestCalls reads back what was called, and why it failed.
func TestCalls(t *testing.T) {
	t.Parallel()
	srv := rollcalltest.NewServer(t)
	err := srv.Client.ImportAccount(t.Context(), client.Account{UserID: "@alice"})
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatal(err)
	}
	call, err := srv.AdminClient.Call(t.Context(), e.RequestID)
	if err != nil || call.Code != int(e.Code) || call.Info != e.Info || call.Signature.Identifier != srv.Admin || call.Response.Bytes == 0 {
		t.Errorf("Call = %+v, %v, want that of %+v", call, err, e)
	}
	if n := len(srv.Calls("account_import")); n != 1 {
		t.Errorf("%d calls", n)
	}
	srv.ClearCalls()
	if n := len(srv.Calls("")); n != 0 {
		t.Errorf("%d calls after ClearCalls", n)
	}
	_, err = srv.AdminClient.Call(t.Context(), e.RequestID)
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusNotFound {
		t.Errorf("a call that was cleared: %v", err)
	}
}

// TestResetEndsFaults resets and restores an app with a fault, a call and a lockout, none of
// which is left.
func TestResetEndsFaults(t *testing.T) {
	for name, again := range map[string]func(*rollcalltest.Server){
		"reset":   func(s *rollcalltest.Server) { s.Reset() },
		"restore": func(s *rollcalltest.Server) { s.Restore("base") },
	} {
		t.Run(name, func(t *testing.T) {
			srv := rollcalltest.NewServer(t, rollcalltest.WithSettings(client.Settings{LockoutAfter: 1}))
			srv.Snapshot("base")
			srv.Fail(client.Fault{Code: 70500})
			stranger, err := client.New(client.Options{BaseURL: srv.URL, SDKAppID: srv.SDKAppID, Key: strings.Repeat("0", 64), Admin: srv.Admin})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second call is locked out
				if _, err := stranger.CheckAccounts(t.Context(), []string{"alice"}); err == nil {
					t.Fatal("a foreign key is accepted")
				}
			}
			again(srv)
			if f, c := srv.Faults(), srv.Calls(""); len(f) != 0 || len(c) != 0 {
				t.Errorf("%d faults and %d calls are left", len(f), len(c))
			}
			if _, err := srv.Client.CheckAccounts(t.Context(), []string{"alice"}); err != nil {
				t.Errorf("after it: %v", err)
			}
		})
	}
}
