package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/internal/adminapi"
	"rollcall/internal/calls"
	"rollcall/internal/ratelimit"
	"rollcall/internal/store/mem"
)

const (
	someApp  = 1400000001
	requests = "/admin/v1/apps/1400000001/requests"
)

// newCallBench starts a server with one app.
func newCallBench(t *testing.T) *bench {
	b := newBench(t, new(mem.Store))
	b.createApp(someApp)
	return b
}

// kept adds a call to the log and returns its sequence number.
func (b *bench) kept(c calls.Call) uint64 {
	b.calls.Add(&c)
	return c.Seq
}

// listed returns the ids of the calls on a page, and its last.
func (b *bench) listed(path string) (ids string, last uint64) {
	b.Helper()
	page := ok[adminapi.CallList](b, http.StatusOK, "GET", path, "")
	var all []string
	for _, c := range page.Calls {
		all = append(all, c.RequestID)
	}
	return strings.Join(all, " "), page.Last
}

func TestReadCall(t *testing.T) {
	b := newCallBench(t)
	b.kept(calls.Call{RequestID: "AAAA", SDKAppID: someApp, Time: now, Code: 70402, Info: "i", Advice: "a", Request: calls.NewBody([]byte("{}"))})
	got := b.call("GET", "/admin/v1/requests/AAAA", "")
	if got.status != http.StatusOK || !strings.Contains(got.body, `"time":"2026-05-06T07:08:09.123Z"`) || !strings.Contains(got.body, `"request":{"text":"{}","bytes":2}`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if p := b.problem(b.call("GET", "/admin/v1/requests/BBBB", ""), "not-found"); !strings.Contains(p.Remedy, "Rollcall-Explain") {
		t.Errorf("%+v", p)
	}
}

func TestListCalls(t *testing.T) {
	b := newCallBench(t)
	first := b.kept(calls.Call{RequestID: "A", SDKAppID: someApp, Command: "kick", Request: calls.NewBody([]byte("{}"))})
	b.kept(calls.Call{RequestID: "B", SDKAppID: someApp, Command: "account_check", Failures: []calls.Failure{{Code: 70402}}})
	b.kept(calls.Call{RequestID: "C"})
	for path, want := range map[string]string{
		requests:                                "B A",
		requests + "?limit=1":                   "B",
		requests + "?after=0":                   "A B",
		requests + "?after=0&limit=1":           "A",
		requests + fmt.Sprint("?after=", first): "B",
		requests + "?command=kick":              "A",
		requests + "?code=70402":                "B",
		requests + "?code=0&after=0":            "A B",
		"/admin/v1/requests":                    "C B A",
		"/admin/v1/requests?after=0":            "A B C",
	} {
		if got, _ := b.listed(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if _, last := b.listed(requests + "?after=0&limit=1"); last != first {
		t.Errorf("last = %d, want %d", last, first)
	}
	if got := b.call("GET", requests, "").body; strings.Contains(got, `"request"`) {
		t.Errorf("a list has bodies: %s", got)
	}
	if got := b.call("GET", requests+"?bodies=true", "").body; !strings.Contains(got, `"request":{"text":"{}"`) {
		t.Errorf("a list has no bodies: %s", got)
	}
	for _, query := range []string{"code=x", "code=-1", "after=x", "wait=1", "after=0&wait=51", "after=0&wait=-1", "bodies=yes", "limit=0"} {
		b.problem(b.call("GET", requests+"?"+query, ""), "bad-request")
	}
	b.problem(b.call("GET", "/admin/v1/apps/1400000009/requests", ""), "not-found")
}

// TestCallPagesAreBounded reads more bodies than fit on one page. Together the pages have
// every call once.
func TestCallPagesAreBounded(t *testing.T) {
	b := newCallBench(t)
	large := calls.NewBody([]byte(strings.Repeat("x", calls.MaxBody)))
	const n = 50
	for i := range n {
		b.kept(calls.Call{RequestID: fmt.Sprint(i), SDKAppID: someApp, Request: large})
	}
	next, pages := 0, 0
	for after := uint64(0); next < n; pages++ {
		page := ok[adminapi.CallList](b, http.StatusOK, "GET", fmt.Sprint(requests, "?bodies=true&after=", after), "")
		if len(page.Calls) == 0 || len(page.Calls) > 2<<20/calls.MaxBody {
			t.Fatalf("a page with %d calls", len(page.Calls))
		}
		for _, c := range page.Calls {
			if c.RequestID != fmt.Sprint(next) {
				t.Fatalf("call %s, want %d", c.RequestID, next)
			}
			next++
		}
		after = page.Last
	}
	if pages != 2 {
		t.Errorf("%d pages", pages)
	}
}

// TestAwaitCalls waits for a call that another goroutine adds.
func TestAwaitCalls(t *testing.T) {
	b := newCallBench(t)
	_, last := b.listed(requests)
	type page struct {
		ids  string
		last uint64
	}
	got := make(chan page)
	go func() {
		ids, last := b.listed(fmt.Sprint(requests, "?command=kick&wait=50&after=", last))
		got <- page{ids, last}
	}()
	for strings.Count(b.log.String(), `"command":"admin.listAppCalls"`) < 2 { // logged when the wait begins
		time.Sleep(time.Millisecond)
	}
	other := b.kept(calls.Call{RequestID: "other", SDKAppID: someApp, Command: "account_check"})
	want := b.kept(calls.Call{RequestID: "kick", SDKAppID: someApp, Command: "kick"})
	if p := <-got; p.ids != "kick" || p.last < want || other >= want {
		t.Errorf("%+v, want the call with seq %d", p, want)
	}
	if ids, again := b.listed(fmt.Sprint(requests, "?wait=1&after=", want)); ids != "" || again != want {
		t.Errorf("without a new call: %q, %d", ids, again)
	}
}

func TestClearCalls(t *testing.T) {
	b := newCallBench(t)
	b.kept(calls.Call{RequestID: "A", SDKAppID: someApp})
	b.kept(calls.Call{RequestID: "B"})
	if got := ok[adminapi.Cleared](b, http.StatusOK, "DELETE", requests, ""); got.Cleared != 1 {
		t.Errorf("%+v", got)
	}
	if ids, _ := b.listed("/admin/v1/requests"); ids != "B" {
		t.Errorf("left: %s", ids)
	}
}

func TestRateReport(t *testing.T) {
	b := newCallBench(t)
	at := func(s int64) time.Time { return time.Unix(1700000000+s, 0) }
	for _, hit := range []struct {
		command string
		second  int64
		n       int
	}{{"kick", 0, 2}, {"", 1, 1}, {"kick", 3, 5}} {
		for range hit.n {
			b.rates.Add(ratelimit.Key{App: someApp, Command: hit.command}, 10, at(hit.second))
		}
	}
	got := b.call("GET", "/admin/v1/apps/1400000001/rate-report", "")
	const want = `{"commands":[{"command":"kick","limit":10,"peak":15,"refused":7,"seconds":2},{"command":"","limit":10,"peak":11,"refused":1,"seconds":1}],` +
		`"seconds":[{"command":"kick","time":"2023-11-14T22:13:23.000Z","limit":10,"calls":15,"refused":5},{"command":"","time":"2023-11-14T22:13:21.000Z","limit":10,"calls":11,"refused":1},` +
		`{"command":"kick","time":"2023-11-14T22:13:20.000Z","limit":10,"calls":12,"refused":2}]}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("%d %s\nwant %s", got.status, got.body, want)
	}
	b.problem(b.call("GET", "/admin/v1/apps/1400000009/rate-report", ""), "not-found")
}
