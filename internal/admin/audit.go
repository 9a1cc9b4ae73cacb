package admin

import (
	"context"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

func (s *Server) listAudit(ctx context.Context, c *call) (page adminapi.AuditPage, err error) {
	var q account.AuditQuery
	if text, ok := c.query["sdkappid"]; ok {
		if q.App, err = parseApp(text); err != nil {
			return page, err
		}
	}
	if q.Limit, err = c.limit(); err != nil {
		return page, err
	}
	if q.Before, err = c.numericCursor(); err != nil {
		return page, err
	}
	es, err := s.dir.Audit(ctx, q)
	if err != nil {
		return page, err
	}
	page.Entries = make([]adminapi.Entry, len(es))
	for i, e := range es {
		page.Entries[i] = showEntry(e)
	}
	if len(es) == q.Limit && es[len(es)-1].Seq > 1 {
		page.NextCursor = nextCursor(strconv.FormatUint(es[len(es)-1].Seq, 10))
	}
	return page, nil
}
