package conformance

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// A hook is a server whose events are sent to a receiver, which answers with a status.
type hook struct {
	*testing.T
	*rollcalltest.Server
	to     *httptest.Server
	got    chan string // path with query, an empty line, and the body
	status chan int    // of the next responses; 200 if there is none
}

func newHook(t *testing.T, n client.NewWebhook) *hook {
	h := &hook{T: t, Server: rollcalltest.NewServer(t), got: make(chan string, 100), status: make(chan int, 100)}
	h.to = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		select {
		case status := <-h.status:
			w.WriteHeader(status)
		default:
		}
		h.got <- r.URL.RequestURI() + "\n\n" + string(body)
	}))
	t.Cleanup(h.to.Close)
	h.set(n)
	return h
}

// set sets the webhook. Its URL is that of the receiver, followed by n.URL.
func (h *hook) set(n client.NewWebhook) {
	h.Helper()
	n.URL = h.to.URL + n.URL
	if _, err := h.AdminClient.SetWebhook(h.Context(), h.SDKAppID, n); err != nil {
		h.Fatal(err)
	}
}

var variable = regexp.MustCompile(`"EventTime":\d+`)

// next returns the next request, with {{now}} in place of EventTime.
func (h *hook) next() string {
	h.Helper()
	select {
	case r := <-h.got:
		return variable.ReplaceAllString(r, `"EventTime":{{now}}`)
	case <-time.After(30 * time.Second):
		h.Fatal("no webhook came")
		return ""
	}
}

// want checks the next request.
func (h *hook) want(query, body string) {
	h.Helper()
	want := "/?SdkAppid=" + fmt.Sprint(h.SDKAppID) + "&" + query + "\n\n" + body
	if got := h.next(); got != want {
		h.Errorf("got  %s\nwant %s", got, want)
	}
}

// nick sets the nick of an account over the account API.
func (h *hook) nick(user, nick string) {
	h.Helper()
	if err := h.Client.SetProfile(h.Context(), user, client.Field{Tag: "Tag_Profile_IM_Nick", Text: nick}); err != nil {
		h.Fatal(err)
	}
}

func portrait(user, nick string) string {
	return `{"CallbackCommand":"Profile.CallbackPortraitSet","Operator_Account":"administrator","From_Account":"` + user +
		`","EventTime":{{now}},"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"` + nick + `"}]}`
}

const byREST = "CallbackCommand=Profile.CallbackPortraitSet&contenttype=json&ClientIP=127.0.0.1&OptPlatform=RESTAPI"
