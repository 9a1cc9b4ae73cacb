package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"rollcall/internal/account"
)

// The demo app that a server makes on a store without apps.
const (
	demoApp  account.AppID = 1400000001
	demoName               = "demo"
	actor                  = "serve" // in the audit trail
)

// Credentials name an app that the caller's configuration already holds.
type Credentials struct {
	SDKAppID uint32
	KeyFile  string // the secret key as text, or an ECDSA public key in PEM
	Admin    string // an admin besides "administrator"; optional
}

func (c Credentials) check() error {
	if (c.SDKAppID == 0) != (c.KeyFile == "") {
		return errors.New("--sdkappid and --key-file go together: give both or neither")
	}
	if c.SDKAppID == 0 && c.Admin != "" {
		return errors.New("--admin needs --sdkappid and --key-file")
	}
	return nil
}

// prepareApp makes sure that there is an app to call, and writes what a client
// needs for that.
func (s *Server) prepareApp(ctx context.Context) error {
	app, err := s.servedApp(ctx)
	if err != nil || app == nil {
		return err
	}
	s.context = newContext(s.url(), app, s.o.Credentials.Admin)
	if s.o.DataDir == "" {
		return nil
	}
	return s.context.write(s.o.DataDir)
}

func (s *Server) url() string {
	scheme := "http"
	if s.o.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + s.Addr().String()
}

// servedApp returns the app of the credentials, the demo app, or nil where the
// store holds other apps only.
func (s *Server) servedApp(ctx context.Context) (*account.App, error) {
	if s.o.Credentials.SDKAppID != 0 {
		return s.credentialsApp(ctx)
	}
	apps, err := s.engine.Apps(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(apps, func(a *account.App) bool { return a.Name == demoName }); i >= 0 {
		return apps[i], nil
	}
	if len(apps) > 0 {
		return nil, nil
	}
	return s.dir.CreateApp(ctx, actor, account.App{
		ID: demoApp, Name: demoName, Edition: account.Development, Test: s.o.AllowTestApps,
		Keys:     []account.Key{{ID: "1", Kind: account.HMACKey, Secret: newSecret()}},
		Settings: account.Settings{RateMode: account.RateShadow},
	})
}

// newSecret returns a key in the form of the vendor's console: 64 hexadecimal
// digits.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// credentialsApp makes the app of the credentials, or adds to the one that
// exists what it lacks.
func (s *Server) credentialsApp(ctx context.Context) (*account.App, error) {
	c := s.o.Credentials
	key, err := readKey(c.KeyFile)
	if err != nil {
		return nil, err
	}
	id := account.AppID(c.SDKAppID)
	app, err := s.dir.App(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		app = &account.App{ID: id, Edition: account.Development, Test: s.o.AllowTestApps, Keys: []account.Key{key}}
		if c.Admin != "" && c.Admin != string(account.Administrator) {
			app.Admins = []account.UserID{account.UserID(c.Admin)}
		}
		return s.dir.CreateApp(ctx, actor, *app)
	}
	if err != nil {
		return nil, err
	}
	return s.completeApp(ctx, app, key)
}

// completeApp adds the key and the admin of the credentials to app.
func (s *Server) completeApp(ctx context.Context, app *account.App, key account.Key) (_ *account.App, err error) {
	has := func(k account.Key) bool { return k.Kind == key.Kind && k.Secret == key.Secret }
	if !slices.ContainsFunc(app.ActiveKeys(s.dir.Now(app.ID)), has) {
		key.ID = fmt.Sprint(len(app.Keys) + 1)
		if app, err = s.dir.AddKey(ctx, actor, app.ID, key); err != nil {
			return nil, err
		}
	}
	admin := account.UserID(s.o.Credentials.Admin)
	if admin == "" || app.IsAdmin(admin) {
		return app, nil
	}
	return s.dir.SetAdmins(ctx, actor, app.ID, append(slices.Clone(app.Admins), admin))
}

func readKey(file string) (account.Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return account.Key{}, fmt.Errorf("--key-file: %w", err)
	}
	key := account.Key{ID: "1", Kind: account.HMACKey, Secret: strings.TrimSpace(string(b))}
	switch {
	case key.Secret == "":
		return account.Key{}, fmt.Errorf("--key-file %s is empty: put the app's secret key in it", file)
	case strings.Contains(key.Secret, "PRIVATE KEY"):
		return account.Key{}, fmt.Errorf("--key-file %s holds a private key: the server verifies with the public key, give that", file)
	case strings.Contains(key.Secret, "-----BEGIN"):
		key.Kind = account.ECDSAKey
	}
	return key, nil
}
