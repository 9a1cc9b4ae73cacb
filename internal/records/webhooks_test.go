package records_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/mem"
)

const hookToken, hookSecret, hookKey = "the token of the webhook", "whsec_the secret of the webhook", "the client key of the webhook"

func hook(id account.AppID) records.Webhook {
	return records.Webhook{
		App: id, URL: "https://example.com/hook", Events: []string{"State.StateChange"}, Mode: records.WebhookReliable,
		Token: hookToken, Secret: hookSecret, OldSecret: hookSecret + "!", OldUntil: now, ClientCert: "certificate", ClientKey: hookKey, ReceiverCA: "CA", ImportEvent: true, IOSSpelling: "IOS", Changed: now,
	}
}

func (v *env) setHook(w records.Webhook, version uint64) {
	v.Helper()
	if err := v.r.SetWebhook(v.Context(), w, version, by("webhook.set")); err != nil {
		v.Fatalf("SetWebhook: %v", err)
	}
}

func (v *env) deliveries() []account.AppID {
	v.Helper()
	apps, err := v.r.AppsWithDeliveries(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	return apps
}

func TestWebhooks(t *testing.T) {
	each(t, func(v *env) {
		ctx, want := v.Context(), hook(app)
		v.code("SetWebhook without an app", v.r.SetWebhook(ctx, want, 0, by("webhook.set")), account.NoApp)
		v.create(app)
		_, _, err := v.r.StoredWebhook(ctx, app)
		v.code("StoredWebhook", err, account.NoWebhook)
		_, err = v.r.Webhook(ctx, app)
		v.code("Webhook", err, account.NoWebhook)
		v.setHook(want, 0)
		v.code("SetWebhook of a webhook that is new no more", v.r.SetWebhook(ctx, want, 0, by("webhook.set")), account.Stale)
		got, version, err := v.r.StoredWebhook(ctx, app)
		v.code("StoredWebhook", err, account.OK)
		v.equal("the webhook", got, &want)

		state, err := v.r.ChangeWebhookState(ctx, app, func(s *records.WebhookState) { s.Paused, s.Failures = now, 3 })
		v.code("ChangeWebhookState", err, account.OK)
		read, _, err := v.r.WebhookState(ctx, app)
		v.code("WebhookState", err, account.OK)
		v.equal("the state", read, state)
		want.Mode = records.WebhookFaithful
		v.setHook(want, version)
		read, _, _ = v.r.WebhookState(ctx, app)
		v.equal("the state of a new webhook", read, records.WebhookState{})
		all, err := v.r.Webhooks(ctx)
		v.code("Webhooks", err, account.OK)
		v.equal("all webhooks", all, []*records.Webhook{&want})
		if known, ok := v.r.KnownWebhook(app); !ok || known.URL != want.URL {
			v.Errorf("KnownWebhook = %+v, %v", known, ok)
		}

		v.code("RemoveWebhook", v.r.RemoveWebhook(ctx, app, by("webhook.unset")), account.OK)
		v.code("RemoveWebhook again", v.r.RemoveWebhook(ctx, app, by("webhook.unset")), account.NoWebhook)
		v.setHook(want, 0)
		v.code("DeleteApp", v.r.DeleteApp(ctx, app, by("app.delete")), account.OK)
		v.create(app)
		_, _, err = v.r.StoredWebhook(ctx, app)
		v.code("StoredWebhook of another app with the number", err, account.NoWebhook)
	})
}

func TestWebhookLease(t *testing.T) {
	each(t, func(v *env) {
		ctx := v.Context()
		none, err := v.r.WebhookLease(ctx)
		if err != nil || none.Version() != 0 {
			v.Fatalf("%+v, %v", none, err)
		}
		a, err := v.r.TakeWebhookLease(ctx, none, "a", now)
		v.code("TakeWebhookLease", err, account.OK)
		_, err = v.r.TakeWebhookLease(ctx, none, "b", now)
		v.code("TakeWebhookLease by another one", err, account.Stale)
		seen, _ := v.r.WebhookLease(ctx)
		v.equal("the holder", seen.Node, "a")
		b, err := v.r.TakeWebhookLease(ctx, seen, "b", now)
		v.code("TakeWebhookLease of an old lease", err, account.OK)
		v.code("EndWebhookLease of one that is lost", v.r.EndWebhookLease(ctx, a), account.OK)
		seen, _ = v.r.WebhookLease(ctx)
		v.equal("the holder", seen.Version(), b.Version())
		v.code("EndWebhookLease", v.r.EndWebhookLease(ctx, b), account.OK)
		seen, _ = v.r.WebhookLease(ctx)
		v.equal("the holder", seen.Version(), uint64(0))
	})
}

// TestDelivery delivers one of three items, gives up the second one and replays it.
func TestDelivery(t *testing.T) {
	each(t, func(v *env) {
		ctx := v.Context()
		e := account.Event{App: app, Time: now, Kind: account.EventChanged, Items: []account.EventItem{{ID: "a"}, {ID: "b"}, {ID: "c"}}}
		before := time.Now().Add(-time.Millisecond)
		v.code("AddPending", v.r.AddPending(ctx, e), account.OK)
		ps, next, err := v.r.PendingAfter(ctx, app, "", 10, nil)
		if err != nil || len(ps) != 1 || next != "" {
			v.Fatalf("%+v, %q, %v", ps, next, err)
		}
		p := &ps[0]
		known, _, err := v.r.PendingAfter(ctx, app, "", 10, func(key string) bool { return key == p.Key })
		v.code("PendingAfter of a known event", err, account.OK)
		v.equal("a known event", known, []records.Pending{{Key: p.Key}})
		if p.Queued.Before(before) || p.Queued.After(time.Now()) {
			v.Errorf("queued at %v", p.Queued)
		}
		dead := records.DeadLetter{Pending: p.Key, Item: 1, Event: e, Queued: p.Queued, Died: now, Reason: "HTTP 500"}
		dead.Event.Items = e.Items[1:2]
		p.Event.Items[0].ID, p.Event.Items[1].ID = "", ""
		v.code("CommitDelivery", v.r.CommitDelivery(ctx, records.Progress{Left: []*records.Pending{p}, Dead: []records.DeadLetter{dead}}), account.OK)
		v.equal("apps", v.deliveries(), []account.AppID{app})
		ps, _, _ = v.r.PendingAfter(ctx, app, "", 10, nil)
		v.equal("what is left", ps[0].Event.Items, []account.EventItem{{}, {}, {ID: "c"}})
		list, err := v.r.DeadLetters(ctx, app, nil, 10)
		v.code("DeadLetters", err, account.OK)
		v.equal("dead letters", len(list), 1)
		v.equal("the dead letter", [3]any{list[0].Pending, list[0].Item, list[0].Event.Items[0].ID}, [3]any{p.Key, 1, account.UserID("b")})
		more, _ := v.r.DeadLetters(ctx, app, list[0], 10)
		v.equal("dead letters after the last one", len(more), 0)

		v.code("Replay", v.r.Replay(ctx, list[0]), account.OK)
		v.code("Replay again", v.r.Replay(ctx, list[0]), account.NoRecord)
		ps, _, _ = v.r.PendingAfter(ctx, app, "", 10, nil)
		v.equal("what is left", ps[0].Event.Items, []account.EventItem{{}, {ID: "b"}, {ID: "c"}})

		v.code("CommitDelivery", v.r.CommitDelivery(ctx, records.Progress{Done: []string{p.Key}, Dead: []records.DeadLetter{dead}}), account.OK)
		v.code("Replay of an event that is gone", v.r.Replay(ctx, &dead), account.OK)
		ps, _, _ = v.r.PendingAfter(ctx, app, "", 10, nil)
		v.equal("the event", [2]any{ps[0].Key, ps[0].Event.Items}, [2]any{p.Key, []account.EventItem{{}, {ID: "b"}}})
		stale := ps[0]
		v.code("CommitDelivery", v.r.CommitDelivery(ctx, records.Progress{Left: []*records.Pending{&ps[0]}}), account.OK)
		v.code("CommitDelivery of an old state", v.r.CommitDelivery(ctx, records.Progress{Left: []*records.Pending{&stale}}), account.Stale)
		v.code("CommitDelivery", v.r.CommitDelivery(ctx, records.Progress{Dead: []records.DeadLetter{dead}}), account.OK)
		v.code("DropDeliveries", v.r.DropDeliveries(ctx, app), account.OK)
		v.equal("apps", len(v.deliveries()), 0)
	})
}

// TestWebhooksSealed checks that the secrets of a webhook are stored sealed, and sealed again
// with a new key.
func TestWebhooksSealed(t *testing.T) {
	e := &spy{Engine: new(mem.Store)}
	v := sealed(t, e, seal.NewRing())
	v.create(app)
	v.setHook(hook(app), 0)
	for _, text := range e.seen {
		if strings.Contains(text, hookToken) || strings.Contains(text, hookSecret) || strings.Contains(text, hookKey) {
			t.Errorf("a secret is in the clear: %s", text)
		}
	}
	if n, _, err := v.r.Reseal(t.Context(), by("reseal")); err != nil || n != 0 {
		t.Errorf("Reseal with the same keys: %d, %v", n, err)
	}
	plain := records.New(e, nil) // as a store that sealed nothing
	v.code("RemoveWebhook", plain.RemoveWebhook(t.Context(), app, by("webhook.unset")), account.OK)
	v.code("SetWebhook", plain.SetWebhook(t.Context(), hook(app), 0, by("webhook.set")), account.OK)
	if n, _, err := v.r.Reseal(t.Context(), by("reseal")); err != nil || n != 4 {
		t.Errorf("Reseal: %d, %v; want 4", n, err)
	}
	want := hook(app)
	got, _, err := v.r.StoredWebhook(t.Context(), app)
	v.code("StoredWebhook", err, account.OK)
	v.equal("the webhook", got, &want)
	if _, _, err := plain.StoredWebhook(t.Context(), app); err != nil {
		t.Error(err)
	}
	other := records.New(e, seal.NewRing())
	_, _, err = other.StoredWebhook(t.Context(), app)
	v.code("StoredWebhook with other keys", err, account.Internal)
}

// TestWebhookCopied checks the values of a record for a copy with other keys.
func TestWebhookCopied(t *testing.T) {
	from, to := seal.NewRing(), seal.NewRing()
	e := new(mem.Store)
	v := sealed(t, e, from)
	v.create(app)
	v.setHook(hook(app), 0)
	page, err := e.Records(t.Context(), account.RecordQuery{Kind: 21, Limit: 1})
	if err != nil || !records.IsWebhook(21) {
		t.Fatal(err)
	}
	rec := page.Records[0]
	opened, err := records.OpenedWebhook(rec, from)
	if err != nil || !strings.Contains(string(opened), hookToken) {
		t.Errorf("%s, %v", opened, err)
	}
	value, n, err := records.ResealedWebhook(rec, from, to)
	if err != nil || n != 4 {
		t.Fatal(n, err)
	}
	again, err := records.OpenedWebhook(account.Record{Key: rec.Key, Value: value}, to)
	if err != nil || string(again) != string(opened) {
		t.Errorf("%s, %v; want %s", again, err, opened)
	}
	if same, _, err := records.ResealedWebhook(rec, from, nil); err != nil || string(same) != string(rec.Value) {
		t.Errorf("%s, %v", same, err)
	}
}
