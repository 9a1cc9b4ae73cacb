package client

import (
	"context"
	"net/http"
	"time"

	"rollcall/internal/adminapi"
)

// A NewUserSig says what UserSig to make. The zero NewUserSig is one for an admin
// of the app, for a day.
type NewUserSig struct {
	Identifier string        // the user; "" is an admin of the app
	Validity   time.Duration // cut to the second: 1 minute to 180 days; 0 is a day
}

// A UserSig is a UserSig that the server made. Whoever holds it can act as the
// user until it expires.
type UserSig = adminapi.UserSig

// SignUser makes a UserSig with the newest HMAC key of a test app; of any other
// app the server refuses it ([SlugForbidden]), since its key is for the app's own
// servers: see [KeySigner]. It needs the scope admin.
func (c *AdminClient) SignUser(ctx context.Context, sdkAppID uint32, n NewUserSig) (*UserSig, error) {
	seconds := int64(n.Validity / time.Second)
	if seconds == 0 && n.Validity != 0 {
		seconds = 1 // which is refused as too short; 0 would be a day
	}
	sig := new(UserSig)
	req := adminapi.NewUserSig{Identifier: n.Identifier, ValidityS: seconds}
	return result(sig, c.call(ctx, adminCall{method: http.MethodPost, path: appPath(sdkAppID) + "/usersig", body: req, resp: sig}))
}
