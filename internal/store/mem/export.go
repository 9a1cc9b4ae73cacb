package mem

import (
	"context"
	"iter"
	"strings"

	"rollcall/internal/account"
)

var _ account.Exporter = (*Store)(nil)

// Export implements [account.Exporter]. It copies everything first.
func (s *Store) Export(ctx context.Context, app account.AppID, q account.ExportQuery) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		var dump *account.Dump
		if err := s.reading(ctx, app, func(d *space) { dump = d.dump() }); err != nil {
			yield(nil, err)
			return
		}
		if !q.Gone {
			dump.Gone = nil
		}
		for e := range merged(dump) {
			if !strings.HasPrefix(string(e.ID), string(q.Prefix)) || e.ID <= q.After {
				continue
			}
			if err := account.Ended(ctx); err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// merged returns the accounts and the deleted ids of a dump, in order.
func merged(d *account.Dump) iter.Seq[*account.Exported] {
	return func(yield func(*account.Exported) bool) {
		as, gone := d.Accounts, d.Gone
		for len(as)+len(gone) > 0 {
			var e account.Exported
			if len(as) == 0 || len(gone) > 0 && gone[0].ID < as[0].ID {
				e.ID, e.Kicked, e.Deleted = gone[0].ID, gone[0].Kicked, gone[0].Deleted
				gone = gone[1:]
			} else {
				e.Account = as[0]
				as = as[1:]
			}
			if !yield(&e) {
				return
			}
		}
	}
}
