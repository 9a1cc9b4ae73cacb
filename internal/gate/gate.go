// Package gate has the checks that every entry point of the account service makes before it
// serves a caller: those of the account API, and those of the links of devices. Its errors
// have the codes of the vendor (decisions.md, "The gate").
package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/region"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// App returns the app with that number.
func App(ctx context.Context, dir *directory.Directory, id uint32) (*account.App, error) {
	app, err := dir.App(ctx, account.AppID(id))
	if account.CodeOf(err) == account.NoApp {
		return nil, &wire.Error{Code: wire.AppNotFound, Detail: fmt.Sprintf("there is no app with the SDKAppID %d here; check the number and the data centre", id)}
	}
	return app, err
}

// Admit checks the rules of the app for callers that are not authenticated yet. host is the
// Host header of the request.
func Admit(app *account.App, host string, from netip.Addr) error {
	set := &app.Settings
	switch {
	case set.Region != "" && otherRegion(host, set.Region):
		return &wire.Error{Code: wire.AppNotFound, Detail: "the app lives in another data centre; use that centre's host"}
	case app.Disabled:
		return &wire.Error{Code: wire.AppDisabled}
	case len(set.AllowSources) > 0 && !allowed(set.AllowSources, from):
		return sourceRefused(from)
	}
	return nil
}

// sourceRefused returns the error for a call from an address that is not in the
// allow-list of the app.
func sourceRefused(from netip.Addr) error {
	return &wire.Error{
		Code:   wire.SourceRefused,
		Text:   wire.Info(wire.SourceRefused, ""),
		Detail: fmt.Sprintf("the call came from %v, which is not in the app's allow-list", from),
	}
}

// otherRegion reports whether host is a host of the vendor for another data
// centre. Other hosts belong to every data centre.
func otherRegion(host, own string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	centre := region.Of(strings.ToLower(host))
	return centre != "" && centre != own
}

// Source returns the address that r came from. It ignores headers, which a
// caller can forge.
func Source(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

func allowed(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Identify is [auth.Authenticator.Identify] with the errors of the vendor.
func Identify(ctx context.Context, a *auth.Authenticator, c auth.Credentials) (auth.Identity, error) {
	caller, err := a.Identify(ctx, c)
	if errors.Is(err, auth.ErrLockedOut) {
		return caller, &wire.Error{Code: wire.TooManyBadSigs}
	}
	if e, ok := errors.AsType[*usersig.Error](err); ok {
		return caller, BadSig(c.App, c.UserSig, e.Reason.Code(), e.Detail)
	}
	return caller, err
}

// otherApp is the vendor's ErrorInfo of 70014. Its numbers are the app of the
// caller and that of the UserSig.
const otherApp = "The requested SDKAppID(%d) does not match the Usersig(%d). You can run a self-checking with the assistant tool on the console."

// BadSig returns the error for the UserSig text that is refused with the code of a
// [usersig.Reason].
func BadSig(app *account.App, text string, code int, detail string) *wire.Error {
	w := &wire.Error{Code: wire.Code(code), Detail: detail}
	switch code {
	case usersig.OtherApp.Code():
		if sig, err := usersig.Parse(text); err == nil {
			w.Text = fmt.Sprintf(otherApp, app.ID, sig.SDKAppID)
		}
	case usersig.Kicked.Code():
		if app.Settings.KickedAsExpired {
			w.Code = wire.SigExpired
		}
	}
	return w
}
