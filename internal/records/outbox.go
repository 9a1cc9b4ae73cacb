package records

import (
	"context"
	"encoding/json"
	"time"

	"rollcall/internal/account"
)

// A Pending is an event in the outbox, which has not been delivered yet.
type Pending struct {
	Key     string // see [Registry.RemovePending]
	Event   account.Event
	Queued  time.Time // real time at which the event was put into the outbox
	Version uint64    // of its record; see [Registry.CommitDelivery]
}

// An outboxRecord is the value of an event in the outbox.
type outboxRecord struct {
	account.Event
	QueuedMS int64 `json:"queued_ms,omitzero"` // Unix time; absent in the outboxes of older versions
}

// Outbox returns the writes that put an event into the outbox. They belong to the commit
// of the change that the event reports.
func Outbox(e account.Event) []account.Write {
	return []account.Write{{Kind: kindOutbox, Key: appPrefix(e.App), Value: encode(outboxRecord{e, time.Now().UnixMilli()}), Append: true}}
}

// AddPending puts an event into the outbox that reports no change of the store.
func (r *Registry) AddPending(ctx context.Context, e account.Event) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: Outbox(e)})
	return err
}

// Pending returns the oldest events in the outbox of an app, in the order of their
// commits. limit is 1 to [account.MaxListLimit]. App 0 means all apps, one after the other.
func (r *Registry) Pending(ctx context.Context, app account.AppID, limit int) ([]Pending, error) {
	pending, _, err := r.PendingAfter(ctx, app, "", limit, nil)
	return pending, err
}

// PendingAfter is Pending for the events behind one with a key. next is the key to go on
// with, or empty at the end. Events with keys before it can still appear. An event whose key
// is known has nothing but its Key, because an event can have a thousand items; a nil function
// knows none.
func (r *Registry) PendingAfter(ctx context.Context, app account.AppID, key string, limit int, known func(key string) bool) (_ []Pending, next string, err error) {
	q := account.RecordQuery{Kind: kindOutbox, After: key, Limit: limit}
	if app != 0 {
		q.Prefix = appPrefix(app)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, "", err
	}
	pending := make([]Pending, len(page.Records))
	for i, rec := range page.Records {
		if known != nil && known(rec.Key) {
			pending[i].Key = rec.Key
			continue
		}
		if pending[i], err = readPending(rec); err != nil {
			return nil, "", err
		}
	}
	return pending, page.Next, nil
}

func readPending(rec account.Record) (Pending, error) {
	var v outboxRecord
	if err := json.Unmarshal(rec.Value, &v); err != nil {
		return Pending{}, damaged(kindOutbox, rec.Key, err)
	}
	p := Pending{Key: rec.Key, Event: v.Event, Queued: v.Time, Version: rec.Version}
	if v.QueuedMS != 0 {
		p.Queued = time.UnixMilli(v.QueuedMS).UTC()
	}
	return p, nil
}

// RemovePending removes the events with these keys from the outbox, at most
// [account.MaxWrites]. A retry is safe, because keys that do not exist are ignored.
func (r *Registry) RemovePending(ctx context.Context, keys ...string) error {
	var c account.Commit
	for _, key := range keys {
		c.Writes = append(c.Writes, removePending(key))
	}
	_, err := r.e.Commit(ctx, c)
	return err
}

func removePending(key string) account.Write {
	return account.Write{Kind: kindOutbox, Key: key, If: account.AnyVersion}
}

// keepPending returns the write that replaces the event of p by what is left of it.
func keepPending(p *Pending) account.Write {
	return account.Write{Kind: kindOutbox, Key: p.Key, Value: encode(outboxRecord{p.Event, p.Queued.UnixMilli()}), If: p.Version}
}

// A Progress is what a delivery has done to the outbox.
type Progress struct {
	Done []string   // keys of events that are delivered, or given up
	Left []*Pending // events of which some items are done; these have no ID any more
	Dead []DeadLetter
}

// Empty reports whether there is nothing to commit.
func (p *Progress) Empty() bool { return len(p.Done)+len(p.Left)+len(p.Dead) == 0 }

// CommitDelivery stores what a delivery has done, in one commit of at most [account.MaxWrites] writes. It sets
// the Version of the events that are left. Codes: Stale if somebody else has changed one.
func (r *Registry) CommitDelivery(ctx context.Context, p Progress) error {
	var c account.Commit
	for _, key := range p.Done {
		c.Writes = append(c.Writes, removePending(key))
	}
	for _, left := range p.Left {
		c.Writes = append(c.Writes, keepPending(left))
	}
	for i := range p.Dead {
		c.Writes = append(c.Writes, p.Dead[i].write())
	}
	n, err := r.e.Commit(ctx, c)
	if err != nil {
		return err
	}
	for _, left := range p.Left {
		left.Version = n
	}
	return nil
}

// DeliveryChanges differ after each change of the outbox and of a webhook; see
// [account.Records.Changes].
type DeliveryChanges struct{ Outbox, Webhooks uint64 }

// DeliveryChanges returns the current numbers.
func (r *Registry) DeliveryChanges() DeliveryChanges {
	return DeliveryChanges{r.e.Changes(kindOutbox), r.e.Changes(kindWebhook)}
}
