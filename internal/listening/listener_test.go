package listening

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/webhook"
)

const (
	hookToken  = "a token of the test"
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

var hookTime = time.Date(2026, 7, 1, 12, 0, 0, 500_000_000, time.UTC)

// newListener returns a Listener whose time is hookTime, and the webhooks that it prints.
func newListener(t *testing.T, o Options) (*Listener, *[]*Webhook) {
	t.Helper()
	var printed []*Webhook
	o.Print = func(w *Webhook) { printed = append(printed, w) }
	o.Now = func() time.Time { return hookTime }
	l := New(o)
	t.Cleanup(l.Close)
	return l, &printed
}

// hookRequest returns a request with a body, signed at a time.
func hookRequest(t *testing.T, body webhook.Body, at time.Time) *http.Request {
	t.Helper()
	base, err := url.Parse("http://receiver/hooks")
	if err != nil {
		t.Fatal(err)
	}
	q := webhook.Query{SDKAppID: 1400000001, Command: body.CallbackCommand(), OptPlatform: webhook.IOS, ClientIP: netip.MustParseAddr("192.0.2.7")}
	text := body.AppendJSON(nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, q.URL(base, hookToken, at).String(), bytes.NewReader(text))
	signature, err := webhook.SignStandard(hookSecret, "evt_1", at, text)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(webhook.HeaderID, "evt_1")
	r.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(webhook.HeaderSignature, signature)
	return r
}

// plainRequest returns a request without signatures.
func plainRequest(t *testing.T, method, query, body string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), method, "http://receiver/?"+query, strings.NewReader(body))
}

func TestWebhooks(t *testing.T) {
	login := webhook.StateChange{
		EventTime:    hookTime.UnixMilli() - 2000,
		Info:         webhook.StateInfo{Action: webhook.Login, ToAccount: "alice", Reason: webhook.Register},
		KickedDevice: []webhook.Device{{Platform: webhook.Windows}, {Platform: webhook.Android}},
	}
	status := webhook.StateChange{
		EventTime: hookTime.UnixMilli() - 2001,
		Info:      webhook.StateInfo{Action: webhook.CustomStatusChange, ToAccount: "alice", Reason: webhook.SetCustomStatus, CustomStatus: "在忙 \"x\""},
	}
	cleared := status
	cleared.Info.CustomStatus, cleared.EventTime = "", hookTime.UnixMilli()+1
	profile := webhook.PortraitSet{
		OperatorAccount: "administrator", FromAccount: "alice", EventTime: hookTime.UnixMilli(),
		ProfileItem: []webhook.Field{{Tag: "Tag_Profile_IM_Nick", Text: "Al"}, {Tag: "Tag_Profile_IM_Level", Number: 7, IsNumber: true}},
	}
	alert := webhook.OverLimit{ServiceName: "openim", Command: "batchsendmsg", Request: 510, Limit: 200}
	long := `{"CallbackCommand":"Sns.CallbackFriendAdd","PairList":["` + strings.Repeat("x", maxStart) + `"]}`
	const ok = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`
	for _, tt := range []struct {
		name  string
		o     Options
		r     *http.Request
		facts string
		notes []string
		code  int
		body  string
	}{
		{
			"login",
			Options{Token: hookToken, Secret: hookSecret, SDKAppID: 1400000001},
			hookRequest(t, login, hookTime),
			"alice | Login/Register | instead of Windows, Android | on iOS at 192.0.2.7",
			[]string{"Sign is right; webhook-signature is right; webhook-id evt_1"},
			200, ok,
		},
		{
			"custom status",
			Options{},
			hookRequest(t, status, hookTime),
			"alice | CustomStatusChange/SetCustomStatus | status \"在忙 \\\"x\\\"\" | on iOS at 192.0.2.7 | event of 2026-07-01T11:59:58.499Z",
			[]string{"Sign is not checked: give the token; webhook-signature is not checked: give the secret; webhook-id evt_1"},
			200, ok,
		},
		{
			"custom status cleared, signatures too old",
			Options{Token: hookToken, Secret: hookSecret},
			hookRequest(t, cleared, hookTime.Add(-301*time.Second)),
			"alice | CustomStatusChange/SetCustomStatus | status cleared | on iOS at 192.0.2.7 | event of 2026-07-01T12:00:00.501Z",
			[]string{"Sign is wrong: RequestTime is more than 60 seconds in the past; send the request again, or set the clocks; " +
				"webhook-signature is wrong: webhook-timestamp is more than 300 seconds in the past; send the request again, or set the clocks; webhook-id evt_1"},
			200, ok,
		},
		{
			"profile, other token, other app",
			Options{Token: "another token", SDKAppID: 1400000002},
			hookRequest(t, profile, hookTime),
			"alice | by administrator | Tag_Profile_IM_Nick=\"Al\" Tag_Profile_IM_Level=7 | on iOS at 192.0.2.7",
			[]string{
				"Sign is wrong: Sign is not the signature of RequestTime with the receiver's token; compare the tokens; webhook-signature is not checked: give the secret; webhook-id evt_1",
				"other app: SdkAppid is 1400000001, and 1400000002 was expected",
			},
			200, ok,
		},
		{
			"alert without a signature",
			Options{Token: hookToken},
			plainRequest(t, "POST", "SdkAppid=1&CallbackCommand=Alert.RequestOverLimit&OptPlatform=RESTAPI", string(alert.AppendJSON(nil))),
			"openim/batchsendmsg | 510 calls per second of 200",
			[]string{"Sign is wrong: Sign or RequestTime is missing in the URL; set the token at the sender"},
			200, ok,
		},
		{
			"other command, error on purpose",
			Options{Status: 503},
			plainRequest(t, "POST", "SdkAppid=1&CallbackCommand=Sns.CallbackFriendAdd", long),
			long[:maxStart],
			[]string{"answered with 503"},
			503, "every webhook is answered with 503\n",
		},
		{
			"no webhook",
			Options{},
			plainRequest(t, "POST", "", "a=1"),
			"a=1",
			[]string{"malformed webhook: the body is not a JSON object"},
			200, ok,
		},
		{
			"GET",
			Options{},
			plainRequest(t, "GET", "CallbackCommand=State.StateChange", ""),
			"",
			[]string{"a webhook is a POST request, and this one is GET", "answered with 405"},
			405, "a webhook is a POST request\n",
		},
		{
			"large",
			Options{},
			plainRequest(t, "POST", "CallbackCommand=State.StateChange", strings.Repeat(" ", webhook.MaxBody+1)),
			"",
			[]string{"the body could not be read: http: request body too large", "answered with 413"},
			413, "the body could not be read: http: request body too large\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, printed := newListener(t, tt.o)
			w := httptest.NewRecorder()
			l.ServeHTTP(w, tt.r)
			if len(*printed) != 1 {
				t.Fatalf("%d webhooks printed", len(*printed))
			}
			if got := strings.Join((*printed)[0].Facts(), " | "); got != tt.facts {
				t.Errorf("facts %s\nwant  %s", got, tt.facts)
			}
			if diff := cmp.Diff(tt.notes, (*printed)[0].Notes()); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if w.Code != tt.code || w.Body.String() != tt.body {
				t.Errorf("answer %d %q, want %d %q", w.Code, w.Body, tt.code, tt.body)
			}
		})
	}
}

// TestPlaces checks that a webhook waits while as many as allowed are received.
func TestPlaces(t *testing.T) {
	l, printed := newListener(t, Options{})
	for range maxWebhooks {
		l.places <- struct{}{}
	}
	ctx, gone := context.WithCancel(t.Context())
	gone()
	l.ServeHTTP(httptest.NewRecorder(), plainRequest(t, "POST", "", "{}").WithContext(ctx))
	if len(*printed) != 0 {
		t.Error("a webhook was received without a place")
	}
	<-l.places
	l.ServeHTTP(httptest.NewRecorder(), plainRequest(t, "POST", "", "{}"))
	if len(*printed) != 1 || len(l.places) != maxWebhooks-1 {
		t.Errorf("%d webhooks, %d places taken", len(*printed), len(l.places))
	}
}

// readAll returns everything that r has.
func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// TestForward compares what a target gets with what was sent, and the answer with
// that of the target.
func TestForward(t *testing.T) {
	var got *http.Request
	var gotBody string
	status, answer := 201, "thanks"
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, gotBody = r, readAll(t, r.Body)
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer target.Close()
	body := webhook.StateChange{Info: webhook.StateInfo{Action: webhook.Logout, ToAccount: "alice", Reason: webhook.Unregister}}
	for _, tt := range []struct {
		status         int
		answer, passed string
	}{
		{201, "thanks", "thanks"},
		{503, "later", "later"},
		{302, "", ""},
		{200, strings.Repeat("x", maxAnswer+1), strings.Repeat("x", maxAnswer)},
	} {
		status, answer = tt.status, tt.answer
		l, printed := newListener(t, Options{Forward: parse(t, target.URL+"/in?own=1")})
		r, w := hookRequest(t, body, hookTime), httptest.NewRecorder()
		r.Header.Set("Connection", "X-Hop")
		r.Header.Set("X-Hop", "1")
		r.Header.Set("X-Kept", "1")
		query := r.URL.RawQuery
		l.ServeHTTP(w, r)
		if w.Code != tt.status || w.Body.String() != tt.passed || w.Header().Get("Retry-After") != "7" {
			t.Errorf("answer %d with %d bytes, %v; want %d with %d", w.Code, w.Body.Len(), w.Header(), tt.status, len(tt.passed))
		}
		if got, want := (*printed)[0].Notes(), fmt.Sprintf("forward answered %d", tt.status); got[len(got)-1] != want {
			t.Errorf("notes %q, want %q at their end", got, want)
		}
		if got.Method != "POST" || got.URL.Path != "/in" || got.URL.RawQuery != "own=1&"+query || gotBody != string(body.AppendJSON(nil)) {
			t.Errorf("forwarded %s %s with %q", got.Method, got.URL, gotBody)
		}
		want := r.Header.Clone()
		want.Del("Connection")
		want.Del("X-Hop")
		want.Set("Content-Length", strconv.Itoa(len(gotBody)))
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	}
}

// TestForwardFails forwards to a closed port.
func TestForwardFails(t *testing.T) {
	target := httptest.NewServer(nil)
	target.Close()
	l, printed := newListener(t, Options{Forward: parse(t, target.URL)})
	w := httptest.NewRecorder()
	l.ServeHTTP(w, plainRequest(t, "POST", "SdkAppid=1&CallbackCommand=a&Sign=s", "{}"))
	if w.Code != 502 || w.Body.String() != "the webhook could not be forwarded\n" {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	if got := (*printed)[0].Forward; !strings.HasPrefix(got, "failed: dial tcp ") {
		t.Errorf("forward %s", got)
	}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// waiting is a transport whose target does not answer.
type waiting struct{}

func (waiting) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestForwardTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		target := &url.URL{Scheme: "http", Host: "target"}
		_, err := forward(plainRequest(t, "POST", "", "{}"), nil, target, waiting{})
		if err == nil || err.Error() != "no response within 30s" || time.Since(start) != forwardTimeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestJSON checks the keys of a webhook.
func TestJSON(t *testing.T) {
	l, printed := newListener(t, Options{Token: hookToken, Status: 500})
	body := webhook.OverLimit{ServiceName: "s", Command: "c", Request: 2, Limit: 1}
	l.ServeHTTP(httptest.NewRecorder(), hookRequest(t, body, hookTime))
	got, err := json.Marshal((*printed)[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"time":"2026-07-01T12:00:00.5Z","path":"/hooks","sdkappid":"1400000001","command":"Alert.RequestOverLimit","opt_platform":"iOS",` +
		`"id":"evt_1","sign":"right","webhook_signature":"not checked: give the secret","status":500,` +
		`"body":{"CallbackCommand":"Alert.RequestOverLimit","ServiceName":"s","Command":"c","Request":2,"Limit":1}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
