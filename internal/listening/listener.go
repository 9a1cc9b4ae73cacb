package listening

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"rollcall/webhook"
)

// maxWebhooks is the most webhooks that are received at once. Others wait.
const maxWebhooks = 64

// Options are the options of a [Listener].
type Options struct {
	Token    string   // to check Sign, or ""
	Secret   string   // to check webhook-signature, or ""
	SDKAppID uint32   // whose webhooks are expected; 0 for any
	Status   int      // of every response; 0 for OK
	Forward  *url.URL // where webhooks are sent on to, or nil

	// Print is called for each webhook before its response is written, and never
	// concurrently.
	Print func(*Webhook)

	Now func() time.Time // nil means time.Now
}

// A Listener is an [http.Handler] that receives webhooks. It answers OK unless its options
// say something else, also if a signature is wrong.
type Listener struct {
	o         Options
	transport *http.Transport
	places    chan struct{} // bounds the webhooks that are received at once
	mu        sync.Mutex    // is held during Print
}

// New returns a Listener.
func New(o Options) *Listener {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Listener{o: o, transport: newTransport(), places: make(chan struct{}, maxWebhooks)}
}

// Close closes idle connections to the target of Forward.
func (l *Listener) Close() { l.transport.CloseIdleConnections() }

// ServeHTTP receives a webhook.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case l.places <- struct{}{}:
		defer func() { <-l.places }()
	case <-r.Context().Done():
		return
	}
	got := newWebhook(r, l.o.Now())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		got.Problem = "the body could not be read: " + err.Error()
		l.answer(w, got, textResponse(status, got.Problem))
		return
	}
	l.check(got, r, body)
	l.answer(w, got, l.respond(got, r, body))
}

// check says in got what the webhook is, and whether it is right.
func (l *Listener) check(got *Webhook, r *http.Request, body []byte) {
	got.take(body)
	if r.Method != http.MethodPost {
		got.Problem = "a webhook is a POST request, and this one is " + r.Method
	}
	if e := got.event; e != nil && l.o.SDKAppID != 0 && e.SDKAppID != l.o.SDKAppID {
		got.Problem = fmt.Sprintf("other app: SdkAppid is %d, and %d was expected", e.SDKAppID, l.o.SDKAppID)
	}
	got.Sign = verdictOn(l.o.Token != "", got.query.Has("Sign"), "the token", func() error {
		return webhook.VerifySign(l.o.Token, got.query, got.Time)
	})
	got.Signature = verdictOn(l.o.Secret != "", r.Header.Get(webhook.HeaderSignature) != "", "the secret", func() error {
		return webhook.VerifyStandard(l.o.Secret, r.Header, body, got.Time)
	})
}

// respond returns the response, after it has forwarded the webhook.
func (l *Listener) respond(got *Webhook, r *http.Request, body []byte) *response {
	switch {
	case l.o.Status != 0:
		return textResponse(l.o.Status, fmt.Sprintf("every webhook is answered with %d", l.o.Status))
	case r.Method != http.MethodPost:
		return textResponse(http.StatusMethodNotAllowed, "a webhook is a POST request")
	case l.o.Forward == nil:
		return nil
	}
	resp, err := forward(r, body, l.o.Forward, l.transport)
	if err != nil {
		got.Forward = "failed: " + err.Error()
		return textResponse(http.StatusBadGateway, "the webhook could not be forwarded")
	}
	got.Forward = fmt.Sprintf("answered %d", resp.status)
	return resp
}

// answer prints got and writes the response. A nil response is OK.
func (l *Listener) answer(w http.ResponseWriter, got *Webhook, resp *response) {
	got.Status = http.StatusOK
	if resp != nil {
		got.Status = resp.status
	}
	l.mu.Lock()
	l.o.Print(got)
	l.mu.Unlock()
	if resp == nil {
		webhook.WriteOK(w)
		return
	}
	resp.write(w)
}
