package client_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestRobots(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	c, ctx := srv.Client, t.Context()
	for _, r := range []client.Robot{
		{UserID: "@RBT#2"}, {UserID: "@RBT#1", Nick: "one", FaceURL: "f", SelfSignature: "s"}, {UserID: "@RBT#1", Nick: "first"},
	} {
		if err := c.CreateRobot(ctx, r); err != nil {
			t.Fatalf("CreateRobot(%+v): %v", r, err)
		}
	}
	listed := func(want ...string) {
		t.Helper()
		got, err := c.Robots(ctx)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Robots: %v (-want +got):\n%s", err, diff)
		}
	}
	listed("@RBT#1", "@RBT#2")
	got, err := c.GetProfile(ctx, []string{"@RBT#1"})
	want := []client.Field{
		client.Text(client.TagNick, "first"), client.Text(client.TagSelfSignature, "s"), client.Text(client.TagImage, "f"),
	}
	if err != nil || len(got) != 1 {
		t.Fatalf("GetProfile = %+v, %v", got, err)
	}
	if diff := cmp.Diff(want, got[0].Fields); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	if err := c.DeleteRobot(ctx, "@RBT#1"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteRobot(ctx, "@RBT#1"); codeOf(err) != client.CodeRobotRefused {
		t.Errorf("DeleteRobot again: %v, want %d", err, client.CodeRobotRefused)
	}
	if err := c.CreateRobot(ctx, client.Robot{UserID: "robot"}); codeOf(err) != client.CodeRobotRefused {
		t.Errorf("CreateRobot of another id: %v, want %d", err, client.CodeRobotRefused)
	}
	listed("@RBT#2")
}
