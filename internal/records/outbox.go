package records

import (
	"context"
	"encoding/json"

	"rollcall/internal/account"
)

// A Pending is an event in the outbox, which has not been delivered yet.
type Pending struct {
	Key   string // see [Registry.RemovePending]
	Event account.Event
}

// Outbox returns the writes that put an event into the outbox. They belong to the commit
// of the change that the event reports.
func Outbox(e account.Event) []account.Write {
	return []account.Write{{Kind: kindOutbox, Key: appPrefix(e.App), Value: encode(e), Append: true}}
}

// Pending returns the oldest events in the outbox of an app, in the order of their
// commits. limit is 1 to [account.MaxListLimit]. App 0 means all apps, one after the other.
func (r *Registry) Pending(ctx context.Context, app account.AppID, limit int) ([]Pending, error) {
	q := account.RecordQuery{Kind: kindOutbox, Limit: limit}
	if app != 0 {
		q.Prefix = appPrefix(app)
	}
	page, err := r.e.Records(ctx, q)
	if err != nil {
		return nil, err
	}
	pending := make([]Pending, len(page.Records))
	for i, rec := range page.Records {
		pending[i].Key = rec.Key
		if err := json.Unmarshal(rec.Value, &pending[i].Event); err != nil {
			return nil, damaged(kindOutbox, rec.Key, err)
		}
	}
	return pending, nil
}

// RemovePending removes the events with these keys from the outbox, at most
// [account.MaxWrites]. A retry is safe, because keys that do not exist are ignored.
func (r *Registry) RemovePending(ctx context.Context, keys ...string) error {
	var c account.Commit
	for _, key := range keys {
		c.Writes = append(c.Writes, account.Write{Kind: kindOutbox, Key: key, If: account.AnyVersion})
	}
	_, err := r.e.Commit(ctx, c)
	return err
}
