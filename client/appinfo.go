package client

import (
	"context"

	"rollcall/internal/wire"
)

// AppInfo contains the figures of an app on a day, as texts, under the names of the vendor.
// Those of messages, groups and friends are "0". A figure that was not asked for is empty.
type AppInfo = wire.AppInfo

// AppInfo returns the figures of the last 30 days, newest first. The first one is today, as far
// as it has gone. Days are those of China unless the app has another zone. fields are the
// names of the figures to return, such as LoginTimes, beside Date; none means all.
func (c *Client) AppInfo(ctx context.Context, fields ...string) ([]AppInfo, error) {
	var resp wire.GetAppInfoResponse
	req := struct {
		RequestField []string `json:",omitempty"`
	}{fields}
	_, err := c.call(ctx, "getappinfo", req, &resp)
	return resp.Result, err
}
