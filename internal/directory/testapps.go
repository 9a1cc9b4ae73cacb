package directory

import "rollcall/internal/account"

// MayFalsify reports whether app may accept any signature, and whether the server
// signs with its key for others. An app must have been created as a test app, and
// the server must allow test apps.
func (d *Directory) MayFalsify(app *account.App) bool { return app.Test && d.testApps }

// checkNewTest refuses a new test app where the server allows none: it would
// begin to falsify when the store is next served by one that does.
func (d *Directory) checkNewTest(app *account.App) error {
	if app.Test && !d.testApps {
		return notAllowed("test apps are not allowed on this server; create the app without test, or start the server with --allow-test-apps")
	}
	return nil
}

// checkTest refuses changes that would let an app falsify which could not before.
// Programs count on such an app, so nobody may open it with a scope that is less
// than theirs.
func (d *Directory) checkTest(before, after *account.App) error {
	switch {
	case after.Test && !before.Test:
		return notAllowed("an app is a test app from its creation or never; create another app with test")
	case after.Settings.AnySignature && !before.Settings.AnySignature && !d.testApps:
		return notAllowed("any_signature is not allowed on this server; start it with --allow-test-apps to test with it")
	}
	return nil
}

func notAllowed(detail string) error {
	return &account.Error{Code: account.InvalidApp, Detail: detail}
}
