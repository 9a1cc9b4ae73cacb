package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// accountCheck serves account_check (protocol.md §3.4). An id without an
// account is not an error. An id that is invalid has a ResultCode.
func (s *Server) accountCheck(ctx context.Context, c *call, req *wire.CheckRequest) (any, error) {
	userIDs, err := c.idItems("CheckItem", &req.CheckItem)
	if err != nil {
		return nil, err
	}
	c.doom(userIDs)
	if c.checks, err = s.dir.CheckInto(ctx, c.app, userIDs, c.checks); err != nil {
		return nil, err
	}
	c.checked.Head = wire.Success
	c.checked.ResultItem = sized(c.checked.ResultItem, len(userIDs))
	for i := range c.checks {
		r, item := &c.checks[i], &c.checked.ResultItem[i]
		item.UserID = string(userIDs[i])
		item.ResultCode, item.ResultInfo = c.itemResult(i, r.Code, r.Detail)
		if item.ResultCode != wire.OK {
			c.failItem("CheckItem", reason{i, item.ResultCode}, userIDs[i], r.Detail)
		}
		item.AccountStatus = wire.NotImported
		if r.Exists && !c.dooms(i) {
			item.AccountStatus = wire.Imported
		}
	}
	c.event.SetCounts(len(userIDs), c.failed.count)
	return &c.checked, nil
}

// result returns the code and text for one item of a batch.
func (c *call) result(code account.Code, detail string) (wire.Code, string) {
	if code == account.OK {
		return wire.OK, ""
	}
	n := c.service.code(code)
	return n, wire.Info(n, detail)
}
