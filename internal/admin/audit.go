package admin

import (
	"context"
	"strconv"

	"rollcall/internal/account"
)

// AuditPage is one page of the audit trail, newest first.
type AuditPage struct {
	Entries    []Entry `json:"entries"`
	NextCursor string  `json:"next_cursor"` // "" if there is certainly nothing older
}

func (s *Server) listAudit(ctx context.Context, c *call) (answer AuditPage, err error) {
	var q account.AuditQuery
	if text, ok := c.query["sdkappid"]; ok {
		if q.App, err = parseApp(text); err != nil {
			return answer, err
		}
	}
	if q.Limit, err = c.limit(); err != nil {
		return answer, err
	}
	if q.Before, err = c.numericCursor(); err != nil {
		return answer, err
	}
	es, err := s.dir.Audit(ctx, q)
	if err != nil {
		return answer, err
	}
	answer.Entries = make([]Entry, len(es))
	for i, e := range es {
		answer.Entries[i] = showEntry(e)
	}
	if len(es) == q.Limit && es[len(es)-1].Seq > 1 {
		answer.NextCursor = nextCursor(strconv.FormatUint(es[len(es)-1].Seq, 10))
	}
	return answer, nil
}
