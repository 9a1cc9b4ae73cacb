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

// Account returns one account. If it does not exist, the error is [SlugNotFound]. If it was
// deleted, the [Problem] says when.
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

// A NewAccount describes an account to add. Its Profile contains further tags, as texts
// and numbers.
type NewAccount = adminapi.NewAccount

// An AccountPatch describes a change of an account. Fields that are nil stay as they are.
// An empty text clears Nick or FaceURL, and nil clears a tag of Profile.
type AccountPatch = adminapi.AccountPatch

// AddAccount creates an account under the rules of account_import, and returns it. If the
// account exists, it stays as it is and the error is [SlugExists]. If it was deleted too
// recently, or if the quota is full, the error is [SlugConflict]. AddAccount needs the scope
// write.
func (c *AdminClient) AddAccount(ctx context.Context, sdkAppID uint32, n NewAccount) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/accounts", body: n, resp: a}))
}

// ChangeAccount sets or clears tags of an account, and returns the account. It makes all
// changes, or none if one is refused. If the account does not exist, the error is
// [SlugNotFound]. ChangeAccount needs the scope write.
func (c *AdminClient) ChangeAccount(ctx context.Context, sdkAppID uint32, userID string, p AccountPatch) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{
		method: http.MethodPatch, path: appPath(sdkAppID) + "/accounts:change", // accepts ids that a path cannot contain
		query: url.Values{"userid": {userID}}, body: p, resp: a,
	}))
}

// DeletedAccounts is the outcome of a deletion: an AccountResult for each id.
type DeletedAccounts = adminapi.DeletedAccounts

// An AccountResult is the outcome for one account. Its Code is that of a [Problem], or ""
// for success.
type AccountResult = adminapi.AccountResult

// DeleteAccounts deletes 1 to 100 accounts, each on its own. If the app does not allow
// deletion, the error is [SlugConflict]. DeleteAccounts needs the scope write.
func (c *AdminClient) DeleteAccounts(ctx context.Context, sdkAppID uint32, userIDs ...string) (*DeletedAccounts, error) {
	d := new(DeletedAccounts)
	return result(d, c.call(ctx, adminCall{
		method: http.MethodPost, path: appPath(sdkAppID) + "/accounts:delete", body: adminapi.AccountDeletion{UserIDs: userIDs}, resp: d,
	}))
}

// Kick refuses every UserSig of an account that was signed before now, and returns the
// account. If the account does not exist, the error is [SlugNotFound]. Kick needs the scope
// write.
func (c *AdminClient) Kick(ctx context.Context, sdkAppID uint32, userID string) (*AccountRecord, error) {
	a := new(AccountRecord)
	return result(a, c.call(ctx, adminCall{
		method: http.MethodPost, path: appPath(sdkAppID) + "/accounts:kick", body: adminapi.Kick{UserID: userID}, resp: a,
	}))
}
