package console_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/testutil"
)

// hook returns the webhook of the app.
func (v *visitor) hook() *client.Webhook {
	v.Helper()
	w, err := v.srv.AdminClient.Webhook(v.Context(), v.srv.SDKAppID)
	if err != nil {
		v.Fatal(err)
	}
	return w
}

const hookPage = "./app/webhook"

func TestWebhook(t *testing.T) {
	v := newVisitor(t)
	var status atomic.Int32
	status.Store(http.StatusOK)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		_, _ = io.WriteString(w, "<i>thanks</i>")
	}))
	defer receiver.Close()
	v.get(hookPage).ok().has("The app has no webhook").lacks(`<form id="verify"`, `<form id="unset"`)
	v.submit(hookPage, "set", "text:url", "example.com").is(http.StatusBadRequest).has("begins with neither", `value="example.com"`)

	const token = "a-token-of-letters-and-digits"
	testutil.Secret(t, token)
	v.submit(hookPage, "set", "text:url", receiver.URL, "lines:events", "Profile.CallbackPortraitSet\nAlert.RequestOverLimit", "text:mode", "faithful",
		"secret:token", token, "bool:import_event", "false", "text:ios_spelling", "iOS").ok().has("in effect at once").lacks(token)
	if w := v.hook(); !w.Token || w.URL != receiver.URL || len(w.Events) != 2 || w.Mode != "faithful" {
		t.Errorf("the webhook is %+v", w)
	}
	v.by("context", "webhook.set")
	v.get(hookPage).ok().has("active", receiver.URL, "Profile.CallbackPortraitSet").lacks(token)

	v.submit(hookPage, "verify").ok().has("accepted the test with HTTP 200", "&lt;i&gt;thanks").lacks("<i>thanks")
	status.Store(http.StatusTeapot)
	v.submit(hookPage, "verify").ok().has("did not accept the test", "HTTP 418")
	v.get(hookPage).ok().has("delivered", "the receiver answered HTTP 418")

	v.submit(hookPage, "unset", "_confirm", "no").is(http.StatusBadRequest)
	v.submit(hookPage, "unset", "_confirm", v.id()).done()
	v.get(hookPage).ok().has("The app has no webhook")
}

// TestWebhookSecrets sets, renews and removes secrets and certificates. Nothing else of the
// webhook changes then.
func TestWebhookSecrets(t *testing.T) {
	v := newVisitor(t)
	cert, key := testutil.Certificate(t)
	v.submit(hookPage, "set", "text:url", "https://127.0.0.1:9/hooks", "lines:events", "State.StateChange", "text:mode", "reliable", "secret:token", "the token of the webhook",
		"text:client_cert", string(cert), "secret:client_key", string(key), "text:receiver_ca", string(cert)).
		ok().has("not shown again", "<code>whsec_", "SHA-256").lacks("the token of the webhook", "PRIVATE KEY-----")
	v.get(hookPage).ok().lacks("<code>whsec_", "BEGIN").has("Client certificate", "CAs of the receiver")
	// again sends a form of the page as a browser does, with its hidden fields.
	again := func(form string, empty string) *reply {
		return v.submit(hookPage, form, "text:url", "https://127.0.0.1:9/hooks", "lines:events", "State.StateChange", "text:mode", "reliable",
			"bool:import_event", "false", "text:ios_spelling", "iOS", "kept:"+empty, "").ok()
	}
	again("new-secret", "secret").has("<code>whsec_")
	again("remove-token", "token")
	again("remove-client-cert", "client_cert")
	again("remove-receiver-ca", "receiver_ca")
	if w := v.hook(); w.Token || !w.Secret || w.ClientCert != nil || w.ReceiverCA != nil || w.Mode != "reliable" || len(w.Events) != 1 {
		t.Errorf("the webhook is %+v", w)
	}
	v.get(hookPage).ok().lacks(`<form id="remove-`)
}

// TestDeadLetters sends an event to a receiver that is gone, and again when it is back.
func TestDeadLetters(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	var gone atomic.Bool
	gone.Store(true)
	got := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		got <- r.Header.Get("webhook-id")
	}))
	defer receiver.Close()
	set := []string{"text:url", receiver.URL, "text:mode", "reliable"}
	v.submit(hookPage, "set", set...).ok()
	v.submit("./account?userid=alice", "login-device", "text:userid", "alice", "text:platform", "Android").done()
	var dead []client.DeadLetter
	for end := time.Now().Add(30 * time.Second); len(dead) == 0; time.Sleep(10 * time.Millisecond) {
		d, err := v.srv.AdminClient.WebhookDeliveries(t.Context(), v.srv.SDKAppID)
		if err != nil || time.Now().After(end) {
			t.Fatalf("no dead letter: %v", err)
		}
		dead = d.DeadLetters
	}
	one := "replay-" + hex.EncodeToString([]byte(dead[0].ID))
	v.get(hookPage).ok().has("ended by the receiver", dead[0].ID, "account?userid=alice", `<form id="replay-all"`)

	gone.Store(false)
	v.submit(hookPage, "set", set...).ok()
	v.submit(hookPage, one, "lines:ids", dead[0].ID).done()
	if id := <-got; id != dead[0].ID {
		t.Errorf("the receiver got %s, want %s", id, dead[0].ID)
	}
	v.by("context", "webhook.replay")
	v.get(hookPage).ok().has("Every event was delivered").lacks(`<form id="replay-all"`)
	v.post(hookPage, "_form", "replay-all").done() // there is none any more, which is no error
}

func TestWebhookReadOnly(t *testing.T) {
	v := newVisitor(t)
	const url = "http://127.0.0.1:9/hooks"
	v.submit(hookPage, "set", "text:url", url, "text:mode", "reliable", "secret:token", "the token of the webhook").ok()
	reader := v.as("reader", "read")
	reader.get(hookPage).ok().has(url).lacks("<form id=")
	for _, form := range []string{"set", "verify", "unset", "replay-all", "new-secret", "remove-token"} {
		reader.post(hookPage, "_form", form, "_confirm", v.id(), "text:url", "http://example.com").is(http.StatusForbidden)
	}
	if w := v.hook(); w.URL != url || !w.Token {
		t.Errorf("the webhook has changed: %+v", w)
	}
	v.post("/console/preferences", "lang", "zh").done()
	if p := v.get(hookPage).ok().has("回调", "死信"); strings.Contains(p.body, ">webhook.") {
		t.Error("the page has a key in place of a text")
	}
}
