package records

import (
	"context"
	"encoding/json"

	"rollcall/internal/account"
)

// entered returns writes together with the audit entry of what they do to app, 0 for
// none.
func entered(app account.AppID, by account.AuditEntry, writes ...account.Write) []account.Write {
	by.Seq, by.App = 0, app
	value := encode(by)
	writes = append(writes, account.Write{Kind: kindAudit, Value: value, Append: true})
	if app != 0 {
		writes = append(writes, account.Write{Kind: kindAuditOfApp, Key: appPrefix(app), Value: value, Append: true})
	}
	return writes
}

// Record puts an entry into the audit trail for what changed no app and no token, with
// the App that it names; 0 for none. It is not checked that there is such an app.
// Repeating it after Unknown may store a second entry.
func (r *Registry) Record(ctx context.Context, entry account.AuditEntry) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: entered(entry.App, entry)})
	return err
}

// Audit returns entries of the trail, newest first. Their Seq are the numbers of the
// commits that they belong to. A page of one app costs what it holds, however much others
// have written.
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
