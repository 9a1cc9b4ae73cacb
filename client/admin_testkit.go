package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"rollcall/internal/adminapi"
)

// Types of the calls for test apps. All of these calls need an app that was created as a
// test app, on a server that allows test apps; otherwise the error is [SlugForbidden].
type (
	// A Clock is the clock of a test app.
	Clock = adminapi.Clock

	// A Snapshot is a saved state of a test app, in the memory of the server. It is gone
	// when the server ends.
	Snapshot = adminapi.Snapshot
)

// A ClockChange is a change of the clock of a test app. Its parts apply in the order of
// the fields.
type ClockChange struct {
	Set     time.Time     // time to show, in the years 1970 to 2199; zero keeps the current time
	Advance time.Duration // added to the time, in whole milliseconds; may be negative
	Frozen  *bool         // stops the clock or lets it run on; nil keeps its state
}

// Clock returns the clock of a test app. It needs the scope read.
func (c *AdminClient) Clock(ctx context.Context, sdkAppID uint32) (*Clock, error) {
	return c.clock(ctx, http.MethodGet, sdkAppID, nil)
}

// ChangeClock changes the clock of a test app. Tombstones, the expiry of UserSigs, kicks,
// mutes and the retirement of keys follow it, so sign anew with its time after a long step; see
// [AdminClient.SignUser]. Rate limits follow real time. ChangeClock needs the scope write.
func (c *AdminClient) ChangeClock(ctx context.Context, sdkAppID uint32, change ClockChange) (*Clock, error) {
	return c.clock(ctx, http.MethodPatch, sdkAppID, adminapi.ClockPatch{
		Now: change.Set, AdvanceMS: change.Advance.Milliseconds(), Frozen: change.Frozen,
	})
}

// ResetClock lets the clock of a test app show real time again. It needs the scope write.
func (c *AdminClient) ResetClock(ctx context.Context, sdkAppID uint32) (*Clock, error) {
	return c.clock(ctx, http.MethodDelete, sdkAppID, nil)
}

func (c *AdminClient) clock(ctx context.Context, method string, sdkAppID uint32, body any) (*Clock, error) {
	clock := new(Clock)
	return result(clock, c.call(ctx, adminCall{method: method, path: appPath(sdkAppID) + "/clock", body: body, resp: clock}))
}

// ResetApp removes all accounts, robots, tombstones, kicks and mutes of a test app, in one
// step, and resets its clock. The admins get new accounts. Keys, admins and settings stay. If the
// store cannot do that, the error is [SlugUnsupported], as with snapshots. ResetApp needs
// the scope admin.
func (c *AdminClient) ResetApp(ctx context.Context, sdkAppID uint32) (*App, error) {
	app := new(App)
	return result(app, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/reset", resp: app}))
}

// Snapshots returns the snapshots of a test app by name. It needs the scope read.
func (c *AdminClient) Snapshots(ctx context.Context, sdkAppID uint32) ([]Snapshot, error) {
	var resp adminapi.SnapshotList
	err := c.call(ctx, adminCall{method: http.MethodGet, path: snapshotsPath(sdkAppID), resp: &resp})
	return resp.Snapshots, err
}

// TakeSnapshot keeps the accounts, tombstones, kicks and mutes of a test app, and its name,
// edition, keys, admins, settings and clock. It replaces a snapshot of the same name. If
// the app has too many snapshots, or they would take too much memory, the error is
// [SlugConflict]. TakeSnapshot needs the scope write.
func (c *AdminClient) TakeSnapshot(ctx context.Context, sdkAppID uint32, name string) (*Snapshot, error) {
	snap := new(Snapshot)
	return result(snap, c.call(ctx, adminCall{
		method: http.MethodPost, path: snapshotsPath(sdkAppID), body: adminapi.NewSnapshot{Name: name}, resp: snap,
	}))
}

// RestoreSnapshot returns a test app to a snapshot, in one step. Accounts get their
// internal ids back. The snapshot stays. If there is none of that name, the error is
// [SlugNotFound]. RestoreSnapshot needs the scope admin.
func (c *AdminClient) RestoreSnapshot(ctx context.Context, sdkAppID uint32, name string) (*App, error) {
	app := new(App)
	path := snapshotsPath(sdkAppID) + "/" + url.PathEscape(name) + "/restore"
	return result(app, c.call(ctx, adminCall{method: http.MethodPost, path: path, resp: app}))
}

// DeleteSnapshot deletes a snapshot of a test app. It needs the scope write.
func (c *AdminClient) DeleteSnapshot(ctx context.Context, sdkAppID uint32, name string) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: snapshotsPath(sdkAppID) + "/" + url.PathEscape(name)})
}

func snapshotsPath(sdkAppID uint32) string { return appPath(sdkAppID) + "/snapshots" }
