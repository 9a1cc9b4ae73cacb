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

// A VerifiedBackup is what a check of a backup has found.
type VerifiedBackup = adminapi.VerifiedBackup

// VerifyBackup reads every record of the backup in dir, an absolute path on the server's
// machine. A backup that is damaged is no error: Sound is false then, and Fault says what
// is wrong. VerifyBackup needs the scope admin.
func (c *AdminClient) VerifyBackup(ctx context.Context, dir string) (*VerifiedBackup, error) {
	v := new(VerifiedBackup)
	return result(v, c.call(ctx, adminCall{method: http.MethodPost, path: "/backup:verify", body: adminapi.BackupToVerify{Dir: dir}, resp: v}))
}
