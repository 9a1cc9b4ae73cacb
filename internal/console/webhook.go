package console

import (
	"net/http"
	"strconv"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// Rows on the page of the webhook.
const (
	maxAttemptsShown = 20
	maxDeadShown     = 50
)

// webhook shows the webhook of the app, and what was sent to it.
func (v *visit) webhook() (*content, error) {
	w := &view.Webhook{Read: v.ofApp("readWebhook", nil)}
	found, err := call[adminapi.Webhook](v, w.Read)
	if admin.ProblemOf(err).Status == http.StatusNotFound {
		w.Set = v.setWebhookForm(&adminapi.Webhook{})
		return &content{page: view.WebhookPage(&v.Page, w), forms: []*view.Form{w.Set}}, nil
	}
	if err != nil {
		return nil, err
	}
	w.Now, w.Set, w.Verify, w.Unset = &found, v.setWebhookForm(&found), v.verifyForm(), v.unsetForm()
	forms := []*view.Form{w.Set, w.Verify, w.Unset}
	for _, f := range v.secretForms(&found) {
		w.Secrets = append(w.Secrets, f)
		forms = append(forms, f)
	}
	dead, err := v.deliveries(w)
	return &content{page: view.WebhookPage(&v.Page, w), forms: append(forms, dead...)}, err
}

// deliveries adds what was sent to w, and returns the forms that send it again.
func (v *visit) deliveries(w *view.Webhook) ([]*view.Form, error) {
	w.ReadDeliveries = v.ofApp("listDeliveries", nil)
	var err error
	if w.Deliveries, err = call[adminapi.WebhookDeliveries](v, w.ReadDeliveries); err != nil {
		return nil, err
	}
	w.Attempts = w.Deliveries.Attempts[:min(len(w.Deliveries.Attempts), maxAttemptsShown)]
	w.ReplayAll = v.replayForm("replay-all", "webhook.replay-all")
	w.ReplayAll.Request.Body = map[string]any{} // all
	forms := []*view.Form{w.ReplayAll}
	for _, d := range w.Deliveries.DeadLetters[:min(len(w.Deliveries.DeadLetters), maxDeadShown)] {
		f := v.replayForm(formID("replay", d.ID), "webhook.replay")
		f.Fields = []view.Field{{Name: "ids", Kind: view.Lines, Value: d.ID, Hidden: true}}
		w.Dead = append(w.Dead, view.DeadLetter{DeadLetter: d, Replay: f})
		forms = append(forms, f)
	}
	return forms, nil
}

func (v *visit) replayForm(id, submit string) *view.Form {
	return &view.Form{ID: id, Request: v.ofApp("replayWebhooks", nil), Submit: submit, Done: "webhook.replayed", Inline: true}
}

func (v *visit) verifyForm() *view.Form {
	return &view.Form{ID: "verify", Request: v.ofApp("verifyWebhook", nil), Submit: "webhook.verify", Show: true}
}

func (v *visit) unsetForm() *view.Form {
	return &view.Form{ID: "unset", Request: v.ofApp("unsetWebhook", nil), Submit: "webhook.unset-do", Done: "webhook.was-unset", Danger: true, Confirm: v.appID()}
}

// setWebhookForm sets the webhook. now is the one before. Secrets and certificates stay as
// they are while their fields are empty.
func (v *visit) setWebhookForm(now *adminapi.Webhook) *view.Form {
	return &view.Form{
		ID: "set", Request: v.ofApp("setWebhook", nil), Submit: "webhook.set-do", Done: "webhook.was-set", Show: true,
		Fields: []view.Field{
			{Name: "url", Kind: view.Text, Label: "webhook.url", Hint: "webhook.url-what", Value: now.URL, Example: "https://example.com/hooks", Required: true},
			{Name: "events", Kind: view.Lines, Label: "webhook.events", Hint: "webhook.events-what", Value: strings.Join(now.Events, "\n")},
			{Name: "mode", Kind: view.Text, Label: "webhook.mode", Hint: "webhook.mode-what", Value: now.Mode, Choices: choices("faithful", "reliable")},
			{Name: "token", Kind: view.Secret, Label: "webhook.token", Hint: "webhook.token-what"},
			{Name: "secret", Kind: view.Secret, Label: "webhook.secret", Hint: "webhook.secret-what"},
			{Name: "client_cert", Kind: view.Text, Label: "webhook.client-cert", Hint: "webhook.client-cert-what", Area: true},
			{Name: "client_key", Kind: view.Secret, Label: "webhook.client-key", Hint: "webhook.client-key-what", Area: true},
			{Name: "receiver_ca", Kind: view.Text, Label: "webhook.receiver-ca", Hint: "webhook.receiver-ca-what", Area: true},
			{Name: "import_event", Kind: view.Bool, Label: "webhook.import-event", Value: strconv.FormatBool(now.ImportEvent)},
			{Name: "ios_spelling", Kind: view.Text, Label: "webhook.ios-spelling", Value: now.IOSSpelling, Choices: choices("iOS", "IOS")},
		},
	}
}

func choices(values ...string) (all []view.Choice) {
	for _, value := range values {
		all = append(all, view.Choice{Value: value, Text: value})
	}
	return all
}

// secretForms returns the forms that remove secrets and certificates, or make a new secret.
// All else of the webhook stays.
func (v *visit) secretForms(now *adminapi.Webhook) (forms []*view.Form) {
	add := func(id, submit string, danger bool, empty ...string) {
		f := &view.Form{ID: id, Request: v.ofApp("setWebhook", nil), Submit: submit, Done: "webhook.was-set", Danger: danger, Inline: true, Show: true}
		for _, field := range v.setWebhookForm(now).Fields {
			if field.Value != "" {
				field.Hidden = true
				f.Fields = append(f.Fields, field)
			}
		}
		for _, name := range empty {
			f.Fields = append(f.Fields, view.Field{Name: name, Kind: view.Kept, Hidden: true})
		}
		forms = append(forms, f)
	}
	if now.Token {
		add("remove-token", "webhook.remove-token", true, "token")
	}
	if now.Mode == "reliable" || now.Secret {
		add("new-secret", "webhook.new-secret", false, "secret")
	}
	if now.ClientCert != nil {
		add("remove-client-cert", "webhook.remove-client-cert", true, "client_cert")
	}
	if len(now.ReceiverCA) > 0 {
		add("remove-receiver-ca", "webhook.remove-receiver-ca", true, "receiver_ca")
	}
	return forms
}
