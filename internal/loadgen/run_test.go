package loadgen

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts a server with the handler h. It ends with the test.
func start(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

const okAnswer = `{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","FailAccounts":[]}`

func TestRun(t *testing.T) {
	var mu sync.Mutex
	bodies := map[string]bool{}
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies[string(b)] = true
		mu.Unlock()
		fmt.Fprint(w, okAnswer)
	})
	res, err := Run(t.Context(), Options{URL: url, Workload: ImportNew, Calls: 200, Connections: 8})
	if err != nil {
		t.Fatal(err)
	}
	if res.Calls != 200 || res.Accounts != 20_000 || res.Errors != 0 || res.Latency.Count() != 200 || len(bodies) != 200 {
		t.Errorf("result %d calls, %d accounts, %d errors, %d times; %d bodies", res.Calls, res.Accounts, res.Errors, res.Latency.Count(), len(bodies))
	}
	if res.Elapsed <= 0 || res.LongestGap <= 0 || res.LongestGap > res.Elapsed || res.CallsPerSecond() <= 0 || res.AccountsPerSecond() < res.CallsPerSecond() {
		t.Errorf("elapsed %v, gap %v", res.Elapsed, res.LongestGap)
	}
	if res.Sent < 200*8400 || res.Received < 200*int64(len(okAnswer)) {
		t.Errorf("%d bytes sent, %d received", res.Sent, res.Received)
	}
}

// TestSkip checks that a run that continues another one sends the next
// accounts.
func TestSkip(t *testing.T) {
	var bodies sync.Map
	var repeated atomic.Bool
	url := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if _, loaded := bodies.LoadOrStore(string(b), true); loaded {
			repeated.Store(true)
		}
		fmt.Fprint(w, okAnswer)
	})
	for i := range int64(3) {
		res, err := Run(t.Context(), Options{URL: url, Workload: ImportNew, Calls: 5, Skip: 5 * i, Connections: 2})
		if err != nil || res.Calls != 5 {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	if repeated.Load() {
		t.Error("the same accounts were imported again")
	}
}

// TestBadResponse checks that the first bad response ends the run and that the
// error contains it.
func TestBadResponse(t *testing.T) {
	var calls atomic.Int64
	url := start(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) > 20 {
			fmt.Fprint(w, `{"ActionStatus":"FAIL","ErrorCode":70500,"ErrorInfo":"broken"}`)
			return
		}
		fmt.Fprint(w, okAnswer)
	})
	res, err := Run(t.Context(), Options{URL: url, Workload: ImportNew, Calls: 100_000, Connections: 4})
	if err == nil || !strings.Contains(err.Error(), "70500") || !strings.Contains(err.Error(), "broken") {
		t.Fatalf("error %v", err)
	}
	// Of the 20 good responses those that are pending at that moment may be lost.
	if res.Calls < 17 || res.Calls > 20 || res.Errors < 1 || res.Errors > 4 {
		t.Errorf("%d calls, %d errors", res.Calls, res.Errors)
	}
}

// TestCancel checks that the end of the context ends a run that waits for a
// response, without an error.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := start(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client goes
		cancel()
		<-r.Context().Done()
	})
	res, err := Run(ctx, Options{URL: url, Workload: Check, Accounts: 1000, Calls: 10, Connections: 3})
	if err != nil || res.Calls != 0 || res.Errors != 0 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestTimeout checks that a run ends if the server does not respond.
func TestTimeout(t *testing.T) {
	url := start(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	_, err := Run(t.Context(), Options{URL: url, Workload: Check, Accounts: 1000, Duration: time.Millisecond, Timeout: 50 * time.Millisecond, Connections: 1})
	if err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("error %v", err)
	}
}

// TestRate checks that calls become due at the rate, whether or not they can be
// made then.
func TestRate(t *testing.T) {
	begin := time.Now().Add(-time.Hour)
	r := &run{o: &Options{Rate: 10}, ctx: t.Context(), start: begin}
	for i, want := range map[int64]time.Duration{0: 0, 1: 100 * time.Millisecond, 600: time.Minute} {
		if due, ok := r.await(i); !ok || due.Sub(begin) != want {
			t.Errorf("call %d is due after %v, %v", i, due.Sub(begin), ok)
		}
	}
	r.end = begin.Add(time.Minute)
	if _, ok := r.await(601); ok {
		t.Error("a call that falls due after the end is made")
	}
}

func TestOptions(t *testing.T) {
	good := Options{URL: "http://127.0.0.1:1", Workload: ImportNew, Calls: 1}
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"unknown workload": {func(o *Options) { o.Workload = "x" }, "choose one of import-100-new,"},
		"no end":           {func(o *Options) { o.Calls = 0 }, "no end"},
		"negative":         {func(o *Options) { o.Rate = -1 }, "negative"},
		"connections":      {func(o *Options) { o.Connections = MaxConnections + 1 }, "4097 connections"},
		"no accounts":      {func(o *Options) { o.Workload, o.Accounts = Delete, 99 }, "at least 100 accounts"},
		"no token":         {func(o *Options) { o.Workload = List }, "token"},
		"no URL":           {func(o *Options) { o.URL = "127.0.0.1:80" }, "write it like"},
		"other scheme":     {func(o *Options) { o.URL = "ftp://127.0.0.1" }, "write it like"},
	} {
		o := good
		tt.change(&o)
		if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	w, _ := Find(ImportExisting)
	s := newBatchScript(&Options{Accounts: 1_000_000}, &w, "example.test", "")
	for c := int64(0); b.Loop(); c++ {
		s.request(c)
	}
}
