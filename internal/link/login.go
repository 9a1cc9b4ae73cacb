package link

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/gate"
	"rollcall/internal/linkwire"
	"rollcall/internal/session"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// robotPrefix begins the UserIDs of robots, which never log in (protocol-sessions.md §13, row
// 19).
const robotPrefix = "@RBT#"

// errFull refuses a link of an app that has too many.
var errFull error = &account.Error{Code: account.Unavailable, Detail: "the app has too many links on this server; try again later, or raise link_app_limit"}

// login logs in the device of l, and returns what to answer. The device may be stored as
// logged in even after an error; see link.settle.
func (l *link) login(ctx context.Context, h *linkwire.Hello) (in session.LoggedIn, err error) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	app, caller, err := l.identify(ctx, h)
	if err != nil {
		return in, err
	}
	if l.counts = l.s.apps.enter(app.ID); !l.counts {
		return in, errFull
	}
	dir := l.s.o.Directory
	node, err := dir.Node(ctx)
	if err != nil {
		return in, err
	}
	l.node.Store(node)
	l.stored = true
	in, err = dir.Relogin(ctx, app.ID, l.user, h.Device, session.Login{
		Platform: account.Platform(h.Platform), Address: l.from, Instance: h.Instance,
		Expires: time.Unix(caller.Sig.ExpiresAt(), 0), Link: l.link(),
	})
	if err != nil {
		return in, err
	}
	return in, l.kickedSince(ctx, app, h.UserSig, caller.Sig)
}

// identify makes the checks of the account API, without that for admins.
func (l *link) identify(ctx context.Context, h *linkwire.Hello) (app *account.App, caller auth.Identity, err error) {
	if h.SDKAppID == 0 {
		return nil, caller, &wire.Error{Code: wire.NoSDKAppID, Detail: "the sdkappid of the hello is missing; add it"}
	}
	if app, err = gate.App(ctx, l.s.o.Directory, h.SDKAppID); err != nil {
		return nil, caller, err
	}
	l.app.Store(h.SDKAppID)
	l.user = account.UserID(h.UserID)
	l.event.SetApp(h.SDKAppID)
	if err := l.admit(app); err != nil {
		return nil, caller, err
	}
	switch {
	case h.UserID == "":
		return nil, caller, &wire.Error{Code: wire.AccountOrSig, Detail: "the userid of the hello is missing; add it"}
	case strings.HasPrefix(h.UserID, robotPrefix):
		return nil, caller, &account.Error{Code: account.InvalidID, Detail: "a robot cannot log in; use the UserID of a user"}
	case h.UserSig == "":
		return nil, caller, &wire.Error{Code: wire.SigEmpty}
	}
	caller, err = gate.Identify(ctx, l.s.o.Auth, auth.Credentials{App: app, Identifier: l.user, UserSig: h.UserSig, Peer: l.from})
	return app, caller, err
}

// kickedSince returns an error if the account was kicked or deleted while its device logged
// in. The kick can have ended the login sessions of the account before that of this device
// was stored.
func (l *link) kickedSince(ctx context.Context, app *account.App, text string, sig *usersig.Sig) error {
	dir := l.s.o.Directory
	kicked, exists, err := dir.KickedNow(ctx, app, l.user)
	if err != nil {
		return err
	}
	if !exists {
		return &account.Error{Code: account.NoAccount, Detail: "the account was deleted while its device logged in; log in again"}
	}
	err = sig.CheckKick(kicked, dir.Now(app.ID))
	if e, ok := errors.AsType[*usersig.Error](err); ok {
		return gate.BadSig(app, text, e.Reason.Code(), e.Detail)
	}
	return err
}

// admit makes the checks of an app for callers that are not authenticated yet.
func (l *link) admit(app *account.App) error {
	if err := gate.Admit(app, l.host, l.from); err != nil {
		return err
	}
	if !l.mayUse(app) {
		return &wire.Error{Code: wire.SourceRefused, Detail: "pages of this origin may not use links; name the origin in link_origins, or set cors of a test app"}
	}
	return nil
}

// admitAgain is admit for a link that was admitted. Its app can have changed since. An app that
// cannot be read in a short time is no reason to end links.
func (l *link) admitAgain() error {
	id := l.app.Load()
	if id == 0 { // no hello yet
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), admitTime)
	defer cancel()
	app, err := gate.App(ctx, l.s.o.Directory, id)
	if err == nil {
		err = l.admit(app)
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e
	}
	return nil
}

// mayUse reports whether the page that opened l may use links of app. A client that is no
// browser names no origin.
func (l *link) mayUse(app *account.App) bool {
	if l.origin == "" || slices.Contains(l.s.o.Origins, "*") || slices.ContainsFunc(l.s.o.Origins, func(o string) bool { return strings.EqualFold(o, l.origin) }) {
		return true
	}
	if u, err := url.Parse(l.origin); err == nil && u.Host != "" && strings.EqualFold(u.Host, l.host) {
		return true
	}
	return app.Settings.CORS && l.s.o.Directory.MayFalsify(app)
}

// refused returns the code and the text of an error for the device. code says how the link is
// closed.
func (l *link) refused(err error) (frame linkwire.Error, code int) {
	frame.Type, code = linkwire.TypeError, linkwire.CloseRefused
	switch account.CodeOf(err) {
	case account.Unavailable, account.Unknown:
		code = linkwire.CloseBusy
	case account.Replaced: // the vendor's clients know this code of their own
		frame.Code, frame.Info = codeReplaced, account.DetailOf(err)
		return frame, code
	}
	frame.Code, frame.Info = l.s.o.Answer(err)
	return frame, code
}

// codeReplaced refuses a device that another one has replaced, if the app does not let it
// come back (protocol-sessions.md §13, row 7).
const codeReplaced = 6208

// badFrame returns the error for a frame that is not understood.
func badFrame(err error) error {
	return &wire.Error{Code: wire.HTTPParse, Detail: fmt.Sprint(err)}
}
