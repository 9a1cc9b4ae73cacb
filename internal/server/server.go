// Package server turns options into a running server. It opens the store, connects the
// other packages, listens, and shuts down without losing acknowledged changes.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/backups"
	"rollcall/internal/bulk"
	"rollcall/internal/calls"
	"rollcall/internal/config"
	"rollcall/internal/console"
	consolelink "rollcall/internal/console/link"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/link"
	"rollcall/internal/metrics"
	"rollcall/internal/ratelimit"
	"rollcall/internal/ratelimit/redislimit"
	"rollcall/internal/records"
	"rollcall/internal/seed"
	"rollcall/internal/session"
	"rollcall/internal/store/open"
	"rollcall/internal/supervisor"
	"rollcall/internal/tracing"
	"rollcall/internal/webhooks"
	"rollcall/internal/wire"
)

// Limits of connections and requests.
const (
	ownConns          = 64               // connections at each address for admins
	maxHeaderBytes    = 64 << 10         //
	readHeaderTimeout = 5 * time.Second  //
	readTimeout       = 8 * time.Second  // of a whole request; shutdown waits longer
	writeTimeout      = 30 * time.Second // from the end of the request's header
	idleTimeout       = 2 * time.Minute  //
)

// Options are the options of a server.
type Options struct {
	// Config contains the settings, complete and checked as [config.Load] or
	// [config.New] returns them. [Open] does not check them again.
	config.Config

	// Effective are the settings with their sources, for the admin API. It is
	// [config.EffectiveIn] of Config if it is nil.
	Effective []config.Effective

	// App is served instead of the app of the settings. It is created if the store does
	// not have it. Optional.
	App *account.App

	// Version is shown at "GET /".
	Version string

	// Logger is required.
	Logger *slog.Logger

	// Supervisor is told when the server is ready, reads its files again, and stops.
	// Optional.
	Supervisor *supervisor.Supervisor

	// Sockets are open already and replace the addresses of Config, by the flag of the
	// address, such as "--listen". The server closes them. Optional.
	Sockets map[string]net.Listener

	// Hangups receives signals to read the settings and the files that they name again.
	// Optional.
	Hangups <-chan os.Signal

	// Reload reads the settings again, complete and checked like Config. Without it, the
	// signals of Hangups read only the files. Optional.
	Reload func() (*config.Loaded, error)

	// Level is that of Logger. A new log_level sets it. Optional.
	Level *slog.LevelVar

	// Stops returns a channel of the signals to stop, and a function that ends their
	// delivery. The first one is that which ends the context of [Server.Run], and the
	// second one ends the drain. It is called if there is a drain. Optional.
	Stops func() (signals <-chan os.Signal, ignore func())
}

// A Server has bound its addresses and opened its store. [Server.Run] serves requests.
type Server struct {
	o         Options
	shared    bool // other servers may use the store at the same time
	engine    account.Engine
	records   *records.Registry
	dir       *directory.Directory
	api       *api.Server
	admin     *admin.Server
	console   *console.Console
	links     *consolelink.Links // that log in to the console; nil unless s is a developer's server
	devices   *link.Server       // links of devices
	imports   *bulk.Service
	backups   *backups.Service // nil without --backup-to
	figures   *figures.Figures
	webhooks  *webhooks.Service
	inFlight  *httpx.InFlight
	calls     *calls.Log
	faults    *faults.Set
	rates     *ratelimit.Report
	limits    *redislimit.Limiter // nil without Redis
	drain     drain
	node      string // among those that share the store; "" without them
	lock      *flock.Flock
	metrics   *metrics.Metrics
	tracer    *tracing.Tracer                   // nil without traces
	disk      func() (metrics.DiskUsage, error) // nil unless the store is on a disk
	listeners []*listener
	context   *Context

	effective atomic.Pointer[[]config.Effective] // settings that the admin API shows

	served atomic.Int64 // requests of the vendor's protocol

	certificate *certificate // nil without TLS
	key         account.Key  // of --key-file
	adminToken  string       // of --admin-token-file

	redisPassword string       // of --redis-password-file
	seeds         []*seed.File // of --seed
}

// Open binds the addresses, opens the store and prepares the app. The server responds to
// nothing before [Server.Run]. On an error Open closes everything again. Open checks the
// files and the addresses before it opens the store, because opening changes the files of
// the store. A wrong flag must not change a backup.
func Open(ctx context.Context, o Options) (*Server, error) {
	s := &Server{o: o, shared: open.Shared(o.Store), drain: newDrain()}
	if o.Effective == nil {
		o.Effective = config.EffectiveIn(o.Config, Redact)
	}
	s.effective.Store(&o.Effective)
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	s.metrics = metrics.New(metrics.Options{Version: s.o.Version, Logger: s.o.Logger})
	if err := s.preflight(ctx); err != nil {
		return err
	}
	if err := s.openTraces(ctx); err != nil {
		return err
	}
	if err := s.openStore(ctx); err != nil {
		return err
	}
	s.dir = directory.New(directory.Options{
		Engine: s.engine, Records: s.records, Logger: s.o.Logger, Commands: wire.CommandNames(), AllowTestApps: *s.o.AllowTestApps,
		LinkEnded: func(e session.End) { s.devices.Ended(e) }, Outbox: s.keeps,
		Tally:  func(app account.AppID, created, deleted int) { s.figures.Accounts(app, created, deleted) },
		Logins: func(app account.AppID, c session.Count) { s.figures.Logins(app, c) },
	})
	if !s.shared {
		if err := s.dir.EndNodes(ctx); err != nil {
			return err
		}
	}
	if err := s.readNode(); err != nil {
		return err
	}
	s.figures = s.newFigures()
	s.webhooks = s.newWebhooks()
	s.metrics.WatchStore(s.dir)
	s.inFlight = api.NewInFlight(s.o.MaxInFlight)
	s.metrics.WatchInFlight(s.inFlight.Len, s.o.MaxInFlight)
	s.calls, s.faults, s.rates = calls.NewLog(), faults.NewSet(), ratelimit.NewReport()
	limits, err := s.newLimits()
	if err != nil {
		return err
	}
	callers := auth.New(s.dir)
	s.api = api.New(api.Options{
		Directory: s.dir, Limits: limits, Auth: callers, Figures: s.figures, InFlight: s.inFlight, Calls: s.calls, Faults: s.faults, Rates: s.rates,
		Near: s.webhooks.Near,
	})
	s.openLinks(callers)
	s.imports = s.newImports()
	if err := s.openBackups(); err != nil {
		return err
	}
	s.watch(ctx)
	s.admin = s.newAdmin()
	s.attach()
	if err := s.prepareTokens(ctx); err != nil {
		return err
	}
	if err := s.prepareApp(ctx); err != nil {
		return err
	}
	s.openConsole()
	if err := s.applySeeds(ctx); err != nil {
		return err
	}
	return s.warnFaults(ctx)
}

// Addr returns the address of the vendor's protocol.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// Calls returns the number of requests of the vendor's protocol that s has served.
func (s *Server) Calls() int64 { return s.served.Load() }

// Context returns the context for clients of the server, or nil if there is no app for it.
func (s *Server) Context() *Context { return s.context }
