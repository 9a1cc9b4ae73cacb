package api

import (
	"context"

	"rollcall/internal/wire"
)

// kick serves kick (protocol.md §3.5). All UserSigs that were signed for the
// account before become invalid.
func (s *Server) kick(ctx context.Context, c *call, req *wire.KickRequest) (any, error) {
	userID, err := eitherID(req.UserID, req.Identifier)
	if err != nil {
		return nil, err
	}
	return wire.SuccessInfoFirst, s.dir.Kick(ctx, c.app, userID)
}
