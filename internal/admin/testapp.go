package admin

import (
	"context"
	"fmt"

	"rollcall/internal/account"
)

// mayFalsify refuses what only test apps can do, on servers that allow them. The text
// instead says what to do with another app.
func (s *Server) mayFalsify(app *account.App, instead string) error {
	switch {
	case !app.Test:
		return &problemError{forbidden, "the app was not created as a test app; " + instead}
	case !s.dir.MayFalsify(app):
		return &problemError{forbidden, fmt.Sprintf("test apps are not allowed on this server; start it with --allow-test-apps, or %s", instead)}
	}
	return nil
}

// testApp returns the app in the path, which must be one that may falsify.
func (s *Server) testApp(ctx context.Context, c *call) (*account.App, error) {
	id, err := c.app()
	if err != nil {
		return nil, err
	}
	app, err := s.dir.App(ctx, id)
	if err != nil {
		return nil, err
	}
	return app, s.mayFalsify(app, "use an app that was created with \"rollcall app create --test\"")
}
