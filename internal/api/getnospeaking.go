package api

import (
	"context"

	"rollcall/internal/wire"
)

// getNoSpeaking serves getnospeaking (protocol-sessions.md §9.1).
func (s *Server) getNoSpeaking(ctx context.Context, c *call, req *wire.GetMuteRequest) (any, error) {
	userID, err := target("Get_Account", req.Get_Account)
	if err != nil {
		return nil, err
	}
	m, err := s.dir.Mute(ctx, c.app, userID)
	return wire.GetMuteResponse{C2CmsgNospeakingTime: m.C2C, GroupmsgNospeakingTime: m.Group}, err
}
