package api

import (
	"context"

	"rollcall/internal/wire"
)

// getAllRobots serves get_all_robots (protocol-sessions.md §9.4).
func (s *Server) getAllRobots(ctx context.Context, c *call, _ *wire.GetRobotsRequest) (any, error) {
	robots, err := s.dir.Robots(ctx, c.app)
	if err != nil {
		return nil, err
	}
	resp := wire.GetRobotsResponse{HeadInfoFirst: wire.SuccessInfoFirst}
	for _, id := range robots {
		resp.Robot_Account = append(resp.Robot_Account, string(id))
	}
	c.event.SetCounts(len(robots), 0)
	return resp, nil
}
