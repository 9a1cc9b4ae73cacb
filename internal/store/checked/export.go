package checked

import (
	"context"
	"iter"
	"strings"

	"rollcall/internal/account"
)

// An exporter is an engine that can export.
type exporter struct {
	*engine
	below account.Exporter
}

// Export implements [account.Exporter].
func (c *exporter) Export(ctx context.Context, app account.AppID, q account.ExportQuery) iter.Seq2[*account.Exported, error] {
	const method = "Export"
	return func(yield func(*account.Exported, error) bool) {
		last, ended := q.After, false
		for e, err := range c.below.Export(ctx, app, q) {
			broken(!ended, method, "something follows an error")
			broken((e == nil) == (err != nil), method, "the value %v beside the error %v", e, err)
			fault(method, err)
			if ended = err != nil; !ended {
				exported(method, e, q)
				broken(e.ID > last, method, "%q follows %q", e.ID, last)
				last = account.UserID(strings.Clone(string(e.ID)))
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// exported checks a single value.
func exported(method string, e *account.Exported, q account.ExportQuery) {
	broken(strings.HasPrefix(string(e.ID), string(q.Prefix)), method, "%q lacks the prefix %q", e.ID, q.Prefix)
	if !e.Gone() {
		whole(method, e.Account)
		broken(e.Deleted.IsZero(), method, "the account %q was deleted at %v", e.ID, e.Deleted)
		return
	}
	broken(q.Gone, method, "the deleted id %q, which was not asked for", e.ID)
	broken(!e.Deleted.IsZero() && e.Deleted.Equal(account.Millis(e.Deleted)), method, "%q was deleted at %v", e.ID, e.Deleted)
	bare := e.Account
	bare.Kicked = 0
	broken(blank(bare), method, "the deleted id %q contains %+v", e.ID, e.Account)
}
