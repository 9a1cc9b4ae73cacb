// Package server turns options into a running server: it opens the store,
// builds the parts, listens, and shuts down without losing anything. All
// wiring is here.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/api"
	"rollcall/internal/directory"
	"rollcall/internal/metrics"
)

// Bounds of what strangers may take.
const (
	ownConns          = 64               // at each address that is ours alone
	maxHeaderBytes    = 64 << 10         //
	readHeaderTimeout = 5 * time.Second  //
	readTimeout       = 8 * time.Second  // a whole request; shutdown waits longer
	writeTimeout      = 30 * time.Second // from the end of its header
	idleTimeout       = 2 * time.Minute  //
	shutdownTimeout   = 10 * time.Second // for requests in flight at the end, unless the options say otherwise
)

// Options say what to serve, and where. The zero Options serve nobody: Listen
// and Store are required.
type Options struct {
	// Store is where accounts live, in the grammar of package open.
	Store string

	// Listen is the address of the vendor's protocol. One that is reachable
	// from outside needs TLS or InsecureListen.
	Listen string

	// TLSCert and TLSKey are files in PEM. Both or neither.
	TLSCert, TLSKey string

	// InsecureListen allows an address that is reachable from outside to be
	// served in the clear.
	InsecureListen bool

	// AdminListen is a second address, for the admin API, the metrics and
	// health. It must be a loopback one. Optional: if Listen is a loopback
	// address without TLS, all that is there too.
	AdminListen string

	// AdminHosts are names that the Host header of a request to the admin API
	// or the metrics may hold, besides those of this machine itself.
	AdminHosts []string

	// AdminTokenFile holds a token of the admin API with every scope; it is
	// made if it does not exist. Optional.
	AdminTokenFile string

	// SealKeys is the file of the keys that seal the secrets of apps in the
	// store. If empty, it is [SealFile] in DataDir; a store in memory needs none.
	SealKeys string

	// PprofListen is a loopback address for profiles of the process. Optional.
	PprofListen string

	// MaxInFlight is how many requests of the vendor's protocol are served at
	// once; others wait. 0 is 1024.
	MaxInFlight int

	// ShutdownTimeout is how long requests in flight may take at the end. 0 is
	// ten seconds.
	ShutdownTimeout time.Duration

	// AllowTestApps lets apps be created as test apps, and lets those falsify:
	// accept any signature, have UserSigs made by the admin API.
	AllowTestApps bool

	// DataDir holds context.json. Optional.
	DataDir string

	// Credentials of the app to serve. Optional: without them a demo app is
	// made on a store that has no apps.
	Credentials Credentials

	// App is served instead, and made on a store that lacks it. Optional; not
	// together with Credentials.
	App *account.App

	// Version is shown at "GET /".
	Version string

	// Logger is required.
	Logger *slog.Logger
}

// A Server is ready to take requests.
type Server struct {
	o         Options
	engine    account.Engine
	dir       *directory.Directory
	api       *api.Server
	admin     *admin.Server
	metrics   *metrics.Metrics
	listeners []*listener
	context   *Context

	certificate *certificate // nil in the clear
	key         account.Key  // of --key-file
	adminToken  string       // of --admin-token-file
}

// Open binds the addresses, opens the store and prepares the app. Nothing is
// answered until [Server.Run]. On an error everything is closed again. Open checks
// the options, the files and the addresses before it opens the store: that changes the
// store's files, and a copy of a store must survive a mistake in a flag.
func Open(ctx context.Context, o Options) (*Server, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Server{o: o}
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
	if err := s.openStore(ctx); err != nil {
		return err
	}
	s.dir = directory.New(directory.Options{Engine: s.engine, Logger: s.o.Logger, AllowTestApps: s.o.AllowTestApps})
	inFlight := api.NewInFlight(s.o.MaxInFlight)
	s.metrics.WatchInFlight(inFlight.Len)
	s.api = api.New(api.Options{Directory: s.dir, InFlight: inFlight})
	s.admin = s.newAdmin()
	s.watch(ctx)
	s.attach()
	if err := s.prepareTokens(ctx); err != nil {
		return err
	}
	if err := s.prepareApp(ctx); err != nil {
		return err
	}
	return s.warnFaults(ctx)
}

// Addr returns the address of the vendor's protocol.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// Context returns what a client needs to call the server, or nil if there is no
// app that it could name.
func (s *Server) Context() *Context { return s.context }
