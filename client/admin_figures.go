package client

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/internal/adminapi"
)

// Figures say what happened in an app, or on all of the server, in a span of time.
type Figures = adminapi.Figures

// A FigurePoint contains the figures of one step of [Figures].
type FigurePoint = adminapi.FigurePoint

// FigureCounts are numbers of calls and accounts in a span of time.
type FigureCounts = adminapi.FigureCounts

// FigureDays say what happened in an app on each of the last 30 days.
type FigureDays = adminapi.FigureDays

// A FigureDay contains the figures of a day.
type FigureDay = adminapi.FigureDay

// A ServerStatus says how a server is.
type ServerStatus = adminapi.Status

// A Disk is the use of a disk by the store.
type Disk = adminapi.Disk

// Spans of [AdminClient.Figures], which end now.
const (
	LastHour   = "1h"  // a point for each minute
	Last7Days  = "7d"  // a point for each hour
	Last14Days = "14d" // a point for each two hours
	Last30Days = "30d" // a point for each six hours
)

// Figures returns the figures of an app in a span, summed up over all nodes. The SDKAppID 0
// means all apps, with calls that named no app that exists. It needs the scope read.
func (c *AdminClient) Figures(ctx context.Context, sdkAppID uint32, last string) (*Figures, error) {
	path := "/figures"
	if sdkAppID != 0 {
		path = appPath(sdkAppID) + path
	}
	figures := new(Figures)
	return result(figures, c.call(ctx, adminCall{method: http.MethodGet, path: path, query: url.Values{"last": {last}}, resp: figures}))
}

// FigureDays returns the figures of an app on each of the last 30 days, oldest first. They are
// those of [Client.AppInfo]. It needs the scope read.
func (c *AdminClient) FigureDays(ctx context.Context, sdkAppID uint32) (*FigureDays, error) {
	days := new(FigureDays)
	return result(days, c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID) + "/figures/days", resp: days}))
}

// Status says how the server is: its accounts, disk and memory, and whether it accepts calls
// that change something. It needs the scope read.
func (c *AdminClient) Status(ctx context.Context) (*ServerStatus, error) {
	status := new(ServerStatus)
	return result(status, c.call(ctx, adminCall{method: http.MethodGet, path: "/status", resp: status}))
}
