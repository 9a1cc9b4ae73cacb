package client

import (
	"context"

	"rollcall/internal/wire"
)

// IPList returns the addresses and networks of the service, as text.
func (c *Client) IPList(ctx context.Context) ([]string, error) {
	var resp wire.GetIPListResponse
	_, err := c.call(ctx, "GetIPList", struct{}{}, &resp)
	return resp.IPList, err
}
