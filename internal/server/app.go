package server

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/directory"
)

// The demo app that a developer's server creates on a store without apps.
const (
	demoApp  account.AppID = 1400000001
	demoName               = "demo"
	actor                  = directory.ServerActor
)

// prepareApp creates the app to serve if necessary, and writes the context file for
// clients.
func (s *Server) prepareApp(ctx context.Context) error {
	if !s.o.Developer() {
		if err := cmp.Or(s.leaveDeveloper(ctx), s.warnDemo(ctx)); err != nil {
			return err
		}
	}
	app, err := s.servedApp(ctx)
	if err != nil {
		return err
	}
	if app == nil {
		return s.hintNoApp(ctx)
	}
	if s.context, err = s.newContext(app); err != nil {
		return err
	}
	if s.context.AdminToken, err = s.contextToken(ctx); err != nil || s.o.Data == "" {
		return err
	}
	return s.context.write(s.o.Data)
}

// leaveDeveloper removes the token with every scope and the context file, which contains
// that token and the key of the demo app, if a developer's server has left them.
func (s *Server) leaveDeveloper(ctx context.Context) error {
	if err := s.dir.DropToken(ctx, directory.ContextToken); err != nil || s.o.Data == "" {
		return err
	}
	file := filepath.Join(s.o.Data, ContextFile)
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.o.Logger.Info("removed the context file of a server that was a developer's", slog.String("file", file))
	}
	return err
}

// warnDemo logs a warning if a server for others serves the demo app of a developer's server,
// whose key has been in a file in the clear.
func (s *Server) warnDemo(ctx context.Context) error {
	apps, err := s.dir.Apps(ctx)
	if err == nil && slices.ContainsFunc(apps, isDemo) {
		s.o.Logger.Warn("this server for others serves the demo app of a developer's server: remove it with \"rollcall app delete\", or add a new key and retire its old one",
			slog.Uint64("app", uint64(demoApp)))
	}
	return err
}

// hintNoApp logs how to create an app if there is none.
func (s *Server) hintNoApp(ctx context.Context) error {
	apps, err := s.dir.Apps(ctx)
	switch {
	case err != nil || len(apps) > 0:
	case s.servesAdmins():
		s.o.Logger.Warn("there is no app yet: create one through the admin API with \"rollcall app create\", or give --sdkappid and --key-file")
	default:
		s.o.Logger.Warn("there is no app yet: give --sdkappid and --key-file, or give --admin-listen and create one with \"rollcall app create\"")
	}
	return err
}

// servesAdmins reports whether the admin API is served anywhere.
func (s *Server) servesAdmins() bool {
	return s.o.Developer() || s.o.AdminListen != "" && s.o.AdminListen != config.AdminOff
}

func (s *Server) url() string {
	scheme := "http"
	if s.certificate != nil {
		scheme = "https"
	}
	addr := s.Addr().String()
	if tcp, ok := s.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port)) // "all addresses" is none to call
	}
	return scheme + "://" + addr
}

// servedApp returns the app of the credentials or, on a developer's server, the demo
// app. It returns nil in two cases without credentials:
//   - The store of a developer's server has other apps only.
//   - The server is not a developer's. A demo app would be open to everybody who knows
//     its key.
func (s *Server) servedApp(ctx context.Context) (*account.App, error) {
	if s.o.App != nil {
		return s.givenApp(ctx)
	}
	if s.o.SDKAppID != 0 {
		return s.credentialsApp(ctx)
	}
	if !s.o.Developer() {
		return nil, nil
	}
	apps, err := s.dir.Apps(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(apps, isDemo); i >= 0 {
		return apps[i], nil
	}
	if len(apps) > 0 {
		return nil, nil
	}
	app, err := s.dir.EnsureApp(ctx, actor, account.App{
		ID: demoApp, Name: demoName, Edition: account.Development, Test: *s.o.AllowTestApps,
		Keys:     []account.Key{{ID: "1", Kind: account.HMACKey, Secret: directory.NewSecret()}},
		Settings: account.Settings{RateMode: account.RateShadow},
	})
	if err == nil && !isDemo(app) { // somebody has created another one meanwhile
		return nil, nil
	}
	return app, err
}

// isDemo reports whether a is the demo app that a developer's server has created, so that
// its key may be shown. It compares the ID too, because another app may have the name.
func isDemo(a *account.App) bool { return a.ID == demoApp && a.Name == demoName }

// givenApp returns the app of the options. It creates the app if necessary.
func (s *Server) givenApp(ctx context.Context) (*account.App, error) {
	app, err := s.dir.App(ctx, s.o.App.ID)
	if account.CodeOf(err) == account.NoApp {
		return s.dir.EnsureApp(ctx, actor, s.o.App.Clone())
	}
	return app, err
}

// credentialsApp creates the app of the credentials. If the app exists, it adds the key
// and the admin that the app lacks.
func (s *Server) credentialsApp(ctx context.Context) (*account.App, error) {
	id := account.AppID(s.o.SDKAppID)
	app, err := s.dir.App(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		app = &account.App{ID: id, Edition: account.Development, Keys: []account.Key{s.key}}
		if s.o.Admin != "" && s.o.Admin != string(account.Administrator) {
			app.Admins = []account.UserID{account.UserID(s.o.Admin)}
		}
		app, err = s.dir.EnsureApp(ctx, actor, *app)
	}
	if err != nil {
		return nil, err
	}
	if app.Test {
		s.o.Logger.Warn("the app of --sdkappid is a test app, whose calls can be falsified; end that with \"rollcall app set --no-test\"", slog.Uint64("app", uint64(id)))
	}
	return s.completeApp(ctx, app)
}

// completeApp adds the key and the admin of the credentials to app.
func (s *Server) completeApp(ctx context.Context, app *account.App) (_ *account.App, err error) {
	if app, err = s.useKey(ctx, app, s.key); err != nil {
		return nil, err
	}
	admin := account.UserID(s.o.Admin)
	if admin == "" || app.IsAdmin(admin) {
		return app, nil
	}
	return s.dir.AddAdmin(ctx, actor, app.ID, admin)
}
