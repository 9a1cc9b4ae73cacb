package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
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
	if err := s.presence(ctx, c, req); err != nil {
		return nil, err
	}
	if c.app.Settings.StatusAndState {
		for i := range c.status.QueryResult {
			item := &c.status.QueryResult[i]
			item.State = item.Status
		}
	}
	return &c.status, nil
}

// queryState serves querystate, the older command, which has State instead of
// Status.
func (s *Server) queryState(ctx context.Context, c *call, req *wire.StatusRequest) (any, error) {
	if err := s.presence(ctx, c, req); err != nil {
		return nil, err
	}
	resp := wire.QueryStateResponse{HeadInfoFirst: c.status.HeadInfoFirst, ErrorList: c.status.ErrorList}
	for _, item := range c.status.QueryResult {
		state := wire.State{To_Account: item.To_Account, State: item.Status, CustomStatus: item.CustomStatus, Detail: item.Detail}
		if c.app.Settings.StatusAndState {
			state.Status = item.Status
		}
		resp.QueryResult = append(resp.QueryResult, state)
	}
	return resp, nil
}

// presence sets the status of c: the requested accounts that exist, and those
// that do not.
func (s *Server) presence(ctx context.Context, c *call, req *wire.StatusRequest) (err error) {
	if c.userIDs, err = ids(c.userIDs, "To_Account", &req.To_Account, c.Batch); err != nil {
		return err
	}
	read := s.dir.StatesInto
	if req.IsNeedDetail || req.IsReturnCustomStatus {
		read = s.dir.PresenceInto
	}
	if c.memory.presence, err = read(ctx, c.app, c.userIDs, c.memory.presence); err != nil {
		return err
	}
	resp := &c.status
	resp.HeadInfoFirst = wire.SuccessInfoFirst
	for i, userID := range c.userIDs {
		r := &c.memory.presence[i]
		if !r.Exists {
			code := c.service.code(account.NoAccount)
			resp.ErrorList = append(resp.ErrorList, wire.StatusError{To_Account: string(userID), ErrorCode: code})
			c.failItem("To_Account", reason{i, code}, userID, c.whyUnknown(userID))
			continue
		}
		resp.QueryResult = append(resp.QueryResult, onlineStatus(string(userID), r, req))
	}
	c.event.SetCounts(len(c.userIDs), len(resp.ErrorList))
	if len(resp.QueryResult) == 0 {
		resp.HeadInfoFirst = noneKnown
		c.event.SetCode(int(noneKnown.ErrorCode)) // the call as a whole fails with that code
	}
	return nil
}

func onlineStatus(userID string, d *directory.PresenceResult, req *wire.StatusRequest) wire.OnlineStatus {
	item := wire.OnlineStatus{To_Account: userID, Status: d.State}
	if req.IsReturnCustomStatus {
		item.CustomStatus = &d.CustomStatus
	}
	if !req.IsNeedDetail {
		return item
	}
	for i := range d.Devices.Devices {
		dev := &d.Devices.Devices[i]
		detail := wire.DeviceStatus{Platform: dev.Platform.InDetail(), Status: session.StateOf(dev)}
		if req.IsReturnInstid {
			detail.Instid = &dev.ID
		}
		item.Detail = append(item.Detail, detail)
	}
	return item
}
