package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

// Editions of an app. They decide quota, deletion and when a deleted id can come
// back.
const (
	Trial       = "trial"       // 100 accounts; deletion and re-import at once
	Development = "development" // no limit; deletion and re-import at once
	Standard    = "standard"    // deletion by a switch; deleted ids are barred for 90 days
	Pro         = "pro"         // as Standard
	Enterprise  = "enterprise"  // as Standard
)

// Types of the admin API. The server declares its bodies with the same ones.
type (
	// An App is an app as the admin API shows it, never with a secret.
	App = adminapi.App

	// Settings of an app. The zero Settings are the defaults; docs/settings.md says
	// what each changes on the wire.
	Settings = account.Settings

	// A CustomTag declares a profile tag of an app's own.
	CustomTag = account.CustomTag

	// A Key tells of a key without showing it.
	Key = adminapi.Key

	// A NewApp says what app to make. SDKAppID is required; an empty Edition is the
	// server's default. Without Secret and PublicKey the server makes an HMAC key.
	NewApp = adminapi.NewApp

	// A CreatedApp is a new app. Secret is the key that the server made for it, and
	// is shown this once; it is "" if the caller gave a key.
	CreatedApp = adminapi.CreatedApp

	// An AppPatch says what to change of an app; what is nil stays. Its Version, if
	// it is not 0, is the version that the change was made for: if the app has
	// another by now, nothing changes and the error is [SlugConflict].
	AppPatch = adminapi.AppPatch

	// A SettingsPatch is laid over the settings of an app as a merge patch (RFC 7396):
	// keys are the JSON names of [Settings], and a nil value brings a default back.
	SettingsPatch = adminapi.SettingsPatch

	// A NewKey is a key to add. Without either text the server makes an HMAC key.
	NewKey = adminapi.NewKey

	// An AddedKey is a new key. Secret is what the server made, shown this once; it
	// is "" if the caller gave the key.
	AddedKey = adminapi.CreatedKey
)

// CreateApp makes an app. It needs the scope write.
func (c *AdminClient) CreateApp(ctx context.Context, a NewApp) (*CreatedApp, error) {
	created := new(CreatedApp)
	return result(created, c.call(ctx, adminCall{method: http.MethodPost, path: "/apps", body: a, resp: created}))
}

// App returns one app. It needs the scope read.
func (c *AdminClient) App(ctx context.Context, sdkAppID uint32) (*App, error) {
	app := new(App)
	return result(app, c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID), resp: app}))
}

// UpdateApp changes an app and returns what it is then. It needs the scope
// write.
func (c *AdminClient) UpdateApp(ctx context.Context, sdkAppID uint32, p AppPatch) (*App, error) {
	app := new(App)
	return result(app, c.call(ctx, adminCall{
		method: http.MethodPatch, path: appPath(sdkAppID), version: p.Version, body: p, resp: app,
	}))
}

// DeleteApp deletes an app that has no accounts ([SlugConflict] otherwise). It
// needs the scope admin.
func (c *AdminClient) DeleteApp(ctx context.Context, sdkAppID uint32) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: appPath(sdkAppID)})
}

// AddKey gives an app one more key. It needs the scope write.
func (c *AdminClient) AddKey(ctx context.Context, sdkAppID uint32, k NewKey) (*AddedKey, error) {
	added := new(AddedKey)
	return result(added, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/keys", body: k, resp: added}))
}

// RetireKey makes a key verify nothing from a time on; the zero time is now. A time
// that is to come can be moved, but a key that is retired does not come back
// ([SlugConflict]). It needs the scope write.
func (c *AdminClient) RetireKey(ctx context.Context, sdkAppID uint32, keyID string, at time.Time) (*Key, error) {
	key := new(Key)
	path := appPath(sdkAppID) + "/keys/" + url.PathEscape(keyID) + "/retire"
	return result(key, c.call(ctx, adminCall{method: http.MethodPost, path: path, body: adminapi.Retirement{At: at}, resp: key}))
}

// AddAdmin makes a user an admin of an app; one that is an admin stays one. It
// needs the scope write.
func (c *AdminClient) AddAdmin(ctx context.Context, sdkAppID uint32, userID string) (*App, error) {
	return c.admin(ctx, http.MethodPut, sdkAppID, userID)
}

// RemoveAdmin makes a user no admin of an app. It needs the scope write.
func (c *AdminClient) RemoveAdmin(ctx context.Context, sdkAppID uint32, userID string) (*App, error) {
	return c.admin(ctx, http.MethodDelete, sdkAppID, userID)
}

func (c *AdminClient) admin(ctx context.Context, method string, sdkAppID uint32, userID string) (*App, error) {
	app := new(App)
	path := appPath(sdkAppID) + "/admins/" + url.PathEscape(userID)
	return result(app, c.call(ctx, adminCall{method: method, path: path, resp: app}))
}

func appPath(sdkAppID uint32) string { return "/apps/" + strconv.FormatUint(uint64(sdkAppID), 10) }
