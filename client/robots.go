package client

import (
	"context"

	"rollcall/internal/wire"
)

// A Robot is an account of a bot. It never logs in, and does not count for the quota.
type Robot struct {
	UserID        string // begins with @RBT#
	Nick          string // empty keeps what is stored
	FaceURL       string // empty keeps what is stored
	SelfSignature string // empty keeps what is stored
}

// CreateRobot creates a robot, or changes the texts of one that exists. An app has at most
// 20 robots. The error of a further one, and of an id that is none of a robot, has
// [CodeRobotRefused].
func (c *Client) CreateRobot(ctx context.Context, r Robot) error {
	req := struct {
		UserID        string
		Nick          string `json:",omitzero"`
		FaceUrl       string `json:",omitzero"`
		SelfSignature string `json:",omitzero"`
	}{r.UserID, r.Nick, r.FaceURL, r.SelfSignature}
	_, err := c.call(ctx, "create_robot", req, new(wire.RobotResponse))
	return err
}

// DeleteRobot deletes a robot. The error of a robot that does not exist has
// [CodeRobotRefused], also if an earlier attempt of the same call deleted it.
func (c *Client) DeleteRobot(ctx context.Context, userID string) error {
	_, err := c.call(ctx, "delete_robot", struct{ Robot_Account string }{userID}, new(wire.RobotResponse))
	return err
}

// Robots returns the ids of the robots of the app.
func (c *Client) Robots(ctx context.Context) ([]string, error) {
	var resp wire.GetRobotsResponse
	_, err := c.call(ctx, "get_all_robots", struct{}{}, &resp)
	return resp.Robot_Account, err
}
