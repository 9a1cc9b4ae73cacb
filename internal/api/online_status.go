package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/session"
	"rollcall/internal/wire"
)

// noneKnown is the head of a response that contains no known account. The
// documents require an error then.
var noneKnown = wire.HeadInfoFirst{
	ActionStatus: wire.StatusFail,
	ErrorInfo:    wire.Info(wire.NoAccount, ""),
	ErrorCode:    wire.NoAccount,
}

// queryOnlineStatus serves query_online_status (protocol.md §3.6).
func (s *Server) queryOnlineStatus(ctx context.Context, c *call, req *wire.StatusRequest) (any, error) {
	items, unknown, err := s.presence(ctx, c, req)
	if err != nil {
		return nil, err
	}
	if c.app.Settings.StatusAndState {
		for i := range items {
			items[i].State = items[i].Status
		}
	}
	resp := wire.OnlineStatusResponse{HeadInfoFirst: wire.SuccessInfoFirst, QueryResult: items, ErrorList: unknown}
	if len(items) == 0 {
		resp.HeadInfoFirst = noneKnown
	}
	return resp, nil
}

// queryState serves querystate, the older command, which has State instead of
// Status.
func (s *Server) queryState(ctx context.Context, c *call, req *wire.StatusRequest) (any, error) {
	items, unknown, err := s.presence(ctx, c, req)
	if err != nil {
		return nil, err
	}
	resp := wire.QueryStateResponse{HeadInfoFirst: wire.SuccessInfoFirst, ErrorList: unknown}
	for _, item := range items {
		state := wire.State{To_Account: item.To_Account, State: item.Status, CustomStatus: item.CustomStatus, Detail: item.Detail}
		if c.app.Settings.StatusAndState {
			state.Status = item.Status
		}
		resp.QueryResult = append(resp.QueryResult, state)
	}
	if len(items) == 0 {
		resp.HeadInfoFirst = noneKnown
	}
	return resp, nil
}

// presence returns the requested accounts that exist, and those that do not.
func (s *Server) presence(ctx context.Context, c *call, req *wire.StatusRequest) ([]wire.OnlineStatus, []wire.StatusError, error) {
	userIDs, err := ids(nil, "To_Account", &req.To_Account, c.Batch)
	if err != nil {
		return nil, nil, err
	}
	results, err := s.dir.Presence(ctx, c.app, userIDs)
	if err != nil {
		return nil, nil, err
	}
	var known []wire.OnlineStatus
	var unknown []wire.StatusError
	for i, userID := range userIDs {
		if !results[i].Exists {
			code := c.service.code(account.NoAccount)
			unknown = append(unknown, wire.StatusError{To_Account: string(userID), ErrorCode: code})
			c.failItem("To_Account", reason{i, code}, userID, c.whyUnknown(userID))
			continue
		}
		known = append(known, onlineStatus(string(userID), results[i].Devices, req))
	}
	c.event.SetCounts(len(userIDs), len(unknown))
	if len(known) == 0 {
		c.event.SetCode(int(noneKnown.ErrorCode)) // the call as a whole fails with that code
	}
	return known, unknown, nil
}

func onlineStatus(userID string, d session.Devices, req *wire.StatusRequest) wire.OnlineStatus {
	item := wire.OnlineStatus{To_Account: userID, Status: d.State()}
	if req.IsReturnCustomStatus {
		item.CustomStatus = &d.CustomStatus
	}
	if !req.IsNeedDetail {
		return item
	}
	for i := range d.Devices {
		dev := &d.Devices[i]
		detail := wire.DeviceStatus{Platform: dev.Platform.InDetail(), Status: session.StateOf(dev)}
		if req.IsReturnInstid {
			detail.Instid = &dev.ID
		}
		item.Detail = append(item.Detail, detail)
	}
	return item
}
