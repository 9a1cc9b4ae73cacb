package records

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
)

// A WebhookMode is how the events of an app are delivered. Its text is part of stored data
// and must not change.
type WebhookMode string

// Modes of webhooks.
const (
	// WebhookFaithful is the vendor's way: one attempt, from the memory of a server.
	WebhookFaithful WebhookMode = "faithful"

	// WebhookReliable keeps events in the outbox until they are delivered.
	WebhookReliable WebhookMode = "reliable"
)

// A Webhook is the URL to which the events of an app are sent, and how. Webhooks that
// package records returns are shared and must not be changed.
type Webhook struct {
	App         account.AppID `json:"app"`
	URL         string        `json:"url"`
	Events      []string      `json:"events"` // commands of package webhook
	Mode        WebhookMode   `json:"mode"`
	Token       string        `json:"token,omitempty"`      // of the vendor's signature
	Secret      string        `json:"secret,omitempty"`     // of the signature of Standard Webhooks
	OldSecret   string        `json:"old_secret,omitempty"` // the secret before, which signs too until OldUntil
	OldUntil    time.Time     `json:"old_until,omitzero"`
	ClientCert  string        `json:"client_cert,omitempty"` // chain in PEM that is shown to the receiver
	ClientKey   string        `json:"client_key,omitempty"`  // private key of ClientCert in PEM
	ReceiverCA  string        `json:"receiver_ca,omitempty"` // CAs in PEM that may sign the certificate of the receiver; "" are those of the machine
	ImportEvent bool          `json:"import_event,omitempty"`
	IOSSpelling string        `json:"ios_spelling,omitempty"` // OptPlatform of an iPhone; "" is iOS
	Changed     time.Time     `json:"changed"`
	Ended       time.Time     `json:"ended,omitzero"` // time at which the receiver said that it is gone; nothing is sent after that
}

// Wants reports whether w sends events of a command.
func (w *Webhook) Wants(command string) bool { return slices.Contains(w.Events, command) }

// Ids under which the secrets of a webhook are sealed. No key of an app has one of them.
const (
	tokenSeal  = "webhook token"
	secretSeal = "webhook secret"
	oldSeal    = "old webhook secret"
	certSeal   = "webhook client key"
)

// keys returns the secrets of w that are set, as keys of its app.
func (w *Webhook) keys() (keys []account.Key) {
	for _, k := range []account.Key{
		{ID: tokenSeal, Secret: w.Token}, {ID: secretSeal, Secret: w.Secret}, {ID: oldSeal, Secret: w.OldSecret}, {ID: certSeal, Secret: w.ClientKey},
	} {
		if k.Kind = account.HMACKey; k.Secret != "" {
			keys = append(keys, k)
		}
	}
	return keys
}

// openWebhook decodes a stored webhook and opens its secrets.
func (r *Registry) openWebhook(value []byte) (*Webhook, error) {
	w, err := decode[Webhook](value)
	ring := r.ring.Load()
	if err != nil || ring == nil {
		return w, err
	}
	for _, k := range w.keys() {
		secret, err := ring.Open(w.App, k)
		if err != nil {
			return nil, err
		}
		w.set(k.ID, secret)
	}
	return w, nil
}

// set sets one of the secrets of w.
func (w *Webhook) set(id, secret string) {
	switch id {
	case tokenSeal:
		w.Token = secret
	case secretSeal:
		w.Secret = secret
	case oldSeal:
		w.OldSecret = secret
	case certSeal:
		w.ClientKey = secret
	}
}

// writeWebhook returns the write that replaces the record with the given version by w, with
// sealed secrets.
func (r *Registry) writeWebhook(w Webhook, version uint64) account.Write {
	if ring := r.ring.Load(); ring != nil {
		for _, k := range w.keys() {
			w.set(k.ID, ring.Seal(w.App, k))
		}
	}
	return account.Write{Kind: kindWebhook, Key: appKey(w.App), Value: encode(w), If: version}
}

// removeWebhook returns the writes that remove the webhook of an app, which need not exist,
// and its state.
func removeWebhook(app account.AppID) []account.Write {
	return []account.Write{
		{Kind: kindWebhook, Key: appKey(app), If: account.AnyVersion},
		{Kind: kindWebhookState, Key: appKey(app), If: account.AnyVersion},
	}
}

var errNoWebhook error = &account.Error{Code: account.NoWebhook, Detail: "the app has no webhook"}

// Webhook returns the webhook of an app, with the cost and the delay of [Registry.App].
//
// Codes: NoWebhook.
func (r *Registry) Webhook(ctx context.Context, app account.AppID) (*Webhook, error) {
	w, ok, err := r.webhooks.get(ctx, app)
	if err == nil && !ok {
		return nil, errNoWebhook
	}
	return w, err
}

// CurrentWebhook is [Registry.Webhook] if that needs no look into the engine. w is nil if the
// app has no webhook. ok is false if the engine must be asked.
func (r *Registry) CurrentWebhook(app account.AppID) (w *Webhook, ok bool) {
	rs := r.webhooks.current()
	if rs == nil {
		return nil, false
	}
	return rs.by[app].value, rs.by[app].err == nil
}

// KnownWebhook returns the webhook of an app as this server knew it last, without a look into
// the engine. known is false if it knows none yet.
func (r *Registry) KnownWebhook(app account.AppID) (w *Webhook, known bool) {
	rs := r.webhooks.loaded.Load()
	if rs == nil {
		return nil, false
	}
	return rs.by[app].value, rs.by[app].err == nil
}

// Webhooks returns all webhooks in the order of their apps, with the delay of
// [Registry.App].
func (r *Registry) Webhooks(ctx context.Context) ([]*Webhook, error) { return r.webhooks.all(ctx) }

// StoredWebhook is [Registry.Webhook] without the delay, because it reads from the engine.
// version is that for SetWebhook, 0 if there is no webhook.
func (r *Registry) StoredWebhook(ctx context.Context, app account.AppID) (w *Webhook, version uint64, err error) {
	rec, err := r.e.Record(ctx, kindWebhook, appKey(app))
	if account.CodeOf(err) == account.NoRecord {
		return nil, 0, errNoWebhook
	}
	if err != nil {
		return nil, 0, err
	}
	if w, err = r.openWebhook(rec.Value); err != nil {
		return nil, 0, openError(rec, err)
	}
	return w, rec.Version, nil
}

// SetWebhook stores w if the app exists, forgets the state of the webhook before, and adds by
// to the audit trail, in one commit. version is that of the webhook that w replaces, 0 for
// none.
//
// Codes: NoApp, Stale.
func (r *Registry) SetWebhook(ctx context.Context, w Webhook, version uint64, by account.AuditEntry) error {
	app, appVersion, err := r.storedRecord(ctx, w.App)
	if err != nil {
		return err
	}
	hold := account.Write{Kind: kindApp, Key: app.Key, Value: app.Value, If: appVersion} // so that nobody removes the app meanwhile
	forget := account.Write{Kind: kindWebhookState, Key: appKey(w.App), If: account.AnyVersion}
	_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(w.App, by, r.writeWebhook(w, version), forget, hold)})
	return err
}

// storedRecord returns the record of an app.
func (r *Registry) storedRecord(ctx context.Context, id account.AppID) (account.Record, uint64, error) {
	rec, err := r.e.Record(ctx, kindApp, appKey(id))
	if account.CodeOf(err) == account.NoRecord {
		return account.Record{}, 0, errNoApp
	}
	return rec, rec.Version, err
}

// EndWebhook stores that the receiver of the webhook w is gone, and adds by to the audit
// trail. It changes nothing if w was changed or removed meanwhile.
func (r *Registry) EndWebhook(ctx context.Context, w *Webhook, at time.Time, by account.AuditEntry) error {
	stored, version, err := r.StoredWebhook(ctx, w.App)
	if account.CodeOf(err) == account.NoWebhook || err == nil && (!stored.Changed.Equal(w.Changed) || !stored.Ended.IsZero()) {
		return nil
	}
	if err != nil {
		return err
	}
	stored.Ended = account.Millis(at)
	_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(w.App, by, r.writeWebhook(*stored, version))})
	if account.CodeOf(err) == account.Stale {
		return nil
	}
	return err
}

// RemoveWebhook removes the webhook of an app and its state, and adds by to the audit trail,
// in one commit. Its events and dead letters remain until the server that delivers sees that.
//
// Codes: NoWebhook, Stale.
func (r *Registry) RemoveWebhook(ctx context.Context, app account.AppID, by account.AuditEntry) error {
	_, version, err := r.StoredWebhook(ctx, app)
	if err != nil {
		return err
	}
	ws := removeWebhook(app)
	ws[0].If = version
	_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(app, by, ws...)})
	return err
}

// resealWebhooks seals the secrets of webhooks that are not sealed with the newest key, and
// returns their number.
func (r *Registry) resealWebhooks(ctx context.Context, by account.AuditEntry) (total int, err error) {
	hooks, err := r.Webhooks(ctx)
	if err != nil {
		return 0, err
	}
	for _, w := range hooks {
		n, err := r.resealWebhook(ctx, w.App, by)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// resealWebhook seals the secrets of one webhook. It returns 0 if there is nothing to do.
func (r *Registry) resealWebhook(ctx context.Context, app account.AppID, by account.AuditEntry) (n int, err error) {
	for {
		rec, err := r.e.Record(ctx, kindWebhook, appKey(app))
		if account.CodeOf(err) == account.NoRecord {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		stored, err := decode[Webhook](rec.Value)
		if err != nil {
			return 0, damaged(kindWebhook, rec.Key, err)
		}
		n = len(slices.DeleteFunc(stored.keys(), r.ring.Load().Current))
		if n == 0 {
			return 0, nil
		}
		open, err := r.openWebhook(rec.Value)
		if err != nil {
			return 0, err
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: withEntry(app, by, r.writeWebhook(*open, rec.Version))})
		if account.CodeOf(err) != account.Stale {
			return n, err
		}
	}
}

// A WebhookState says how the deliveries to a reliable webhook are. Without one, nothing is
// wrong.
type WebhookState struct {
	Since    time.Time `json:"since"`             // of the first failure of the run of failures
	Failures int       `json:"failures"`          // in the run, until the endpoint was paused
	Paused   time.Time `json:"paused,omitzero"`   // time at which it was paused
	Reason   string    `json:"reason,omitempty"`  // of the newest failure
	Dropped  int64     `json:"dropped,omitempty"` // dead letters that were dropped, because there were too many
}

// WebhookState returns the state of the webhook of an app, and its version. It returns the
// zero state and version 0 if there is none.
func (r *Registry) WebhookState(ctx context.Context, app account.AppID) (WebhookState, uint64, error) {
	rec, err := r.e.Record(ctx, kindWebhookState, appKey(app))
	if account.CodeOf(err) == account.NoRecord {
		return WebhookState{}, 0, nil
	}
	if err != nil {
		return WebhookState{}, 0, err
	}
	s, err := decode[WebhookState](rec.Value)
	if err != nil {
		return WebhookState{}, 0, damaged(kindWebhookState, rec.Key, err)
	}
	return *s, rec.Version, nil
}

// ChangeWebhookState applies fn to the state of the webhook of an app and stores the result.
// The zero state is none. fn can run several times.
func (r *Registry) ChangeWebhookState(ctx context.Context, app account.AppID, fn func(*WebhookState)) (WebhookState, error) {
	for {
		s, version, err := r.WebhookState(ctx, app)
		if err != nil {
			return s, err
		}
		fn(&s)
		w := account.Write{Kind: kindWebhookState, Key: appKey(app), If: version}
		if s != (WebhookState{}) {
			w.Value = encode(s)
		} else if version == 0 {
			return s, nil
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: []account.Write{w}})
		if account.CodeOf(err) != account.Stale {
			return s, err
		}
	}
}

// webhookLeaseKey is the key of the [WebhookLease]. It sorts behind those of apps.
const webhookLeaseKey = "lease"

// A WebhookLease says which server delivers the events in the outbox.
type WebhookLease struct {
	Node string    `json:"node"`
	At   time.Time `json:"at"` // of the last renewal, by the clock of the node; for people

	version uint64
}

// Version differs after each renewal. It is 0 if nobody has the lease.
func (l *WebhookLease) Version() uint64 { return l.version }

// WebhookLease returns the current lease.
func (r *Registry) WebhookLease(ctx context.Context) (*WebhookLease, error) {
	rec, err := r.e.Record(ctx, kindWebhookState, webhookLeaseKey)
	if account.CodeOf(err) == account.NoRecord {
		return new(WebhookLease), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := decode[WebhookLease](rec.Value)
	if err != nil {
		return nil, damaged(kindWebhookState, rec.Key, err)
	}
	l.version = rec.Version
	return l, nil
}

// TakeWebhookLease replaces the lease old by one of node, and returns that.
//
// Codes: Stale if another server was faster.
func (r *Registry) TakeWebhookLease(ctx context.Context, old *WebhookLease, node string, now time.Time) (*WebhookLease, error) {
	l := &WebhookLease{Node: node, At: account.Millis(now)}
	n, err := r.e.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: kindWebhookState, Key: webhookLeaseKey, Value: encode(l), If: old.version}}})
	l.version = n
	return l, err
}

// EndWebhookLease removes the lease l unless another server has it.
func (r *Registry) EndWebhookLease(ctx context.Context, l *WebhookLease) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: kindWebhookState, Key: webhookLeaseKey, If: l.version}}})
	if account.CodeOf(err) == account.Stale {
		return nil
	}
	return err
}
