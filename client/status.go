package client

import (
	"cmp"
	"context"
	"errors"

	"rollcall/internal/wire"
)

// Values of Status.
const (
	Online     = "Online"
	PushOnline = "PushOnline" // the app was closed or lost its network; kept for 7 days
	Offline    = "Offline"
)

// A StatusQuery selects accounts and the details of their status. Details cost the
// server more work.
type StatusQuery struct {
	UserIDs      []string // 1 to MaxStatus
	Detail       bool     // include devices
	InstanceID   bool     // include the instance ids of devices; needs Detail
	CustomStatus bool     // include the text that the user has set
}

func (q StatusQuery) request() any {
	flag := func(b bool) (n int) {
		if b {
			n = 1
		}
		return n
	}
	return struct {
		To_Account           []string
		IsNeedDetail         int `json:",omitzero"`
		IsReturnInstid       int `json:",omitzero"`
		IsReturnCustomStatus int `json:",omitzero"`
	}{q.UserIDs, flag(q.Detail), flag(q.InstanceID), flag(q.CustomStatus)}
}

// A StatusResult is the status of one account.
type StatusResult struct {
	UserID       string   `json:"userid"`
	Status       string   `json:"status,omitempty"` // Online, PushOnline or Offline; "" if Code is not 0
	CustomStatus string   `json:"custom_status,omitempty"`
	Devices      []Device `json:"devices,omitempty"`
	Code         Code     `json:"code,omitzero"` // CodeNoAccount if the account does not exist
	Info         string   `json:"info,omitempty"`
}

// A Device is the status of one device.
type Device struct {
	Platform   string `json:"platform"` // iPhone, Android, Web, PC, iPad, Mac
	Status     string `json:"status"`
	InstanceID uint64 `json:"instance_id,omitzero"`
}

// QueryOnlineStatus returns the status of 1 to [MaxStatus] accounts. Existing accounts
// come first, in the order of the server, followed by accounts that do not exist. If no
// account exists, QueryOnlineStatus returns no error, although the API reports a
// failure.
func (c *Client) QueryOnlineStatus(ctx context.Context, q StatusQuery) ([]StatusResult, error) {
	return c.status(ctx, "query_online_status", q)
}

// QueryState is QueryOnlineStatus with the older name of the command, for servers that
// only know that name.
func (c *Client) QueryState(ctx context.Context, q StatusQuery) ([]StatusResult, error) {
	return c.status(ctx, "querystate", q)
}

// status calls one of the status commands. Their responses differ only in the name of
// the field of the status.
func (c *Client) status(ctx context.Context, command string, q StatusQuery) ([]StatusResult, error) {
	var resp wire.OnlineStatusResponse
	_, err := c.call(ctx, command, q.request(), &resp)
	if err != nil && !noneKnown(err, resp.ErrorList) {
		return nil, err
	}
	results := make([]StatusResult, 0, len(resp.QueryResult)+len(resp.ErrorList))
	for _, r := range resp.QueryResult {
		results = append(results, statusResult(r))
	}
	for _, u := range resp.ErrorList {
		code := Code(u.ErrorCode)
		results = append(results, StatusResult{UserID: u.To_Account, Code: code, Info: code.Text()})
	}
	return results, nil
}

// noneKnown reports whether err only says that no account exists.
func noneKnown(err error, unknown []wire.StatusError) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == CodeNoAccount && len(unknown) > 0
}

func statusResult(r wire.OnlineStatus) StatusResult {
	s := StatusResult{UserID: r.To_Account, Status: cmp.Or(r.Status, r.State)}
	if r.CustomStatus != nil {
		s.CustomStatus = *r.CustomStatus
	}
	for _, d := range r.Detail {
		dev := Device{Platform: d.Platform, Status: d.Status}
		if d.Instid != nil {
			dev.InstanceID = *d.Instid
		}
		s.Devices = append(s.Devices, dev)
	}
	return s
}
