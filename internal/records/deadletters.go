package records

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
)

// A DeadLetter is an event of one account that could not be delivered in time.
type DeadLetter struct {
	Pending string        `json:"-"`     // key of the event in the outbox
	Item    int           `json:"-"`     // index of its item
	Event   account.Event `json:"event"` // with that item alone
	Queued  time.Time     `json:"queued"`
	Died    time.Time     `json:"died"`
	Reason  string        `json:"reason"` // of the last failure
}

// key returns the key of the record of d, which is also its id for people.
func (d *DeadLetter) key() string { return fmt.Sprintf("%s/%08x", d.Pending, d.Item) }

func (d *DeadLetter) write() account.Write {
	return account.Write{Kind: kindDeadLetter, Key: d.key(), Value: encode(d), If: account.AnyVersion}
}

// readDeadLetter decodes the record of a dead letter.
func readDeadLetter(rec account.Record) (*DeadLetter, error) {
	d, err := decode[DeadLetter](rec.Value)
	if err != nil {
		return nil, damaged(kindDeadLetter, rec.Key, err)
	}
	i := strings.LastIndexByte(rec.Key, '/')
	if i < 0 {
		return nil, damaged(kindDeadLetter, rec.Key, nil)
	}
	d.Pending = rec.Key[:i]
	if _, err := fmt.Sscanf(rec.Key[i+1:], "%x", &d.Item); err != nil {
		return nil, damaged(kindDeadLetter, rec.Key, err)
	}
	return d, nil
}

// DeadLetters returns dead letters of an app in the order of their events, after one with
// the position of after, which may be nil. limit is 1 to [account.MaxListLimit].
func (r *Registry) DeadLetters(ctx context.Context, app account.AppID, after *DeadLetter, limit int) ([]*DeadLetter, error) {
	q := account.RecordQuery{Kind: kindDeadLetter, Prefix: appPrefix(app), Limit: limit}
	if after != nil {
		q.After = after.key()
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, err
	}
	list := make([]*DeadLetter, len(page.Records))
	for i, rec := range page.Records {
		if list[i], err = readDeadLetter(rec); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// DeadLetter returns the dead letter of an item of an event in the outbox.
//
// Codes: NoRecord.
func (r *Registry) DeadLetter(ctx context.Context, pending string, item int) (*DeadLetter, error) {
	rec, err := r.e.Record(ctx, kindDeadLetter, (&DeadLetter{Pending: pending, Item: item}).key())
	if err != nil {
		return nil, err
	}
	return readDeadLetter(rec)
}

// RemoveDeadLetters removes dead letters, at most [account.MaxWrites]. They need not exist.
func (r *Registry) RemoveDeadLetters(ctx context.Context, list ...*DeadLetter) error {
	var c account.Commit
	for _, d := range list {
		c.Writes = append(c.Writes, account.Write{Kind: kindDeadLetter, Key: d.key(), If: account.AnyVersion})
	}
	_, err := r.e.Commit(ctx, c)
	return err
}

// Replay puts a dead letter back into the outbox under the key that it had there, so that its
// id stays the same, and removes it from the dead letters. Its time in the outbox begins
// anew.
//
// Codes: NoRecord if there is no such dead letter any more.
func (r *Registry) Replay(ctx context.Context, d *DeadLetter) error {
	for {
		dead, err := r.e.Record(ctx, kindDeadLetter, d.key())
		if err != nil {
			return err
		}
		p, err := r.replayed(ctx, d)
		if err != nil {
			return err
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: []account.Write{
			keepPending(p), {Kind: kindDeadLetter, Key: d.key(), If: dead.Version},
		}})
		if account.CodeOf(err) != account.Stale {
			return err
		}
	}
}

// replayed returns the event in the outbox that d belongs to, with the item of d. The event
// may still be there with other items.
func (r *Registry) replayed(ctx context.Context, d *DeadLetter) (*Pending, error) {
	p := Pending{Key: d.Pending, Event: d.Event}
	p.Event.Items = nil
	rec, err := r.e.Record(ctx, kindOutbox, d.Pending)
	switch {
	case err == nil:
		if p, err = readPending(rec); err != nil {
			return nil, err
		}
	case account.CodeOf(err) != account.NoRecord:
		return nil, err
	}
	p.Queued = time.Now()
	if len(d.Event.Items) == 0 { // the event has none
		return &p, nil
	}
	for len(p.Event.Items) <= d.Item {
		p.Event.Items = append(p.Event.Items, account.EventItem{})
	}
	p.Event.Items[d.Item] = d.Event.Items[0]
	return &p, nil
}

// DropDeliveries removes the events in the outbox and the dead letters of an app.
func (r *Registry) DropDeliveries(ctx context.Context, app account.AppID) error {
	for _, kind := range []account.Kind{kindOutbox, kindDeadLetter} {
		if err := r.dropKind(ctx, kind, app); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) dropKind(ctx context.Context, kind account.Kind, app account.AppID) error {
	for {
		page, err := r.e.Records(ctx, account.RecordQuery{Kind: kind, Prefix: appPrefix(app), Limit: account.MaxListLimit})
		if err != nil || len(page.Records) == 0 {
			return err
		}
		for chunk := range slices.Chunk(page.Records, account.MaxWrites) {
			var c account.Commit
			for _, rec := range chunk {
				c.Writes = append(c.Writes, account.Write{Kind: kind, Key: rec.Key, If: account.AnyVersion})
			}
			if _, err := r.e.Commit(ctx, c); err != nil {
				return err
			}
		}
	}
}

// AppsWithDeliveries returns the apps that have events in the outbox, or dead letters, from
// the first one on.
func (r *Registry) AppsWithDeliveries(ctx context.Context) (apps []account.AppID, err error) {
	for _, kind := range []account.Kind{kindOutbox, kindDeadLetter} {
		for after := ""; ; {
			page, err := r.e.Records(ctx, account.RecordQuery{Kind: kind, After: after, Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(page.Records) == 0 {
				break
			}
			key, _, _ := strings.Cut(page.Records[0].Key, "/")
			app, err := parseAppKey(key)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(apps, app) {
				apps = append(apps, app)
			}
			after = key + "0" // after the slash, so behind all keys of the app
		}
	}
	return apps, nil
}
