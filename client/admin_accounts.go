package client

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/internal/adminapi"
)

// An AccountRecord is an account as the admin API shows it. Its InternalID never
// changes, and no other account ever gets it. Its KickedAt is zero if the account was
// never kicked. Its Profile contains the tags that are set, as JSON strings and
// numbers, without Nick and FaceURL.
type AccountRecord = adminapi.Account

// CountAccounts returns the exact number of accounts of an app. It needs the scope
// read.
func (c *AdminClient) CountAccounts(ctx context.Context, sdkAppID uint32) (int64, error) {
	var resp adminapi.Count
	err := c.call(ctx, adminCall{method: http.MethodGet, path: appPath(sdkAppID) + "/accounts:count", resp: &resp})
	return resp.Count, err
}

// Account returns one account. If it does not exist, the error is [SlugNotFound].
// Account needs the scope read.
func (c *AdminClient) Account(ctx context.Context, sdkAppID uint32, userID string) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{
		method: http.MethodGet, path: appPath(sdkAppID) + "/accounts:get", // accepts ids that a path cannot contain
		query: url.Values{"userid": {userID}}, resp: a,
	}))
}

// Unkick forgets the kicks of an account and returns the account. UserSigs from
// before the kicks are valid again. Unkick corrects a kick by mistake, for example
// one made while the server's clock was ahead, which refuses every UserSig until
// that time. If the account does not exist, the error is [SlugNotFound]. Unkick
// needs the scope write.
func (c *AdminClient) Unkick(ctx context.Context, sdkAppID uint32, userID string) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{
		method: http.MethodPost, path: appPath(sdkAppID) + "/accounts:unkick", body: adminapi.Unkick{UserID: userID}, resp: a,
	}))
}
