package listening

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/webhook"
)

// A Webhook is a webhook that came.
type Webhook struct {
	Time        time.Time       `json:"time"` // at which it came
	Path        string          `json:"path"`
	SDKAppID    string          `json:"sdkappid,omitempty"`
	Command     string          `json:"command,omitempty"`
	ClientIP    string          `json:"client_ip,omitempty"`
	OptPlatform string          `json:"opt_platform,omitempty"`
	ID          string          `json:"id,omitempty"`
	Sign        string          `json:"sign,omitempty"`              // "right", or what is wrong; absent if there is nothing to check
	Signature   string          `json:"webhook_signature,omitempty"` // the same
	Problem     string          `json:"problem,omitempty"`           // why it is no webhook, or not an expected one
	Forward     string          `json:"forward,omitempty"`           // what became of Forward
	Status      int             `json:"status"`                      // of the response
	Body        json.RawMessage `json:"body,omitempty"`
	Text        string          `json:"text,omitempty"` // the body if it is not JSON

	query url.Values
	event *webhook.Event // or nil
}

// right is the verdict on a right signature.
const right = "right"

// verdictOn says whether a signature is right. It is "" if there is none and none is
// expected.
func verdictOn(expected, present bool, what string, verify func() error) string {
	switch {
	case expected:
		if err := verify(); err != nil {
			return "wrong: " + strings.TrimPrefix(err.Error(), webhook.ErrSignature.Error()+": ")
		}
		return right
	case present:
		return "not checked: give " + what
	}
	return ""
}

// newWebhook returns what a request says before its body.
func newWebhook(r *http.Request, at time.Time) *Webhook {
	q := r.URL.Query()
	return &Webhook{
		Time: at.UTC(), Path: r.URL.Path, query: q, ID: r.Header.Get(webhook.HeaderID),
		SDKAppID: q.Get("SdkAppid"), Command: q.Get("CallbackCommand"), ClientIP: q.Get("ClientIP"), OptPlatform: q.Get("OptPlatform"),
	}
}

// take takes what the body says.
func (w *Webhook) take(body []byte) {
	if json.Valid(body) {
		w.Body = body
	} else {
		w.Text = string(body)
	}
	var err error
	if w.event, err = webhook.Parse(w.query, body); err != nil {
		w.Problem = err.Error()
		return
	}
	w.Command = w.event.Command
}

// Facts returns what happened, in the order of a line for a person. For commands without a
// type that is the start of the body. The texts are those of the sender and may contain
// control characters.
func (w *Webhook) Facts() []string {
	if w.event == nil {
		return w.start()
	}
	var facts []string
	switch body := w.event.Body.(type) {
	case webhook.StateChange:
		facts = append(stateFacts(body), w.device(), w.late(body.EventTime))
	case webhook.PortraitSet:
		facts = append(portraitFacts(body), w.device(), w.late(body.EventTime))
	case webhook.OverLimit:
		facts = []string{body.ServiceName + "/" + body.Command, fmt.Sprintf("%d calls per second of %d", body.Request, body.Limit)}
	default:
		return w.start()
	}
	return slices.DeleteFunc(facts, func(fact string) bool { return fact == "" })
}

// Notes returns what is right and wrong with the webhook, and what became of it. The texts
// may contain control characters.
func (w *Webhook) Notes() []string {
	var signatures []string
	if w.Sign != "" {
		signatures = append(signatures, "Sign is "+w.Sign)
	}
	if w.Signature != "" {
		signatures = append(signatures, webhook.HeaderSignature+" is "+w.Signature)
	}
	if w.ID != "" {
		signatures = append(signatures, fmt.Sprintf("%s %.100s", webhook.HeaderID, w.ID))
	}
	notes := []string{strings.Join(signatures, "; "), w.Problem}
	switch {
	case w.Forward != "":
		notes = append(notes, "forward "+w.Forward)
	case w.Status != http.StatusOK:
		notes = append(notes, fmt.Sprintf("answered with %d", w.Status))
	}
	return slices.DeleteFunc(notes, func(note string) bool { return note == "" })
}

// maxStart is the most bytes of the start of a body.
const maxStart = 640

// start returns the start of the body.
func (w *Webhook) start() []string {
	text := w.Text
	if w.Body != nil {
		text = string(w.Body)
	}
	return []string{text[:min(len(text), maxStart)]}
}

// device returns the device that the query names.
func (w *Webhook) device() string {
	switch {
	case w.OptPlatform == "" && w.ClientIP == "":
		return ""
	case w.ClientIP == "":
		return "on " + w.OptPlatform
	}
	return "on " + w.OptPlatform + " at " + w.ClientIP
}

// late returns the time of an event that came more than 2 seconds after it, or before it.
func (w *Webhook) late(eventTime int64) string {
	at := time.UnixMilli(eventTime)
	if after := w.Time.Sub(at); eventTime == 0 || after >= 0 && after <= 2*time.Second {
		return ""
	}
	return "event of " + at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func stateFacts(s webhook.StateChange) []string {
	facts := []string{s.Info.ToAccount, string(s.Info.Action) + "/" + string(s.Info.Reason)}
	if s.Info.Action == webhook.CustomStatusChange {
		status := "status cleared"
		if s.Info.CustomStatus != "" {
			status = "status " + strconv.Quote(s.Info.CustomStatus)
		}
		facts = append(facts, status)
	}
	if len(s.KickedDevice) > 0 {
		var names []string
		for _, d := range s.KickedDevice {
			names = append(names, string(d.Platform))
		}
		facts = append(facts, "instead of "+strings.Join(names, ", "))
	}
	return facts
}

func portraitFacts(p webhook.PortraitSet) []string {
	var fields []string
	for _, f := range p.ProfileItem {
		value := strconv.Quote(f.Text)
		if f.IsNumber {
			value = strconv.FormatUint(f.Number, 10)
		}
		fields = append(fields, f.Tag+"="+value)
	}
	return []string{p.FromAccount, "by " + p.OperatorAccount, strings.Join(fields, " ")}
}
