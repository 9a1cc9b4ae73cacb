package client

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/internal/adminapi"
)

// An AccountRecord is an account as the admin API shows it. Its InternalID never
// changes and is never used again; its KickedAt is zero if it was never kicked. Its
// Profile holds the tags that are set, but for Nick and FaceURL: texts and numbers, as
// JSON.
type AccountRecord = adminapi.Account

// CountAccounts returns how many accounts an app has, exactly. It needs the
// scope read.
func (c *AdminClient) CountAccounts(ctx context.Context, sdkAppID uint32) (int64, error) {
	var resp adminapi.Count
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
	return result(a, c.call(ctx, adminCall{
		method: http.MethodPost, path: appPath(sdkAppID) + "/accounts:unkick", body: adminapi.Unkick{UserID: userID}, resp: a,
	}))
}
