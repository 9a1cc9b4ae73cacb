package admin

import (
	"context"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) listAudit(ctx context.Context, c *call) (answer adminapi.AuditPage, err error) {
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
	answer.Entries = make([]adminapi.Entry, len(es))
	for i, e := range es {
		answer.Entries[i] = showEntry(e)
	}
	if len(es) == q.Limit && es[len(es)-1].Seq > 1 {
		answer.NextCursor = nextCursor(strconv.FormatUint(es[len(es)-1].Seq, 10))
	}
	return answer, nil
}
