package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/intercept"
	"rollcall/internal/server"
)

// A backend is the server behind the proxy of exec.
type backend struct {
	server.Context
	file      string // the context file, or ""
	trust     []byte // certificates of the server that the program must trust, in PEM
	transport http.RoundTripper
	stop      func() error
	running   bool // it ran before
	calls     func(*intercept.Proxy) int64
}

// backend returns the server that the flags name, or a new one with its files in dir.
func (c *execCmd) backend(ctx context.Context, env *environment, dir string) (*backend, error) {
	if c.running() {
		return c.runningServer(env)
	}
	return c.newServer(ctx, env, filepath.Join(dir, "data"))
}

// newServer starts a server in memory. It stops by itself only if it fails.
func (c *execCmd) newServer(ctx context.Context, env *environment, dir string) (*backend, error) {
	app, err := c.app()
	if err != nil {
		return nil, err
	}
	settings, err := config.New(config.Config{Data: dir, Store: "mem:", Listen: "127.0.0.1:0", Intercept: c.Intercept})
	if err != nil {
		return nil, err
	}
	settings.Admin = c.Admin // for the context file
	if err := server.MakeDataDir(dir); err != nil {
		return nil, err
	}
	log := newLog(env, "text", c.LogLevel)
	s, err := server.Open(ctx, server.Options{Config: settings, App: app, Version: version, Logger: slog.New(log)})
	if err != nil {
		log.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a signal ends the program first
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return &backend{
		Context: *s.Context(), file: filepath.Join(dir, server.ContextFile), transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight},
		calls: func(*intercept.Proxy) int64 { return s.Calls() },
		stop: func() error {
			defer log.Close()
			cancel()
			return <-done
		},
	}, nil
}

// app returns the program's own app, or nil. It is a test app, because it lasts no longer
// than the program.
func (c *execCmd) app() (*account.App, error) {
	if c.SDKAppID == 0 {
		return nil, nil
	}
	b, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("--key-file: %w", err)
	}
	key, err := account.ReadKey(string(b))
	if err != nil {
		return nil, fmt.Errorf("--key-file %s: %w", c.KeyFile, err)
	}
	key.ID = "1"
	app := &account.App{
		ID: account.AppID(c.SDKAppID), Name: "exec", Edition: account.Development, Test: true, Keys: []account.Key{key},
		Settings: account.Settings{RateMode: account.RateShadow},
	}
	if c.Admin != "" && c.Admin != client.Administrator {
		app.Admins = []account.UserID{account.UserID(c.Admin)}
	}
	return app, nil
}

// runningServer returns the server that the flags name.
func (c *execCmd) runningServer(env *environment) (*backend, error) {
	conn := &connection{URL: c.URL, Context: c.Context, CA: c.CA, SDKAppID: c.SDKAppID, KeyFile: c.KeyFile, Admin: c.Admin}
	if err := conn.server(); err != nil {
		return nil, err
	}
	key, err := conn.secret(env, c.KeyFile, "--key-file", keyVariable)
	if err != nil {
		return nil, err
	}
	hc, err := conn.httpClient()
	if err != nil {
		return nil, err
	}
	b := &backend{
		transport: hc.Transport,
		running:   true,
		calls:     (*intercept.Proxy).Calls,
		stop:      func() error { hc.CloseIdleConnections(); return nil },
	}
	b.URL, b.SDKAppID, b.Admin = conn.URL, conn.SDKAppID, cmp.Or(conn.Admin, client.Administrator)
	b.Key = cmp.Or(key, conn.saved.Key)
	b.AdminToken = cmp.Or(os.Getenv(tokenVariable), conn.saved.AdminToken)
	if conn.CA != "" {
		if b.trust, err = os.ReadFile(conn.CA); err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
	}
	if c.Context != "" {
		b.file, err = filepath.Abs(c.Context)
	}
	return b, err
}

// variables returns the variables by which the program finds the server and the app. An
// empty one has no value here, and one of the caller must not stand in for it.
func (b *backend) variables() map[string]string {
	set := map[string]string{
		urlVariable: b.URL, keyVariable: b.Key, tokenVariable: b.AdminToken,
		"ROLLCALL_ADMIN": b.Admin, "ROLLCALL_CONTEXT": b.file, "ROLLCALL_SDKAPPID": "",
	}
	if b.SDKAppID != 0 {
		set["ROLLCALL_SDKAPPID"] = strconv.FormatUint(uint64(b.SDKAppID), 10)
	}
	return set
}
