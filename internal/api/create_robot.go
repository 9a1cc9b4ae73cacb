package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/wire"
)

// createRobot serves create_robot (protocol-sessions.md §9.4). An empty text keeps what is
// stored, as in an import.
func (s *Server) createRobot(ctx context.Context, c *call, req *wire.CreateRobotRequest) (any, error) {
	userID, err := id("UserID", req.UserID)
	if err != nil {
		return nil, err
	}
	var changes []directory.Change
	for _, f := range []struct {
		name string
		tag  account.Tag
		text wire.Text
	}{
		{"Nick", account.TagNick, req.Nick},
		{"FaceUrl", account.TagImage, req.FaceUrl},
		{"SelfSignature", account.TagSelfSignature, req.SelfSignature},
	} {
		value, err := text(f.name, f.text)
		if err != nil {
			return nil, err
		}
		if value != "" {
			changes = append(changes, directory.Change{Tag: f.tag, Value: account.Value{Text: value}})
		}
	}
	return wire.RobotResponse{HeadInfoFirst: wire.SuccessInfoFirst}, s.dir.CreateRobot(s.named(ctx, c, account.EventImported), c.app, userID, changes)
}
