// Package rollcalltest runs a real Rollcall inside a Go test, as
// [net/http/httptest] does with a handler.
//
//	func TestSignUp(t *testing.T) {
//		t.Parallel()
//		srv := rollcalltest.NewServer(t)
//		// Pass srv.URL, srv.SDKAppID, srv.Key and srv.Admin to the code under test.
//		// Check its effects with srv.Client.
//	}
//
// Server.Fail lets calls of the code under test fail on purpose, and Server.Calls returns
// what it has called, with the bodies.
//
// Each server has its own app, stores accounts in memory, listens on a free port of
// the loopback interface, and stops at the end of the test. It starts within
// milliseconds.
//
// A test can return the app to a known state and change its time: see [Server.Reset],
// [Server.Snapshot] and [Server.AdvanceClock]. Parallel tests can share a server, with an
// app each: see [Server.NewApp].
package rollcalltest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/server"
)

// A Server is a running Rollcall with one app.
type Server struct {
	URL      string // such as "http://127.0.0.1:54321"
	SDKAppID uint32 // different for each server
	Key      string // secret key of the app: 64 hexadecimal digits, or the key of [WithKey]
	Admin    string // admin of the app: [client.Administrator], or the admin of [WithAdmin]

	// AdminToken is a token of the admin API with every scope.
	AdminToken string

	// Client calls the account API of the app as Admin. AdminClient calls the admin
	// API.
	Client      *client.Client
	AdminClient *client.AdminClient

	tb testing.TB
}

// An Option changes the app of a server.
type Option func(*appOptions)

type appOptions struct {
	edition  string
	settings client.Settings
	key      string
	admin    string
}

// WithEdition sets the edition of the app. The default is [client.Development].
func WithEdition(edition string) Option { return func(c *appOptions) { c.edition = edition } }

// WithSettings sets the settings of the app. By default it has only the rate mode shadow:
// calls above the rate limits are counted but not refused.
func WithSettings(s client.Settings) Option { return func(c *appOptions) { c.settings = s } }

// WithKey sets the secret key of the app, for code with a fixed key.
func WithKey(key string) Option { return func(c *appOptions) { c.key = key } }

// WithAdmin adds an admin to the app, in addition to [client.Administrator].
func WithAdmin(userID string) Option { return func(c *appOptions) { c.admin = userID } }

// NewServer starts a server and stops it after the test and its subtests. It fails the
// test at once if the server cannot start. The log of the server goes to the output of
// the test.
func NewServer(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	c := newOptions(options)
	srv := run(tb, c.app(tb.Name()))
	s := &Server{URL: srv.Context().URL, SDKAppID: srv.Context().SDKAppID, Key: c.key, Admin: c.admin, tb: tb}
	s.AdminToken = srv.Context().AdminToken
	s.connect()
	return s
}

// NewApp creates another app on the server, for a test that shares the server with others.
// The result has the address of the server and the credentials of the app. Its methods work
// on this app and report errors to tb. The app lives as long as the server, so tb must not
// outlive the test that has started it; subtests do not.
//
//	srv := rollcalltest.NewServer(t)
//	for _, tt := range tests {
//		t.Run(tt.name, func(t *testing.T) {
//			t.Parallel()
//			app := srv.NewApp(t)
//			…
//		})
//	}
func (s *Server) NewApp(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	c := newOptions(options)
	app := c.app(tb.Name())
	_, err := s.AdminClient.CreateApp(context.Background(), client.NewApp{
		SDKAppID: uint32(app.ID), Name: app.Name, Edition: c.edition, Test: true, Admins: texts(app.Admins), Settings: c.settings, Secret: c.key,
	})
	if err != nil {
		tb.Fatalf("rollcalltest: %v", err)
	}
	n := &Server{URL: s.URL, SDKAppID: uint32(app.ID), Key: c.key, Admin: c.admin, AdminToken: s.AdminToken, tb: tb}
	n.connect()
	return n
}

func newOptions(options []Option) *appOptions {
	c := &appOptions{
		edition:  client.Development,
		settings: client.Settings{RateMode: account.RateShadow},
		key:      newKey(),
		admin:    client.Administrator,
	}
	for _, o := range options {
		o(c)
	}
	return c
}

func texts(ids []account.UserID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return texts
}

// firstApp is one less than the SDKAppID of the first app.
const firstApp = 1400000000

// apps counts the servers of this process.
var apps atomic.Uint32

// app returns the app of the server.
func (c *appOptions) app(name string) *account.App {
	a := &account.App{
		ID:      account.AppID(firstApp + apps.Add(1)),
		Name:    name,
		Edition: account.Edition(c.edition),
		Test:    true,
		Keys:    []account.Key{{ID: "1", Kind: account.HMACKey, Secret: c.key}},

		Settings: c.settings,
	}
	if c.admin != client.Administrator {
		a.Admins = []account.UserID{account.UserID(c.admin)}
	}
	return a
}

// run starts a server for app and stops it at the end of the test.
func run(tb testing.TB, app *account.App) *server.Server {
	tb.Helper()
	c, err := config.New(config.Config{Store: "mem:", Listen: "127.0.0.1:0"})
	if err != nil {
		tb.Fatalf("rollcalltest: %v", err)
	}
	srv, err := server.Open(tb.Context(), server.Options{
		Config: c, App: app, Version: "test", Logger: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	})
	if err != nil {
		tb.Fatalf("rollcalltest: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Errorf("rollcalltest: %v", err)
		}
	})
	return srv
}

// connect creates the clients. They share a pool of connections, which is closed at the
// end of the test.
func (s *Server) connect() {
	s.tb.Helper()
	pool := &http.Transport{MaxIdleConnsPerHost: 64}
	s.tb.Cleanup(pool.CloseIdleConnections)
	hc := &http.Client{Transport: pool}
	var err error
	s.Client, err = client.New(client.Options{
		BaseURL: s.URL, SDKAppID: s.SDKAppID, Admin: s.Admin, HTTPClient: hc,
		Signer: func(ctx context.Context) (string, time.Time, error) { return s.sign(ctx, s.Admin) },
	})
	if err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
	s.AdminClient, err = client.NewAdmin(client.AdminOptions{BaseURL: s.URL, Token: s.AdminToken, HTTPClient: hc})
	if err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
}

// UserSig returns a UserSig of a user of the app. It is valid for a day of the app's time.
func (s *Server) UserSig(userID string) string {
	s.tb.Helper()
	sig, _, err := s.sign(context.Background(), userID)
	if err != nil {
		s.tb.Fatalf("rollcalltest: %v", err)
	}
	return sig
}

// newKey returns a random key in the form of the vendor's console.
func newKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
