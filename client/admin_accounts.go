package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// An AccountRecord is an account as the admin API shows it.
type AccountRecord struct {
	UserID     string    `json:"userid"`
	Nick       string    `json:"nick"`
	FaceURL    string    `json:"face_url"`
	InternalID string    `json:"internal_id"` // decimal; never changes, never used again
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	KickedAt   time.Time `json:"kicked_at,omitzero"` // whole seconds; zero if never, or forgotten

	// Profile holds the tags that are set, but for Nick and FaceURL: text or
	// numbers, as JSON.
	Profile map[string]json.RawMessage `json:"profile,omitempty"`
}

// CountAccounts returns how many accounts an app has, exactly. It needs the
// scope read.
func (c *AdminClient) CountAccounts(ctx context.Context, sdkAppID uint32) (int64, error) {
	var resp struct {
		Count int64 `json:"count"`
	}
	err := c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID) + "/accounts:count", resp: &resp})
	return resp.Count, err
}

// Account returns one account; [SlugNotFound] if there is none. It needs the
// scope read.
func (c *AdminClient) Account(ctx context.Context, sdkAppID uint32, userID string) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{
		method: http.MethodGet, path: appPath(sdkAppID) + "/accounts:get", // takes ids that a path cannot carry
		query: url.Values{"userid": {userID}}, resp: a,
	}))
}

// Unkick forgets the kicks of an account and returns it: UserSigs from before
// them are good again. It is for a kick that was a mistake, for example one made
// while the server's clock was ahead, which refuses every UserSig until that time
// comes. [SlugNotFound] if there is no such account. It needs the scope write.
func (c *AdminClient) Unkick(ctx context.Context, sdkAppID uint32, userID string) (*AccountRecord, error) {
	a := new(AccountRecord)
	req := struct {
		UserID string `json:"userid"`
	}{userID}
	return result(a, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/accounts:unkick", body: req, resp: a}))
}
