package directory

import (
	"slices"

	"rollcall/internal/account"
)

// MayFalsify reports whether app may accept any signature, and whether the server
// signs UserSigs with its key on request. Both require that the app was created as a
// test app and that the server allows test apps.
func (d *Directory) MayFalsify(app *account.App) bool { return app.Test && d.testApps }

// checkNewTest refuses a new test app if the server does not allow test apps. Otherwise
// such an app would become active when a server that allows them opens the store.
func (d *Directory) checkNewTest(app *account.App) error {
	if app.Test && !d.testApps {
		return notAllowed("test apps are not allowed on this server; create the app without test, or start the server with --allow-test-apps")
	}
	return nil
}

// checkTest refuses changes that would give an app the options of test apps. Programs
// rely on the signatures of an app, so a token of a smaller scope must not weaken them.
func (d *Directory) checkTest(before, after *account.App) error {
	if after.Test && !before.Test {
		return notAllowed("an app is a test app from its creation or never; create another app with test")
	}
	if d.testApps {
		return nil
	}
	had := before.Settings.TestOnly()
	for _, name := range after.Settings.TestOnly() {
		if !slices.Contains(had, name) {
			return notAllowed(name + " is not allowed on this server; start it with --allow-test-apps to test with it")
		}
	}
	return nil
}

func notAllowed(detail string) error {
	return &account.Error{Code: account.InvalidApp, Detail: detail}
}
