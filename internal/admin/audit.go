package admin

import (
	"context"
	"strconv"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// maxAuditScan is the number of entries that one page with a filter looks at.
const maxAuditScan = 10 * account.MaxListLimit

// An auditFilter selects entries of the audit trail.
type auditFilter struct {
	actor  string // "" for all
	action string // "" for all; with a dot at its end, all that begin with it
}

func (f auditFilter) empty() bool { return f == auditFilter{} }

func (f auditFilter) fits(e *account.AuditEntry) bool {
	if f.actor != "" && e.Actor != f.actor {
		return false
	}
	if strings.HasSuffix(f.action, ".") {
		return strings.HasPrefix(e.Action, f.action)
	}
	return f.action == "" || e.Action == f.action
}

func (s *Server) listAudit(ctx context.Context, c *call) (page adminapi.AuditPage, err error) {
	var q account.AuditQuery
	if text, ok := c.query["sdkappid"]; ok {
		if q.App, err = parseApp(text); err != nil {
			return page, err
		}
	}
	limit, err := c.limit()
	if err != nil {
		return page, err
	}
	if q.Before, err = c.numericCursor(); err != nil {
		return page, err
	}
	return s.auditPage(ctx, q, limit, auditFilter{c.query["actor"], c.query["action"]})
}

// auditPage returns the entries of q that fit a filter, at most limit of them.
func (s *Server) auditPage(ctx context.Context, q account.AuditQuery, limit int, filter auditFilter) (page adminapi.AuditPage, err error) {
	page.Entries = []adminapi.Entry{}
	if q.Limit = limit; !filter.empty() {
		q.Limit = account.MaxListLimit
	}
	for scanned := 0; scanned < maxAuditScan; scanned += q.Limit {
		es, err := s.dir.Audit(ctx, q)
		if err != nil {
			return page, err
		}
		for i := range es {
			if q.Before = es[i].Seq; !filter.fits(&es[i]) {
				continue
			}
			if page.Entries = append(page.Entries, showEntry(es[i])); len(page.Entries) == limit {
				page.NextCursor = olderThan(q.Before)
				return page, nil
			}
		}
		if len(es) < q.Limit || q.Before <= 1 {
			return page, nil
		}
	}
	page.NextCursor = olderThan(q.Before)
	return page, nil
}

// olderThan returns the cursor of the entries before the one with a Seq, or "" if there
// can be none.
func olderThan(seq uint64) string {
	if seq <= 1 {
		return ""
	}
	return nextCursor(strconv.FormatUint(seq, 10))
}
