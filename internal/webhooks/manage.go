package webhooks

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
	"rollcall/webhook"
)

// maxToken is the largest number of characters of a token (protocol-sessions.md §8.2).
const maxToken = 128

func bad(format string, args ...any) error {
	return &account.Error{Code: account.BadParameter, Detail: fmt.Sprintf(format, args...)}
}

// Webhook returns the webhook of an app. Codes: NoApp, NoWebhook.
func (s *Service) Webhook(ctx context.Context, app account.AppID) (adminapi.Webhook, error) {
	if _, err := s.dir.App(ctx, app); err != nil {
		return adminapi.Webhook{}, err
	}
	w, _, err := s.records.StoredWebhook(ctx, app)
	if err != nil {
		return adminapi.Webhook{}, err
	}
	return s.show(ctx, w)
}

// show returns a webhook as the API shows it.
func (s *Service) show(ctx context.Context, w *records.Webhook) (adminapi.Webhook, error) {
	st, _, err := s.records.WebhookState(ctx, w.App)
	shown := adminapi.Webhook{
		URL: w.URL, Events: w.Events, Mode: string(w.Mode), Token: w.Token != "", Secret: w.Secret != "", ImportEvent: w.ImportEvent,
		IOSSpelling: cmp.Or(w.IOSSpelling, IOSGeneral), ChangedAt: w.Changed, State: adminapi.WebhookActive, Dropped: st.Dropped,
		ClientCert: clientCert(w), ReceiverCA: describe(w.ReceiverCA),
	}
	switch {
	case !w.Ended.IsZero():
		shown.State, shown.Since, shown.Reason = adminapi.WebhookEnded, w.Ended, endedReason
	case !st.Paused.IsZero():
		shown.State, shown.Since, shown.Reason = adminapi.WebhookPaused, st.Paused, st.Reason
	}
	return shown, err
}

// endedReason is why a webhook has ended, and what to do.
const endedReason = "the receiver answered HTTP 410; set the webhook again to go on"

// SetWebhook replaces the webhook of an app. It is in effect at once, on other servers of the
// store within [account.MaxStale]. A secret that was made is in the result, once.
//
// Codes: NoApp, BadParameter.
func (s *Service) SetWebhook(ctx context.Context, who string, app account.AppID, n adminapi.NewWebhook) (adminapi.Webhook, error) {
	for {
		if _, err := s.dir.App(ctx, app); err != nil {
			return adminapi.Webhook{}, err
		}
		old, version, err := s.records.StoredWebhook(ctx, app)
		if account.CodeOf(err) == account.NoWebhook {
			old, err = new(records.Webhook), nil
		}
		if err != nil {
			return adminapi.Webhook{}, err
		}
		w, made, err := s.newWebhook(old, n)
		if err != nil {
			return adminapi.Webhook{}, err
		}
		w.App, w.Changed = app, account.Millis(s.now())
		keepSecret(w, old)
		by := s.dir.Entry(ctx, who, "webhook.set", app, setDetail(w))
		err = s.records.SetWebhook(ctx, *w, version, by)
		if account.CodeOf(err) == account.Stale {
			continue
		}
		if err != nil {
			return adminapi.Webhook{}, err
		}
		shown, err := s.show(ctx, w)
		shown.NewSecret = made
		return shown, err
	}
}

// oldSecret is how long a secret that was replaced signs, too, so that receivers can change
// to the new one meanwhile.
const oldSecret = 24 * time.Hour

// keepSecret adds the secret of old to w for a while if w has another one.
func keepSecret(w, old *records.Webhook) {
	if old.Secret == "" || old.Secret == w.Secret {
		w.OldSecret, w.OldUntil = old.OldSecret, old.OldUntil
		return
	}
	w.OldSecret, w.OldUntil = old.Secret, w.Changed.Add(oldSecret)
}

// setDetail describes a webhook for the audit trail. Its URL can have a secret in the path or
// the query.
func setDetail(w *records.Webhook) string {
	u, err := ParseURL(w.URL)
	if err != nil {
		return string(w.Mode)
	}
	detail := fmt.Sprintf("%s, %s, %s", u.Scheme+"://"+u.Host, w.Mode, strings.Join(w.Events, " "))
	if c := clientCert(w); c != nil {
		detail += ", client certificate " + c.SHA256
	}
	return detail
}

// newWebhook checks n and returns the webhook that it makes of old, and the secret that it has
// made, if any.
func (s *Service) newWebhook(old *records.Webhook, n adminapi.NewWebhook) (w *records.Webhook, made string, err error) {
	w = &records.Webhook{URL: n.URL, Events: n.Events, Mode: records.WebhookMode(cmp.Or(n.Mode, string(records.WebhookFaithful))), ImportEvent: n.ImportEvent}
	w.Token, w.Secret = old.Token, old.Secret
	if w.Events == nil {
		w.Events = Commands()
	}
	if n.IOSSpelling != IOSGeneral {
		w.IOSSpelling = n.IOSSpelling
	}
	if n.Token != nil {
		w.Token = *n.Token
	}
	if n.Secret != nil {
		w.Secret = *n.Secret
	}
	if w.Secret == "" && (w.Mode == records.WebhookReliable || n.Secret != nil) {
		made = webhook.NewSecret()
		w.Secret = made
	}
	if err := setCertificates(w, old, &n); err != nil {
		return nil, "", err
	}
	return w, made, cmp.Or(s.checkURL(w.URL), checkEvents(w.Events), checkChoices(w), checkSecrets(w), checkCertificates(w, n.ClientCert != nil, s.now()))
}

// checkURL refuses a URL that no request could reach.
func (s *Service) checkURL(text string) error {
	u, err := ParseURL(text)
	if err != nil {
		return bad("%v", err)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil { // a name is checked when it is resolved
		return nil
	}
	if err := s.guard.check(addr); err != nil {
		return bad("%v", err)
	}
	return nil
}

func checkEvents(events []string) error {
	if len(events) == 0 {
		return bad("events is empty; name at least one of %s, or leave it out for all", strings.Join(Commands(), ", "))
	}
	seen := map[string]bool{}
	for _, e := range events {
		switch {
		case !slices.Contains(Commands(), e):
			return bad("events contains %s, which is not one of %s", account.Quote(e), strings.Join(Commands(), ", "))
		case seen[e]:
			return bad("events contains %s twice", e)
		}
		seen[e] = true
	}
	return nil
}

func checkChoices(w *records.Webhook) error {
	switch {
	case w.Mode != records.WebhookFaithful && w.Mode != records.WebhookReliable:
		return bad("mode is %s, not %s or %s", account.Quote(string(w.Mode)), records.WebhookFaithful, records.WebhookReliable)
	case w.IOSSpelling != "" && w.IOSSpelling != IOSCapital:
		return bad("ios_spelling is %s, not %s or %s", account.Quote(w.IOSSpelling), IOSGeneral, IOSCapital)
	}
	return nil
}

func checkSecrets(w *records.Webhook) error {
	if n := utf8.RuneCountInString(w.Token); n > maxToken || !utf8.ValidString(w.Token) {
		return bad("the token has %d characters, and may have 1 to %d", n, maxToken)
	}
	if w.Secret == "" {
		return nil
	}
	if _, err := webhook.SignStandard(w.Secret, "check", w.Changed, nil); err != nil {
		return bad("%v", err)
	}
	return nil
}

// UnsetWebhook removes the webhook of an app. Its events and dead letters go, too. Codes:
// NoApp, NoWebhook.
func (s *Service) UnsetWebhook(ctx context.Context, who string, app account.AppID) error {
	for {
		if _, err := s.dir.App(ctx, app); err != nil {
			return err
		}
		err := s.records.RemoveWebhook(ctx, app, s.dir.Entry(ctx, who, "webhook.unset", app, ""))
		if account.CodeOf(err) == account.Stale {
			continue
		}
		s.clients.drop(app)
		return err
	}
}

// VerifyCommand is the command in the body of a test, which is an alert of no calls.
const VerifyCommand = "webhook_verify"

// VerifyWebhook sends a test to the webhook of an app, and returns what came of it. Codes:
// NoApp, NoWebhook.
func (s *Service) VerifyWebhook(ctx context.Context, app account.AppID) (adminapi.WebhookVerification, error) {
	if _, err := s.dir.App(ctx, app); err != nil {
		return adminapi.WebhookVerification{}, err
	}
	w, _, err := s.records.StoredWebhook(ctx, app)
	if err != nil {
		return adminapi.WebhookVerification{}, err
	}
	e := account.Event{App: app, Kind: account.EventAlert, Alert: &account.RateAlert{Service: "rollcall", Command: VerifyCommand}}
	m := newMessage(w, new(account.App), &e, 0)
	timeout := faithfulTimeout
	if w.Mode == records.WebhookReliable {
		m.id, timeout = fmt.Sprintf("evt_%d_verify_%d", app, s.now().UnixNano()), verifyTimeout
	}
	r := s.send(ctx, w, m, timeout)
	s.recent.add(app, s.attempt(m, &r, 1))
	return adminapi.WebhookVerification{OK: r.ok(), Status: r.status, TookMS: r.took.Milliseconds(), Reason: r.reason, Answer: strings.ToValidUTF8(r.answer, "\ufffd")}, nil
}

// WebhookDeliveries returns what waits, what was sent, and what could not be delivered. Codes:
// NoApp, NoWebhook.
func (s *Service) WebhookDeliveries(ctx context.Context, app account.AppID) (d adminapi.WebhookDeliveries, err error) {
	shown, err := s.Webhook(ctx, app)
	if err != nil {
		return d, err
	}
	d.State, d.Attempts, d.DeadLetters = shown.State, s.recent.of(app), []adminapi.DeadLetter{}
	if d.Attempts == nil {
		d.Attempts = []adminapi.WebhookAttempt{}
	}
	if err := s.countWaiting(ctx, app, &d); err != nil {
		return d, err
	}
	if shown.Mode == string(records.WebhookFaithful) && d.Waiting == 0 {
		d.Waiting = s.queue.lenOf(app)
	}
	list, err := s.deadLetters(ctx, app)
	for _, l := range list {
		d.DeadLetters = append(d.DeadLetters, adminapi.DeadLetter{
			ID: messageID(l.Pending, l.Item), Command: commandOf(l.Event.Kind, true), UserID: string(firstOf(&l.Event)), QueuedAt: l.Queued, DiedAt: l.Died, Reason: l.Reason,
		})
	}
	return d, err
}

func firstOf(e *account.Event) account.UserID {
	if len(e.Items) == 0 {
		return ""
	}
	return e.Items[0].ID
}

// countWaiting counts the events in the outbox of an app.
func (s *Service) countWaiting(ctx context.Context, app account.AppID, d *adminapi.WebhookDeliveries) error {
	for after := ""; ; {
		page, next, err := s.records.PendingAfter(ctx, app, after, pageEvents, nil)
		if err != nil {
			return err
		}
		for i := range page {
			if d.Oldest.IsZero() {
				d.Oldest = page[i].Queued
			}
			for k := range items(&page[i].Event) {
				if page[i].Event.Kind == account.EventAlert || accountOf(&page[i].Event, k) != "" {
					d.Waiting++
				}
			}
		}
		if d.More = d.Waiting > account.MaxListLimit; d.More {
			d.Waiting = account.MaxListLimit
			return nil
		}
		if after = next; after == "" {
			return nil
		}
	}
}

// ReplayWebhooks puts dead letters back into the outbox, those with the given ids or all. Their
// day begins anew. Codes: NoApp, NoWebhook, BadParameter for an id that is none, Conflict if
// the app has no dead letter with an id; nothing is changed then.
func (s *Service) ReplayWebhooks(ctx context.Context, who string, app account.AppID, ids []string) (n int, err error) {
	w, err := s.Webhook(ctx, app)
	if err != nil {
		return 0, err
	}
	if w.State == adminapi.WebhookEnded {
		return 0, bad("the webhook has ended: %s", endedReason)
	}
	list, err := s.chosen(ctx, app, ids)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	for _, d := range list {
		err := s.records.Replay(ctx, d)
		if account.CodeOf(err) == account.NoRecord {
			continue // another call has replayed it
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, s.records.Record(ctx, s.dir.Entry(ctx, who, "webhook.replay", app, fmt.Sprintf("%d events", n)))
}

// chosen returns the dead letters with the given ids, or all.
func (s *Service) chosen(ctx context.Context, app account.AppID, ids []string) (list []*records.DeadLetter, err error) {
	if ids == nil {
		return s.deadLetters(ctx, app)
	}
	for _, id := range ids {
		key, item, ok := parseID(id)
		if !ok || !strings.HasPrefix(id, fmt.Sprintf("evt_%010d_", app)) {
			return nil, bad("%s is no id of an event of the app; \"rollcall webhook deliveries\" lists those of dead letters", account.Quote(id))
		}
		d, err := s.records.DeadLetter(ctx, key, item)
		if account.CodeOf(err) == account.NoRecord {
			return nil, &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has no dead letter %s; \"rollcall webhook deliveries\" lists them", account.Quote(id))}
		}
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}
