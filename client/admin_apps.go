package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
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

// An App is an app as the admin API shows it, never with a secret.
type App struct {
	SDKAppID  uint32    `json:"sdkappid"`
	Name      string    `json:"name"`
	Edition   string    `json:"edition"`
	Disabled  bool      `json:"disabled"`
	Test      bool      `json:"test"` // may falsify
	CreatedAt time.Time `json:"created_at"`
	Version   uint64    `json:"version"` // rises with each change; see [AppPatch]
	Admins    []string  `json:"admins"`
	Settings  Settings  `json:"settings"`
	Keys      []Key     `json:"keys"`
}

// Settings of an app. The zero Settings are the defaults; docs/settings.md
// says what each changes on the wire.
type Settings struct {
	Quota            int64          `json:"quota,omitzero"`              // most accounts; 0 is the edition's own
	AllowDelete      bool           `json:"allow_delete,omitzero"`       // paid editions: deletion is allowed
	TombstoneDays    int            `json:"tombstone_days,omitzero"`     // 0 is 90, at most 36500; negative lets ids come back at once
	CustomTags       []CustomTag    `json:"custom_tags,omitempty"`       // at most 20
	Words            []string       `json:"words,omitempty"`             // sensitive words, found in any case
	AllowSources     []string       `json:"allow_sources,omitempty"`     // callers' addresses as CIDR; empty allows all
	Region           string         `json:"region,omitzero"`             // other centres' hosts answer 70020; "" allows all
	RateMode         string         `json:"rate_mode,omitzero"`          // "" refuses what is too much, "shadow" only counts, "off" does not count
	RateLimits       map[string]int `json:"rate_limits,omitempty"`       // calls per second by command; absent is the documented number
	AppRateLimit     int            `json:"app_rate_limit,omitzero"`     // calls per second of the whole app; 0 is none
	LockoutAfter     int            `json:"lockout_after,omitzero"`      // bad signatures per source in a minute until 70050; 0 is never
	StrictIDs        bool           `json:"strict_ids,omitzero"`         // ids of letters, digits, _ and - only
	KickedAsExpired  bool           `json:"kicked_as_expired,omitzero"`  // 70001 instead of 70052
	NotAdmin         string         `json:"not_admin,omitzero"`          // code for a caller who is no admin: "" is 70403 in im_open_login_svc and 60010 elsewhere, "documented" 70403, 40004 or 90009, "gateway" 60010
	FailWhollyFailed bool           `json:"fail_wholly_failed,omitzero"` // a batch import that fails for one reason answers its code
	EchoUnknownIDs   bool           `json:"echo_unknown_ids,omitzero"`   // portrait_get: unknown ids by name instead of as @TLS#NOT_FOUND
	NumbersAsText    bool           `json:"numbers_as_text,omitzero"`    // portrait_set: number tags take digits in a JSON string too
	StatusAndState   bool           `json:"status_and_state,omitzero"`   // query_online_status and querystate: both names in each item
	SendRequestID    bool           `json:"send_request_id,omitzero"`    // RequestId in the body
	AnySignature     bool           `json:"any_signature,omitzero"`      // test apps only: any well-formed UserSig of the app
}

// A CustomTag declares a profile tag of an app's own.
type CustomTag struct {
	Key     string `json:"key"`               // 1 to 8 ASCII letters; the tag is "Tag_Profile_Custom_" and Key
	Number  bool   `json:"number,omitzero"`   // takes numbers instead of text
	NoRead  bool   `json:"no_read,omitzero"`  // 40007 on portrait_get
	NoWrite bool   `json:"no_write,omitzero"` // 40008 on portrait_set
}

// A Key tells of a key without showing it.
type Key struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // "hmac" or "ecdsa"
	CreatedAt   time.Time `json:"created_at"`
	RetiredAt   time.Time `json:"retired_at,omitzero"` // from when it verifies nothing; zero: not retired
	Fingerprint string    `json:"fingerprint"`         // first 16 hexadecimal digits of the SHA-256 of the secret
}

// A NewApp says what app to make. SDKAppID is required. Without Secret and
// PublicKey the server makes an HMAC key.
type NewApp struct {
	SDKAppID  uint32   `json:"sdkappid"`
	Name      string   `json:"name,omitzero"`
	Edition   string   `json:"edition,omitzero"` // "" is the server's default
	Test      bool     `json:"test,omitzero"`
	Admins    []string `json:"admins,omitempty"` // besides Administrator
	Settings  Settings `json:"settings,omitzero"`
	Secret    string   `json:"secret,omitzero"`     // HMAC key as text
	PublicKey string   `json:"public_key,omitzero"` // ECDSA public key in PEM
}

// A CreatedApp is a new app. Secret is the key that the server made for it, and
// is shown this once; it is "" if the caller gave a key.
type CreatedApp struct {
	App    *App   `json:"app"`
	Secret string `json:"secret,omitzero"`
}

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

// An AppPatch says what to change of an app; what is nil stays.
type AppPatch struct {
	Name     *string `json:"name,omitzero"`
	Edition  *string `json:"edition,omitzero"`
	Disabled *bool   `json:"disabled,omitzero"`

	// Test, if it is false, makes the app a test app no more and clears
	// [Settings.AnySignature]. An app is never made a test app later.
	Test *bool `json:"test,omitzero"`

	// Settings is laid over the app's as a merge patch (RFC 7396): keys are the
	// JSON names of [Settings], and a nil value brings a default back.
	Settings map[string]any `json:"settings,omitempty"`

	// Version, if it is not 0, is the version that the change was made for: if
	// the app has another by now, nothing changes and the error is
	// [SlugConflict].
	Version uint64 `json:"-"`
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

// A NewKey is a key to add. Without either text the server makes an HMAC key.
type NewKey struct {
	Secret    string `json:"secret,omitzero"`     // HMAC key as text
	PublicKey string `json:"public_key,omitzero"` // ECDSA public key in PEM
}

// An AddedKey is a new key. Secret is what the server made, shown this once; it
// is "" if the caller gave the key.
type AddedKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret,omitzero"`
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
	req := struct {
		At time.Time `json:"at,omitzero"`
	}{at}
	path := appPath(sdkAppID) + "/keys/" + url.PathEscape(keyID) + "/retire"
	return result(key, c.call(ctx, adminCall{method: http.MethodPost, path: path, body: req, resp: key}))
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
