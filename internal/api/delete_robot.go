package api

import (
	"context"

	"rollcall/internal/wire"
)

// deleteRobot serves delete_robot (protocol-sessions.md §9.4).
func (s *Server) deleteRobot(ctx context.Context, c *call, req *wire.DeleteRobotRequest) (any, error) {
	userID, err := id("Robot_Account", req.Robot_Account)
	if err != nil {
		return nil, err
	}
	return wire.RobotResponse{HeadInfoFirst: wire.SuccessInfoFirst}, s.dir.DeleteRobot(ctx, c.app, userID)
}
