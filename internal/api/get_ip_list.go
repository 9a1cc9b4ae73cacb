package api

import (
	"context"
	"net"
	"net/http"

	"rollcall/internal/wire"
)

// getIPList serves GetIPList (protocol-sessions.md §9.3). The parameter nettype of the URL
// is read by nobody: an app has one list.
func (s *Server) getIPList(ctx context.Context, c *call, _ *wire.GetIPListRequest) (any, error) {
	list := c.app.Settings.IPList
	if len(list) == 0 {
		list = arrivedAt(ctx)
	}
	return wire.GetIPListResponse{ActionStatus: wire.StatusOK, IPList: list}, nil
}

// arrivedAt returns the address of the server at which a request arrived, without its port.
// It returns nil for a request that arrived at no IP address.
func arrivedAt(ctx context.Context) []string {
	tcp, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return nil
	}
	return []string{tcp.AddrPort().Addr().Unmap().WithZone("").String()}
}
