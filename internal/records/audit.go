package records

import (
	"context"
	"encoding/json"

	"rollcall/internal/account"
)

// withEntry returns writes together with the writes of their audit entry. app is the app
// that they change, or 0.
func withEntry(app account.AppID, by account.AuditEntry, writes ...account.Write) []account.Write {
	by.Seq, by.App = 0, app
	value := encode(by)
	writes = append(writes, account.Write{Kind: kindAudit, Value: value, Append: true})
	if app != 0 {
		writes = append(writes, account.Write{Kind: kindAuditOfApp, Key: appPrefix(app), Value: value, Append: true})
	}
	return writes
}

// EntryWrites returns the writes that add an entry to the audit trail, for the commit of a
// change of accounts. No write has a condition, so an outbox can return them.
func EntryWrites(by account.AuditEntry) []account.Write { return withEntry(by.App, by) }

// Record adds an entry to the audit trail for an action that changes no app and no token.
// The entry keeps its App, which may be 0 and need not exist. A retry after Unknown may
// store a second entry.
func (r *Registry) Record(ctx context.Context, entry account.AuditEntry) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: withEntry(entry.App, entry)})
	return err
}

// Audit returns entries of the audit trail, newest first. The Seq of an entry is the
// number of the commit that it belongs to. The cost of a page of one app does not depend
// on the entries of other apps.
func (r *Registry) Audit(ctx context.Context, q account.AuditQuery) ([]account.AuditEntry, error) {
	page := account.RecordQuery{Kind: kindAudit, Reverse: true, Limit: q.Limit}
	if q.App != 0 {
		page.Kind, page.Prefix = kindAuditOfApp, appPrefix(q.App)
	}
	if q.Before != 0 {
		page.After = account.AppendedKey(page.Prefix, q.Before)
	}
	recs, err := r.e.Records(ctx, page)
	if err != nil {
		return nil, err
	}
	var entries []account.AuditEntry
	for _, rec := range recs.Records {
		var e account.AuditEntry
		if err := json.Unmarshal(rec.Value, &e); err != nil {
			return nil, damaged(page.Kind, rec.Key, err)
		}
		if e.Seq, err = appendedNumber(page.Kind, rec.Key); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}
