package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"syscall"

	"rollcall/internal/server"
)

// serveCmd runs the server. Without flags it is a developer's: loopback only,
// with a demo app.
type serveCmd struct {
	Data   string `default:"./rollcall-data" placeholder:"DIR" help:"Folder of everything that is kept (default: ${default})."`
	Listen string `default:"127.0.0.1:7580" placeholder:"ADDR" help:"Address of the account API (default: ${default})."`
	Store  string `placeholder:"SPEC" help:"Where accounts live: pebble:DIR, or mem: to forget them at the end (default: pebble in the data folder)."`

	TLSCert        string   `name:"tls-cert" placeholder:"FILE" help:"Certificate in PEM; serves HTTPS and HTTP/2."`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" help:"Private key of the certificate."`
	InsecureListen bool     `help:"Serve an address that can be reached from outside in the clear."`
	AdminListen    string   `placeholder:"ADDR" help:"A second, loopback address, for the admin API, metrics and health; a developer's server has them on its own."`
	AdminHost      []string `placeholder:"NAME" help:"A name by which the admin API may be called, besides localhost; may be repeated."`
	AdminTokenFile string   `placeholder:"FILE" help:"A token of the admin API with every scope; made if there is no such file."`
	SealKeys       string   `placeholder:"FILE" help:"Keys that seal the apps' secrets in the store (default: seal.keys in the data folder)."`
	PprofListen    string   `placeholder:"ADDR" help:"A loopback address for profiles of the process (default: none)."`
	AllowTestApps  *bool    `negatable:"" help:"Let test apps accept any signature (default: only on loopback without TLS)."`

	SDKAppID uint32 `name:"sdkappid" placeholder:"N" help:"Serve this app instead of a demo app; needs --key-file."`
	KeyFile  string `placeholder:"FILE" help:"Secret key of the app, or its ECDSA public key in PEM."`
	Admin    string `placeholder:"USERID" help:"An admin of the app besides administrator."`

	LogFormat string     `enum:"text,json" default:"text" help:"Form of the log on standard error: text or json (default: ${default})."`
	LogLevel  slog.Level `default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (default: ${default})."`
}

// Help is shown by rollcall serve --help.
func (serveCmd) Help() string {
	return `Without flags this is a developer's server: it listens on loopback only, keeps
its data in ./rollcall-data, makes a demo app on its first start and prints a
curl line, signature included, that works as pasted.

Examples:
  rollcall serve
  rollcall serve --store mem:
  rollcall serve --sdkappid 1400000000 --key-file key.txt --admin admin
  rollcall serve --listen :443 --tls-cert cert.pem --tls-key key.pem
  rollcall serve --listen :443 --tls-cert cert.pem --tls-key key.pem \
    --admin-listen 127.0.0.1:7581 --admin-token-file admin.token`
}

func (c *serveCmd) Run(env *environment) error {
	syscall.Umask(0o077) // what this process makes is its owner's alone
	if err := server.MakeDataDir(c.Data); err != nil {
		return err
	}
	lg := c.logger(env)
	s, err := server.Open(env.ctx, c.options(lg))
	if err != nil {
		return err
	}
	if err := c.greet(env, s); err != nil {
		return err
	}
	lg.Info("ready", slog.String("version", version))
	if err := s.Run(env.ctx); err != nil {
		lg.Error("stopped", slog.String("err", err.Error())) // in the form of the log, for who reads that
		return errQuiet
	}
	lg.Info("stopped")
	return nil
}

func (c *serveCmd) options(lg *slog.Logger) server.Options {
	o := server.Options{
		Store: c.Store, Listen: c.Listen, AdminListen: c.AdminListen,
		TLSCert: c.TLSCert, TLSKey: c.TLSKey, InsecureListen: c.InsecureListen,
		AdminHosts: c.AdminHost, AdminTokenFile: c.AdminTokenFile, SealKeys: c.SealKeys, PprofListen: c.PprofListen,
		DataDir:     c.Data,
		Credentials: server.Credentials{SDKAppID: c.SDKAppID, KeyFile: c.KeyFile, Admin: c.Admin},
		Version:     version, Logger: lg,
		AllowTestApps: c.TLSCert == "" && server.Loopback(c.Listen),
	}
	if o.Store == "" {
		o.Store = "pebble:" + filepath.Join(c.Data, "accounts")
	}
	if c.AllowTestApps != nil {
		o.AllowTestApps = *c.AllowTestApps
	}
	return o
}

func (c *serveCmd) logger(env *environment) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(env.stderr, o))
	}
	return slog.New(slog.NewTextHandler(env.stderr, o))
}

// greet tells a person how to go on.
func (c *serveCmd) greet(env *environment, s *server.Server) error {
	ctx := s.Context()
	if ctx == nil {
		return nil
	}
	fmt.Fprintf(env.stdout, "Rollcall %s is ready on %s\nSDKAppID %d, admin %s; the key is in %s\n",
		version, ctx.URL, ctx.SDKAppID, ctx.Admin, filepath.Join(c.Data, server.ContextFile))
	if c.SDKAppID != 0 || !server.Loopback(s.Addr().String()) {
		return nil // a signature of a real key has no place in what may be a log
	}
	curl, err := ctx.Curl()
	if err == nil && curl != "" {
		fmt.Fprintf(env.stdout, "\nTry:\n%s\n\n", curl)
	}
	return err
}
