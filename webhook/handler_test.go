package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/webhook"
)

const token = "a token of the test"

var (
	handled = time.Unix(1700000000, 0)
	logout  = webhook.StateChange{
		EventTime: 1700000000000,
		Info:      webhook.StateInfo{Action: webhook.Logout, ToAccount: "alice", Reason: webhook.Unregister},
	}
)

// signed returns a request with logout, signed with token and vectorSecret.
func signed(t *testing.T) *http.Request {
	t.Helper()
	base, err := url.Parse("http://receiver/hooks?own=1")
	if err != nil {
		t.Fatal(err)
	}
	body := logout.AppendJSON(nil)
	q := webhook.Query{1400000001, webhook.CommandStateChange, netip.MustParseAddr("192.0.2.7"), webhook.Web}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, q.URL(base, token, handled).String(), bytes.NewReader(body))
	signature, err := webhook.SignStandard(vectorSecret, "evt_1", handled, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(webhook.HeaderID, "evt_1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(handled.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, signature)
	return r
}

func TestHandler(t *testing.T) {
	var got []*webhook.Event
	var fail error
	var log strings.Builder
	strict := webhook.Handler{
		Token: token, Secret: vectorSecret, SDKAppID: 1400000001,
		Handle: func(_ context.Context, e *webhook.Event) error { got = append(got, e); return fail },
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Now:    func() time.Time { return handled },
	}
	unchanged := func(*webhook.Handler, *http.Request) {}
	for _, tt := range []struct {
		name   string
		change func(*webhook.Handler, *http.Request)
		fail   error
		status int
		text   string
		events int
	}{
		{"right", unchanged, nil, 200, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, 1},
		{"Handle fails", unchanged, errors.New("no database"), 500, "the receiver could not handle the event\n", 1},
		{"method", func(_ *webhook.Handler, r *http.Request) { r.Method = http.MethodGet }, nil, 405, "a webhook is a POST request\n", 0},
		{"other token", func(h *webhook.Handler, _ *http.Request) { h.Token = "b" }, nil, 401, "signature refused: Sign is not the signature of RequestTime with the receiver's token; compare the tokens\n", 0},
		{"other body", func(_ *webhook.Handler, r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) }, nil, 401, "signature refused: no signature in webhook-signature is that of the body with the receiver's secret; compare the secrets\n", 0},
		{"secret that is none", func(h *webhook.Handler, _ *http.Request) { h.Secret = "whsec_" }, nil, 500, "the receiver is not set up\n", 0},
		{"other app", func(h *webhook.Handler, _ *http.Request) { h.SDKAppID = 1400000002 }, nil, 400, "other app: SdkAppid is 1400000001, and this receiver is for 1400000002\n", 0},
		{"any app", func(h *webhook.Handler, _ *http.Request) { h.SDKAppID = 0 }, nil, 200, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, 1},
		{"no app", func(_ *webhook.Handler, r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "SdkAppid=", "x=", 1)
		}, nil, 400, "other app: SdkAppid is 0, and this receiver is for 1400000001\n", 0},
		{"malformed", func(h *webhook.Handler, r *http.Request) {
			h.Secret, r.Body = "", io.NopCloser(strings.NewReader("{"))
		}, nil, 400, "malformed webhook: the body: unexpected end of JSON input\n", 0},
		{"body that ends early", func(_ *webhook.Handler, r *http.Request) { r.Body = io.NopCloser(errReader{}) }, nil, 400, "malformed webhook: the body could not be read: unexpected EOF\n", 0},
		{"largest body", func(h *webhook.Handler, r *http.Request) { h.Secret, r.Body = "", padded(webhook.MaxBody) }, nil, 200, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, 1},
		{"larger body", func(h *webhook.Handler, r *http.Request) { h.Secret, r.Body = "", padded(webhook.MaxBody+1) }, nil, 413, "body too large: it has more than 1048576 bytes\n", 0},
		{"no checks", func(h *webhook.Handler, r *http.Request) {
			h.Token, h.Secret, h.SDKAppID = "", "", 0
			r.URL.RawQuery, r.Header = "", http.Header{}
		}, nil, 200, `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, fail = nil, tt.fail
			log.Reset()
			h, r, w := strict, signed(t), httptest.NewRecorder()
			tt.change(&h, r)
			h.ServeHTTP(w, r)
			if w.Code != tt.status || w.Body.String() != tt.text || len(got) != tt.events {
				t.Errorf("%d %q and %d events; want %d %q and %d", w.Code, w.Body, len(got), tt.status, tt.text, tt.events)
			}
			checkLog(t, log.String(), w.Code)
		})
	}
}

// checkLog checks that a refusal is logged, without a secret.
func checkLog(t *testing.T, log string, status int) {
	t.Helper()
	if logged := log != ""; logged != (status != 200 && status != 405) {
		t.Errorf("status %d, log %q", status, log)
	}
	for _, secret := range []string{token, vectorSecret, "alice"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q: %s", secret, log)
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// padded returns a body with logout and n bytes.
func padded(n int) io.ReadCloser {
	body := logout.AppendJSON(nil)
	return io.NopCloser(bytes.NewReader(append(body, bytes.Repeat([]byte(" "), n-len(body))...)))
}

func TestRead(t *testing.T) {
	h := webhook.Handler{Token: token, Secret: vectorSecret, SDKAppID: 1400000001, Now: func() time.Time { return handled }}
	got, err := h.Read(signed(t))
	if err != nil {
		t.Fatal(err)
	}
	want := &webhook.Event{
		Query: webhook.Query{1400000001, webhook.CommandStateChange, netip.MustParseAddr("192.0.2.7"), webhook.Web},
		ID:    "evt_1", Body: logout, JSON: logout.AppendJSON(nil),
	}
	if diff := cmp.Diff(want, got, sameAddress); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNow checks that a Handler uses the clock of the machine by default.
func TestNow(t *testing.T) {
	r := signed(t) // long ago
	if _, err := (&webhook.Handler{Token: token}).Read(r); !errors.Is(err, webhook.ErrSignature) {
		t.Errorf("%v, want an ErrSignature", err)
	}
}
