package harness

import (
	"context"

	"rollcall/client"
	"rollcall/internal/loadgen"
)

// The test app of [loadgen.LoginOne], whose devices are virtual. Its accounts are few, so the
// memory of all other steps stays that of their own accounts.
const (
	testApp      = 1400000002
	testAccounts = 100_000
)

func (r *rollcall) admin() (*client.AdminClient, error) {
	return client.NewAdmin(client.AdminOptions{BaseURL: r.address, Token: r.context.AdminToken})
}

// endTest makes a usual app of the demo app. The server would keep the calls of a test app with
// their bodies.
func (r *rollcall) endTest(ctx context.Context) error {
	admin, err := r.admin()
	if err != nil {
		return err
	}
	_, err = admin.UpdateApp(ctx, r.context.SDKAppID, client.AppPatch{Test: new(false)})
	return err
}

// createTest creates the test app with its accounts, once.
func (r *rollcall) createTest(ctx context.Context) error {
	if r.hasTest {
		return nil
	}
	admin, err := r.admin()
	if err != nil {
		return err
	}
	if _, err := admin.CreateApp(ctx, client.NewApp{SDKAppID: testApp, Test: true}); err != nil {
		return err
	}
	r.hasTest = true
	s := loadgen.Stream{URL: r.address, Token: r.context.AdminToken, SDKAppID: testApp, Rows: testAccounts, Key: "bench"}
	_, err = loadgen.StreamIn(ctx, s)
	return err
}
