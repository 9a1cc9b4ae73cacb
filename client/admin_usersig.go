package client

import (
	"context"
	"net/http"
	"time"

	"rollcall/internal/adminapi"
)

// A NewUserSig describes a UserSig to make. The zero NewUserSig stands for a UserSig
// of an admin of the app that is valid for a day.
type NewUserSig struct {
	Identifier string        // the user; "" means an admin of the app
	Validity   time.Duration // 1 minute to 180 days, cut to whole seconds; 0 means a day
}

// A UserSig is a UserSig that the server has made. Anybody who has it can act as the
// user until it expires.
type UserSig = adminapi.UserSig

// SignUser lets the server make a UserSig with the newest HMAC key of a test app.
// For any other app the error is [SlugForbidden], because the key is for the app's
// own servers to use: see [KeySigner]. SignUser needs the scope admin.
func (c *AdminClient) SignUser(ctx context.Context, sdkAppID uint32, n NewUserSig) (*UserSig, error) {
	seconds := int64(n.Validity / time.Second)
	if seconds == 0 && n.Validity != 0 {
		seconds = 1 // the server refuses this as too short; 0 would mean a day
	}
	sig := new(UserSig)
	req := adminapi.NewUserSig{Identifier: n.Identifier, ValidityS: seconds}
	return result(sig, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/usersig", body: req, resp: sig}))
}

// A SigExplanation says step by step what is right and wrong with a UserSig, and what the
// server answers to a call with it.
type SigExplanation = adminapi.ExplainedSig

// A SigStep is one check of a UserSig.
type SigStep = adminapi.SigStep

// ExplainUserSig explains a UserSig against the keys, the clock and the kicks of an app,
// without any secret. identifier is that of the call; "" means that of the UserSig. The call
// changes nothing, and the server counts no bad UserSig. It needs the scope read.
func (c *AdminClient) ExplainUserSig(ctx context.Context, sdkAppID uint32, userSig, identifier string) (*SigExplanation, error) {
	e := new(SigExplanation)
	req := adminapi.SigToExplain{UserSig: userSig, Identifier: identifier}
	return result(e, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/usersig:explain", body: req, resp: e}))
}
