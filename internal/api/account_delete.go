package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// accountDelete serves account_delete (protocol.md §3.3). The top level of the
// response is OK even if single ids fail.
func (s *Server) accountDelete(ctx context.Context, c *call, req *wire.DeleteRequest) (any, error) {
	userIDs, err := c.idItems("DeleteItem", &req.DeleteItem)
	if err != nil {
		return nil, err
	}
	c.doom(userIDs)
	results, err := spared(c, userIDs, func(userIDs []account.UserID) ([]directory.Result, error) {
		return s.dir.Delete(ctx, c.app, userIDs)
	})
	if err != nil {
		return nil, err
	}
	resp := wire.DeleteResponse{Head: wire.Success, ResultItem: make([]wire.DeleteResult, len(userIDs))}
	for i, r := range results {
		item := &resp.ResultItem[i]
		item.UserID = string(userIDs[i])
		item.ResultCode, item.ResultInfo = c.itemResult(i, r.Code, r.Detail)
		if item.ResultCode != wire.OK {
			c.failItem("DeleteItem", reason{i, item.ResultCode}, userIDs[i], r.Detail)
		}
	}
	if c.failed.first.code == wire.NoAccount {
		c.failed.remedy = "The account does not exist: there is nothing to delete."
	}
	c.event.SetCounts(len(userIDs), c.failed.count)
	return resp, nil
}
