package client

import (
	"context"
	"net/http"

	"rollcall/internal/adminapi"
)

// A ServerSetting is a setting of a server with its value and its source. It never
// contains a secret.
type ServerSetting = adminapi.ServerSetting

// Settings returns the settings of the server, in the order of docs/configuration.md. It
// needs the scope admin.
func (c *AdminClient) Settings(ctx context.Context) ([]ServerSetting, error) {
	var resp adminapi.ServerSettings
	err := c.call(ctx, adminCall{method: http.MethodGet, path: "/settings", resp: &resp})
	return resp.Settings, err
}
