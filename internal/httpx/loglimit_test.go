package httpx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// serveTimes serves n requests with h.
func serveTimes(h http.Handler, n int) {
	for range n {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	}
}

// TestBadLinesAreBounded refuses more requests in a second than are logged. The
// rest must be counted. Requests that succeed or fail because of the server
// must still be logged.
func TestBadLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lg, log := newLog()
		code, fault := 70009, error(nil)
		h := Handler(lg, func(_ http.ResponseWriter, r *http.Request) error {
			e := EventFrom(r.Context())
			e.SetCode(code)
			e.Fail(fault)
			return nil
		}, nil)
		lines := func(what string) int { return strings.Count(log.String(), what) }
		serveTimes(h, maxBadLines+50)
		if got := lines(`"code":70009`); got != maxBadLines {
			t.Errorf("%d refusals of a second are logged, want %d", got, maxBadLines)
		}
		code = 0
		serveTimes(h, maxBadLines+50)
		if got := lines(`"code":0`); got != maxBadLines+50 {
			t.Errorf("%d successes are logged, want all %d", got, maxBadLines+50)
		}
		fault = errors.New("disk")
		serveTimes(h, maxBadLines+1)
		if got := lines(`"level":"ERROR"`); got != maxBadLines {
			t.Errorf("%d faults of the server are logged, want %d", got, maxBadLines)
		}
		time.Sleep(time.Second)
		code, fault = 70001, nil
		serveTimes(h, 2)
		if got := lines(`"msg":"requests left out of the log","lines":50`); got != 1 {
			t.Errorf("the log says %d times how many refusals are missing, want once", got)
		}
		if got := lines(`"code":70001`); got != 2 {
			t.Errorf("%d refusals of the next second are logged, want 2", got)
		}
	})
}

// TestFaultLinesAreBounded does the same with requests that net/http refuses.
func TestFaultLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &faultWriter{body: func(Fault) (http.Header, []byte) { return nil, nil }}
		var log *logBuffer
		w.lg, log = newLog()
		for range maxBadLines + 7 {
			w.response("HTTP/1.1", Fault{Status: 400})
		}
		time.Sleep(time.Second)
		w.response("HTTP/1.1", Fault{Status: 431})
		if got := strings.Count(log.String(), `"fault":400`); got != maxBadLines {
			t.Errorf("%d faults of a second are logged, want %d", got, maxBadLines)
		}
		if !strings.Contains(log.String(), `"lines":7`) || !strings.Contains(log.String(), `"fault":431`) {
			t.Error("the log lacks the next second, or how many lines are missing")
		}
	})
}

// TestHangUp checks what the log and the metrics record for a client that hung
// up.
func TestHangUp(t *testing.T) {
	canceled := fmt.Errorf("unavailable: %w", context.Canceled)
	for name, tt := range map[string]struct {
		gone   bool
		fault  error
		failed error // error of the handler
		level  string
		told   bool
	}{
		"the client has gone":           {true, canceled, nil, "DEBUG", false},
		"while it waited for its turn":  {true, nil, &BusyError{Cause: context.Canceled}, "DEBUG", false},
		"the client has gone, no fault": {true, nil, nil, "WARN", true},
		"a fault meanwhile":             {true, errors.New("disk"), nil, "ERROR", true},
		"canceled by ourselves":         {false, canceled, nil, "ERROR", true},
		"out of time":                   {true, context.DeadlineExceeded, nil, "ERROR", true},
	} {
		t.Run(name, func(t *testing.T) {
			lg, log := newLog()
			told := false
			h := Handler(lg, func(_ http.ResponseWriter, r *http.Request) error {
				e := EventFrom(r.Context())
				e.OnEnd(func(*Event) { told = true })
				e.SetCode(70169)
				e.Fail(tt.fault)
				return tt.failed
			}, respondError)
			ctx, cancel := context.WithCancel(t.Context())
			if tt.gone {
				cancel()
			}
			defer cancel()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/", nil))
			if got := log.one(t)["level"]; got != tt.level || told != tt.told {
				t.Errorf("level %v, told %v, want %s, %v", got, told, tt.level, tt.told)
			}
		})
	}
}
