package api

import (
	"context"

	"rollcall/internal/wire"
)

// kick serves kick (protocol.md §3.5): UserSigs that the account holds become
// invalid.
func (s *Server) kick(ctx context.Context, c *call, req *wire.KickRequest) (any, error) {
	userID, err := eitherID(req.UserID, req.Identifier)
	if err != nil {
		return nil, err
	}
	return wire.SuccessInfoFirst, s.dir.Kick(ctx, c.app, userID)
}
