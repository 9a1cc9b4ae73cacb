package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// accountDelete serves account_delete (protocol.md §3.3). The top level of the
// response is OK even if single ids fail.
func (s *Server) accountDelete(ctx context.Context, c *call, req *wire.DeleteRequest) (any, error) {
	userIDs, err := c.idItems("DeleteItem", &req.DeleteItem)
	if err != nil {
		return nil, err
	}
	results, err := s.dir.Delete(ctx, c.app, userIDs)
	if err != nil {
		return nil, err
	}
	resp := wire.DeleteResponse{Head: wire.Success, ResultItem: make([]wire.DeleteResult, len(userIDs))}
	for i, r := range results {
		item := &resp.ResultItem[i]
		item.UserID = string(userIDs[i])
		item.ResultCode, item.ResultInfo = c.result(r.Code, r.Detail)
		if r.Code != account.OK {
			c.failItem("DeleteItem", reason{i, item.ResultCode}, r.Detail)
		}
	}
	if c.failed.first.code == wire.NoAccount {
		c.failed.remedy = "The account does not exist: there is nothing to delete."
	}
	c.event.SetCounts(len(userIDs), c.failed.count)
	return resp, nil
}
