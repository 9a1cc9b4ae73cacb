package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kong"

	"rollcall/internal/backups"
	"rollcall/internal/config"
	"rollcall/internal/logbuf"
	"rollcall/internal/ratelimit/redislimit"
	"rollcall/internal/server"
	"rollcall/internal/store/open"
	"rollcall/internal/supervisor"
)

// serveCmd runs the server. Without flags it is a developer's: loopback only,
// with a demo app.
type serveCmd struct {
	File string `name:"config" placeholder:"FILE" given:"" help:"Settings in YAML, under those of the environment and of these flags; docs/configuration.md lists them."`
	config.Config
}

// Help is shown by rollcall serve --help.
func (serveCmd) Help() string {
	return `Without flags this is a developer's server: it listens on loopback only, keeps
its data in ./rollcall-data, creates a demo app on its first start and prints a
curl line, signature included, that works as pasted.

Every flag is also a setting of the file that --config names, as admin_listen,
and of the environment, as ROLLCALL_CFG_ADMIN_LISTEN. A flag wins over the
environment, and that over the file.

Examples:
  rollcall serve
  rollcall serve --store mem:
  rollcall serve --store mem: --seed shop.yml
  PGPASSWORD=… rollcall serve --store postgres://rollcall@db/rollcall --migrate
  rollcall serve --sdkappid 1400000000 --key-file key.txt --admin admin
  rollcall serve --tls-local
  rollcall serve --listen :443 --tls-cert cert.pem --tls-key key.pem
  rollcall serve --listen :443 --tls-cert cert.pem --tls-key key.pem \
    --admin-listen 127.0.0.1:7581 --admin-token-file admin.token
  rollcall serve --config /etc/rollcall/rollcall.yml`
}

// Run serves until a signal.
func (c *serveCmd) Run(ctx context.Context, env *environment, k *kong.Context) error {
	syscall.Umask(0o077)           // only the owner has access to files of this process
	signal.Ignore(syscall.SIGPIPE) // a log whose reader has gone is no reason to stop
	hangups := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
	}
	sockets, err := supervisor.Sockets()
	if err != nil {
		return tellStart(env, c.LogFormat, err)
	}
	load := func() (*config.Loaded, error) { return c.load(k, sockets) }
	cfg, err := load()
	if err != nil {
		return tellStart(env, formatOf(err), err)
	}
	level := new(slog.LevelVar)
	level.Set(cfg.LogLevel)
	log := newLog(env, cfg.LogFormat, level)
	defer log.Close()
	lg := slog.New(log)
	limitMemory(lg, memlimit.FromCgroup)
	s, err := start(ctx, env, cfg, server.Options{Logger: lg, Sockets: byFlag(sockets), Hangups: hangups, Level: level, Reload: load})
	if err != nil {
		return tellStart(env, cfg.LogFormat, err)
	}
	lg.Info("ready", slog.String("version", version))
	if err := s.Run(ctx); err != nil {
		lg.Error("stopped", slog.String("err", err.Error())) // in the format of the log, for its readers
		return errQuiet
	}
	lg.Info("stopped")
	return nil
}

// startTime is the longest start that the supervisor waits for. A migration of a large
// database can take long.
const startTime = time.Hour

// start opens the server and greets the user. It completes o.
func start(ctx context.Context, env *environment, cfg *config.Loaded, o server.Options) (*server.Server, error) {
	if err := cfg.CheckDirs(); err != nil {
		return nil, &usageError{err}
	}
	if err := server.MakeDataDir(cfg.Data); err != nil {
		return nil, cfg.Attribute(err)
	}
	o.Config, o.Effective, o.Version, o.Stops = cfg.Config, cfg.Effective(), version, stops
	o.Supervisor = supervisor.New(o.Logger)
	o.Supervisor.Starting("opening the store", startTime)
	s, err := server.Open(ctx, o)
	if err != nil {
		return nil, cfg.Attribute(err)
	}
	for _, warning := range cfg.Warnings() {
		o.Logger.Warn(warning)
	}
	return s, greet(env, &cfg.Config, s)
}

// stops returns a channel of the signals to stop, and a function that ends their delivery.
func stops() (signals <-chan os.Signal, ignore func()) {
	c := make(chan os.Signal, 2) // the one that ends the context, and one more
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// socketKeys are the keys of the settings whose addresses a supervisor may open, by the names
// of the sockets.
var socketKeys = map[string]string{supervisor.APISocket: "listen", supervisor.AdminSocket: "admin_listen"}

// byFlag returns sockets by the flags of their addresses.
func byFlag(sockets map[string]net.Listener) map[string]net.Listener {
	all := map[string]net.Listener{}
	for name, l := range sockets {
		all["--"+strings.ReplaceAll(socketKeys[name], "_", "-")] = l
	}
	return all
}

// load reads the configuration. A flag that was given wins over the environment and the
// file, and a socket that is open wins over all.
func (c *serveCmd) load(k *kong.Context, sockets map[string]net.Listener) (*config.Loaded, error) {
	addresses := map[string]string{}
	for name, l := range sockets {
		addresses[socketKeys[name]] = l.Addr().String()
	}
	var given []string
	for _, p := range k.Path {
		if p.Flag != nil {
			given = append(given, p.Flag.Name)
		}
	}
	return loadConfig(config.Options{File: c.File, Flags: &c.Config, Given: given, Sockets: addresses})
}

// loadConfig reads a configuration, with the settings of the environment.
func loadConfig(o config.Options) (*config.Loaded, error) {
	o.Environ, o.CheckStore, o.CheckRedis = os.Environ(), open.Check, redislimit.CheckURL
	o.Redact = server.Redact
	o.CheckBackups = func(c *config.Config) (string, error) { _, key, err := backups.Parse(c); return key, err }
	l, err := config.Load(o)
	if err != nil {
		return nil, &usageError{err}
	}
	return l, nil
}

// newLog returns the handler of the log. The caller closes it. The format text is for
// people on a terminal, and one attribute after the other elsewhere.
func newLog(env *environment, format string, level slog.Leveler) *logbuf.Handler {
	return logbuf.New(env.stderr, func(w io.Writer) slog.Handler {
		switch {
		case format == formatJSON:
			return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
		case terminal(env.stderr):
			return logbuf.NewPeople(w, level, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
		}
		return logbuf.NewText(w, level)
	})
}

// greet prints the address, the app and the place of its key. For the demo app it also
// prints a curl line to try, unless the output goes to the journal of systemd.
func greet(env *environment, c *config.Config, s *server.Server) error {
	ctx := s.Context()
	if ctx == nil {
		return nil
	}
	key := "the key is in " + cmp.Or(ctx.KeyFile, filepath.Join(c.Data, server.ContextFile))
	if ctx.NoKey != "" {
		key = ctx.NoKey
	}
	fmt.Fprintf(env.stdout, "Rollcall %s is ready on %s\nSDKAppID %d, admin %s; %s\n",
		version, ctx.URL, ctx.SDKAppID, ctx.Admin, key)
	if c.SDKAppID != 0 || !c.Developer() || os.Getenv("JOURNAL_STREAM") != "" {
		return nil // no signature of a real key is printed, and none goes to a log
	}
	curl, err := ctx.Curl()
	if err == nil && curl != "" {
		fmt.Fprintf(env.stdout, "\nTry:\n%s\n\n", curl)
		if link := s.ConsoleLink(); link != "" {
			fmt.Fprintf(env.stdout, "Or open the console. This link logs in once, within a day:\n%s\n\n", link)
		}
	}
	return err
}
