package httpx

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errOurs = errors.New("disk on fire")

// respondError responds to every error with its own body. Server errors are
// logged at level Error.
func respondError(w http.ResponseWriter, _ *http.Request, err error) slog.Level {
	_, _ = io.WriteString(w, "sorry")
	if errors.Is(err, errOurs) {
		return slog.LevelError
	}
	return slog.LevelWarn
}

func TestHandler(t *testing.T) {
	tests := map[string]struct {
		handler   HandlerFunc
		wantBody  string
		wantCode  int
		wantEvent map[string]any
	}{
		"success": {
			handler: func(w http.ResponseWriter, r *http.Request) error {
				e := EventFrom(r.Context())
				e.SetCommand("account_check")
				e.SetPath("/v4/x")
				e.SetApp(1400000001)
				e.SetCode(0)
				e.SetCounts(5, 1)
				e.Add(slog.String("note", "x"))
				_, err := io.WriteString(w, "fine")
				return err
			},
			wantBody: "fine",
			wantCode: 200,
			wantEvent: map[string]any{
				"level": "INFO", "command": "account_check", "path": "/v4/x", "app": 1400000001.0, "code": 0.0,
				"items": 5.0, "failed": 1.0, "note": "x", "status": 200.0, "bytes_out": 4.0,
			},
		},
		"nothing written": {
			handler:   func(http.ResponseWriter, *http.Request) error { return nil },
			wantCode:  200,
			wantEvent: map[string]any{"level": "INFO", "status": 200.0, "bytes_out": 0.0},
		},
		"quiet": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).Quiet()
				return nil
			},
			wantCode:  200,
			wantEvent: map[string]any{"level": "DEBUG", "status": 200.0, "bytes_out": 0.0},
		},
		"quiet but refused": {
			handler: func(w http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).Quiet()
				w.WriteHeader(http.StatusServiceUnavailable)
				return nil
			},
			wantCode:  503,
			wantEvent: map[string]any{"level": "INFO", "status": 503.0, "bytes_out": 0.0},
		},
		"quiet but failed": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).Quiet()
				EventFrom(r.Context()).Fail(errOurs)
				return nil
			},
			wantCode:  200,
			wantEvent: map[string]any{"level": "ERROR", "err": errOurs.Error(), "status": 200.0, "bytes_out": 0.0},
		},
		"own status": {
			handler: func(w http.ResponseWriter, _ *http.Request) error {
				w.WriteHeader(http.StatusTeapot)
				return nil
			},
			wantCode:  http.StatusTeapot,
			wantEvent: map[string]any{"level": "INFO", "status": 418.0, "bytes_out": 0.0},
		},
		"fault of the client": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).SetCode(70402)
				return errors.New("no such field")
			},
			wantBody:  "sorry",
			wantCode:  200,
			wantEvent: map[string]any{"level": "WARN", "err": "no such field", "code": 70402.0, "status": 200.0, "bytes_out": 5.0},
		},
		"fault of ours": {
			handler:   func(http.ResponseWriter, *http.Request) error { return errOurs },
			wantBody:  "sorry",
			wantCode:  200,
			wantEvent: map[string]any{"level": "ERROR", "err": "disk on fire", "status": 200.0, "bytes_out": 5.0},
		},
		"error code, with a response of the handler": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).SetCode(70402)
				return nil
			},
			wantCode:  200,
			wantEvent: map[string]any{"level": "WARN", "code": 70402.0, "status": 200.0, "bytes_out": 0.0},
		},
		"server error, with a response of the handler": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).SetCode(70500)
				EventFrom(r.Context()).Fail(errOurs)
				return nil
			},
			wantCode:  200,
			wantEvent: map[string]any{"level": "ERROR", "err": "disk on fire", "code": 70500.0, "status": 200.0, "bytes_out": 0.0},
		},
		"server error, noted and returned": {
			handler: func(_ http.ResponseWriter, r *http.Request) error {
				EventFrom(r.Context()).Fail(errOurs)
				return errors.New("short of time")
			},
			wantBody:  "sorry",
			wantCode:  200,
			wantEvent: map[string]any{"level": "ERROR", "err": "short of time", "status": 200.0, "bytes_out": 5.0},
		},
		"panic": {
			handler:   func(http.ResponseWriter, *http.Request) error { panic("index out of range") },
			wantBody:  "sorry",
			wantCode:  200,
			wantEvent: map[string]any{"level": "ERROR", "err": "panic: index out of range", "status": 200.0, "bytes_out": 5.0},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lg, log := newLog()
			w := httptest.NewRecorder()
			r := httptest.NewRequest("POST", "/v4/x/rct_secret/x%3Fusersig=secret?usersig=secret", strings.NewReader("body of secrets"))
			Handler(lg, tt.handler, respondError).ServeHTTP(w, r)

			if got := w.Body.String(); got != tt.wantBody || w.Code != tt.wantCode {
				t.Errorf("got %d %q, want %d %q", w.Code, got, tt.wantCode, tt.wantBody)
			}
			id := w.Header().Get(RequestIDHeader)
			if len(id) != requestIDLen {
				t.Errorf("%s = %q, want %d characters", RequestIDHeader, id, requestIDLen)
			}
			got := log.one(t)
			if _, ok := got["took_ms"].(float64); !ok {
				t.Errorf("event without took_ms: %v", got)
			}
			if stack, ok := got["err_stack"].(string); ok != (name == "panic") || ok && !strings.Contains(stack, "handler_test.go") {
				t.Errorf("stack = %q", stack)
			}
			for _, key := range []string{"time", "took_ms", "err_stack"} {
				delete(got, key)
			}
			want := tt.wantEvent
			want["msg"], want["request_id"], want["method"], want["bytes_in"] = "request", id, "POST", 0.0
			if want["path"] == nil {
				want["path"] = "/…"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the log holds what it must not: %s", log)
			}
		})
	}
}

// TestHandlerInformational checks that a 1xx status does not count as the
// response: onError still responds to the error after it.
func TestHandlerInformational(t *testing.T) {
	lg, log := newLog()
	ts := httptest.NewServer(Handler(lg, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusEarlyHints)
		return errors.New("too early")
	}, respondError))
	resp, err := ts.Client().Get(ts.URL)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	ts.Close() // waits for the event
	if err != nil || string(got) != "sorry" || resp.StatusCode != http.StatusOK {
		t.Errorf("got %d %q, %v, want 200 %q", resp.StatusCode, got, err, "sorry")
	}
	if event := log.one(t); event["status"] != 200.0 {
		t.Errorf("event = %v, want status 200", event)
	}
}

func TestHandlerBoundsTheLog(t *testing.T) {
	lg, log := newLog()
	r := httptest.NewRequest(strings.Repeat("M", 5000), "/"+strings.Repeat("é", 5000), nil)
	Handler(lg, func(http.ResponseWriter, *http.Request) error { return nil }, respondError).
		ServeHTTP(httptest.NewRecorder(), r)
	if got := len(log.String()); got > 1000 {
		t.Errorf("event of %d bytes: %s", got, log)
	}
}

// TestHandlerBreaksOff has handlers that leave an incomplete response. The
// client must see an error.
func TestHandlerBreaksOff(t *testing.T) {
	fail := func(http.ResponseWriter, *http.Request) error { return errors.New("first") }
	tests := map[string]struct {
		handler   HandlerFunc
		onError   ErrorFunc
		wantLevel string
		wantErr   string
		wantLast  any // value of answer_err
	}{
		"fails after its response has begun": {
			handler: func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = io.WriteString(w, `{"half":`)
				return errors.Join(http.NewResponseController(w).Flush(), errors.New("stream broke"))
			},
			onError:   respondError,
			wantLevel: "ERROR", wantErr: "stream broke",
		},
		"fails after a flush": {
			handler: func(w http.ResponseWriter, _ *http.Request) error {
				return errors.Join(http.NewResponseController(w).Flush(), errors.New("stream broke"))
			},
			onError:   respondError,
			wantLevel: "ERROR", wantErr: "stream broke",
		},
		"aborts": {
			handler:   func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) },
			onError:   respondError,
			wantLevel: "WARN", wantErr: http.ErrAbortHandler.Error(),
		},
		"the error function panics": {
			handler:   fail,
			onError:   func(http.ResponseWriter, *http.Request, error) slog.Level { panic("second") },
			wantLevel: "ERROR", wantErr: "first", wantLast: "panic: second",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			lg, log := newLog()
			ts := httptest.NewServer(Handler(lg, tt.handler, tt.onError))
			defer ts.Close()
			resp, err := ts.Client().Get(ts.URL)
			if err == nil {
				var body []byte
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil {
					t.Errorf("the client accepted a broken response as complete: %q", body)
				}
			}
			ts.Close() // waits for the event
			event := log.one(t)
			if event["level"] != tt.wantLevel || event["err"] != tt.wantErr || event["answer_err"] != tt.wantLast {
				t.Errorf("event = %v, want level %s, err %q, answer_err %v", event, tt.wantLevel, tt.wantErr, tt.wantLast)
			}
		})
	}
}

func TestEventFromWithoutHandler(t *testing.T) {
	e := EventFrom(context.Background())
	e.SetCommand("kick") // must not fail
	if e.RequestID() != "" {
		t.Errorf("RequestID() = %q, want none", e.RequestID())
	}
}

func BenchmarkHandler(b *testing.B) {
	lg := slog.New(slog.NewJSONHandler(io.Discard, nil))
	h := Handler(lg, func(w http.ResponseWriter, r *http.Request) error {
		EventFrom(r.Context()).SetCommand("account_import")
		_, err := io.WriteString(w, "fine")
		return err
	}, respondError)
	r := httptest.NewRequest("POST", "/v4/im_open_login_svc/account_import", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(discardWriter{}, r)
	}
}

// A discardWriter is a ResponseWriter that ignores what is written.
type discardWriter struct{}

func (discardWriter) Header() http.Header         { return http.Header{} }
func (discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (discardWriter) WriteHeader(int)             {}
