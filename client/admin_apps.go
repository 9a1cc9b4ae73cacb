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

// Editions of an app. The edition decides the quota, whether accounts can be
// deleted, and when a deleted id can be imported again.
const (
	Trial       = "trial"       // 100 accounts; deletion and re-import at once
	Development = "development" // no limit; deletion and re-import at once
	Standard    = "standard"    // deletion if a setting allows it; re-import after 90 days
	Pro         = "pro"         // like Standard
	Enterprise  = "enterprise"  // like Standard
)

// Types of the admin API. The server uses the same types for its bodies.
type (
	// An App is an app as the admin API shows it. It never contains a secret.
	App = adminapi.App

	// Settings are the settings of an app. The zero Settings are the defaults.
	// docs/settings.md describes what each setting changes on the wire.
	Settings = account.Settings

	// A CustomTag declares a custom profile tag of an app.
	CustomTag = account.CustomTag

	// A Key describes a key of an app without its secret.
	Key = adminapi.Key

	// A NewApp describes an app to create. SDKAppID is required. An empty Edition
	// selects the server's default. Without Secret and PublicKey the server
	// generates an HMAC key.
	NewApp = adminapi.NewApp

	// A CreatedApp is a new app. Secret is the key that the server generated, which
	// the server shows only once. It is "" if the caller gave a key.
	CreatedApp = adminapi.CreatedApp

	// An AppPatch describes a change of an app. A nil field changes nothing. A
	// Version other than 0 makes the change conditional: if the app has another
	// version, nothing changes and the error is [SlugConflict].
	AppPatch = adminapi.AppPatch

	// A SettingsPatch is a merge patch (RFC 7396) of the settings of an app. Its keys
	// are the JSON names of [Settings]. A nil value resets a setting to its default.
	SettingsPatch = adminapi.SettingsPatch

	// A NewKey is a key to add. Without either text the server generates an HMAC key.
	NewKey = adminapi.NewKey

	// An AddedKey is a new key. Secret is the text that the server generated, which
	// the server shows only once. It is "" if the caller gave the key.
	AddedKey = adminapi.CreatedKey
)

// CreateApp creates an app. It needs the scope write.
func (c *AdminClient) CreateApp(ctx context.Context, a NewApp) (*CreatedApp, error) {
	created := new(CreatedApp)
	return result(created, c.call(ctx, adminCall{method: http.MethodPost, path: "/apps", body: a, resp: created}))
}

// App returns one app. It needs the scope read.
func (c *AdminClient) App(ctx context.Context, sdkAppID uint32) (*App, error) {
	app := new(App)
	return result(app, c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID), resp: app}))
}

// UpdateApp changes an app and returns the changed app. It needs the scope write.
func (c *AdminClient) UpdateApp(ctx context.Context, sdkAppID uint32, p AppPatch) (*App, error) {
	app := new(App)
	return result(app, c.call(ctx, adminCall{
		method: http.MethodPatch, path: appPath(sdkAppID), version: p.Version, body: p, resp: app,
	}))
}

// DeleteApp deletes an app that has no accounts except those of its admins. If it
// has others, the error is [SlugConflict]. DeleteApp needs the scope admin.
func (c *AdminClient) DeleteApp(ctx context.Context, sdkAppID uint32) error {
	return c.call(ctx, adminCall{method: http.MethodDelete, path: appPath(sdkAppID)})
}

// AddKey adds a key to an app. It needs the scope write.
func (c *AdminClient) AddKey(ctx context.Context, sdkAppID uint32, k NewKey) (*AddedKey, error) {
	added := new(AddedKey)
	return result(added, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/keys", body: k, resp: added}))
}

// RetireKey retires a key at a time, from which the key verifies nothing. The zero
// time stands for now. A time in the future can be changed, but a retired key stays
// retired: the error is then [SlugConflict]. RetireKey needs the scope write.
func (c *AdminClient) RetireKey(ctx context.Context, sdkAppID uint32, keyID string, at time.Time) (*Key, error) {
	key := new(Key)
	path := appPath(sdkAppID) + "/keys/" + url.PathEscape(keyID) + "/retire"
	return result(key, c.call(ctx, adminCall{method: http.MethodPost, path: path, body: adminapi.Retirement{At: at}, resp: key}))
}

// AddAdmin makes a user an admin of an app. It has no effect if the user is an admin
// already. It needs the scope write.
func (c *AdminClient) AddAdmin(ctx context.Context, sdkAppID uint32, userID string) (*App, error) {
	return c.admin(ctx, http.MethodPut, sdkAppID, userID)
}

// RemoveAdmin removes a user from the admins of an app. It needs the scope write.
func (c *AdminClient) RemoveAdmin(ctx context.Context, sdkAppID uint32, userID string) (*App, error) {
	return c.admin(ctx, http.MethodDelete, sdkAppID, userID)
}

func (c *AdminClient) admin(ctx context.Context, method string, sdkAppID uint32, userID string) (*App, error) {
	app := new(App)
	path := appPath(sdkAppID) + "/admins/" + url.PathEscape(userID)
	return result(app, c.call(ctx, adminCall{method: method, path: path, resp: app}))
}

func appPath(sdkAppID uint32) string { return "/apps/" + strconv.FormatUint(uint64(sdkAppID), 10) }
