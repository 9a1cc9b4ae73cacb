package client

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/internal/adminapi"
)

// A Fault says what goes wrong with which calls of a test app.
type Fault = adminapi.Fault

// An ActiveFault is a fault of an app, with the number of calls that it has changed.
type ActiveFault = adminapi.ActiveFault

// Values of the field Cut of a [Fault].
const (
	CutBefore = "before" // close the connection before the first byte of the response
	CutMiddle = "middle" // close it after half of the body
)

// AddFault lets calls of a test app fail on purpose. Faults are considered in the order
// in which they were added, and the first one that changes a call wins. A fault remains
// until it is removed or the server ends. For any other app the error is [SlugForbidden].
// AddFault needs the scope write.
func (c *AdminClient) AddFault(ctx context.Context, sdkAppID uint32, f Fault) (*ActiveFault, error) {
	added := new(ActiveFault)
	return result(added, c.call(ctx, adminCall{method: http.MethodPost, path: faultsPath(sdkAppID), body: f, resp: added}))
}

// Faults returns the faults of a test app in their order. It needs the scope read.
func (c *AdminClient) Faults(ctx context.Context, sdkAppID uint32) ([]ActiveFault, error) {
	var list adminapi.FaultList
	err := c.call(ctx, adminCall{method: http.MethodGet, path: faultsPath(sdkAppID), resp: &list})
	return list.Faults, err
}

// RemoveFault removes one fault of a test app. If it does not exist, the error is
// [SlugNotFound]. RemoveFault needs the scope write.
func (c *AdminClient) RemoveFault(ctx context.Context, sdkAppID uint32, id string) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: faultsPath(sdkAppID) + "/" + url.PathEscape(id)})
}

// ClearFaults removes the faults of a test app, and returns their number. It needs the
// scope write.
func (c *AdminClient) ClearFaults(ctx context.Context, sdkAppID uint32) (int, error) {
	var resp adminapi.Cleared
	err := c.call(ctx, adminCall{method: http.MethodDelete, path: faultsPath(sdkAppID), resp: &resp})
	return resp.Cleared, err
}

func faultsPath(sdkAppID uint32) string { return appPath(sdkAppID) + "/faults" }
