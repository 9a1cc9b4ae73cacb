// Package server turns options into a running server: it opens the store,
// builds the parts, listens, and shuts down without losing anything. All
// wiring is here.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/store/open"
)

// Bounds of what strangers may take.
const (
	maxInFlight       = 1024             // requests served at once; others wait
	maxWait           = time.Second      // for their turn
	maxHeaderBytes    = 64 << 10         //
	readHeaderTimeout = 5 * time.Second  //
	readTimeout       = 8 * time.Second  // a whole request; shutdown waits longer
	writeTimeout      = 30 * time.Second // from the end of its header
	idleTimeout       = 2 * time.Minute  //
	shutdownTimeout   = 10 * time.Second // for requests in flight at the end
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

	// AdminListen is a second address, for health alone until there is an
	// admin API. Optional.
	AdminListen string

	// AllowTestApps lets test apps falsify (any-signature).
	AllowTestApps bool

	// DataDir holds context.json. Optional.
	DataDir string

	// Credentials of the app to serve. Optional: without them a demo app is
	// made on a store that has no apps.
	Credentials Credentials

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
	listeners []*listener
	context   *Context
}

// A listener is one address and what is served there.
type listener struct {
	*httpx.Listener
	srv *http.Server
}

// Open opens the store, sees to the app and listens. Nothing is answered until
// [Server.Run]. On an error everything is closed again.
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

func (s *Server) open(ctx context.Context) (err error) {
	if s.engine, err = open.Engine(s.o.Store, open.Options{Logger: s.o.Logger}); err != nil {
		return err
	}
	s.dir = directory.New(directory.Options{Engine: s.engine, Logger: s.o.Logger})
	s.api = api.New(api.Options{Directory: s.dir, AllowTestApps: s.o.AllowTestApps})
	if err := s.listen(ctx); err != nil {
		return err
	}
	return s.prepareApp(ctx)
}

// Addr returns the address of the vendor's protocol.
func (s *Server) Addr() net.Addr { return s.listeners[0].Addr() }

// Context returns what a client needs to call the server, or nil if there is no
// app that it could name.
func (s *Server) Context() *Context { return s.context }

// Run serves until ctx ends, finishes what is in flight, and closes the store.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { failed <- l.Serve(l.srv) }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		s.o.Logger.Info("shutting down", slog.Duration("at_most", shutdownTimeout))
	}
	return errors.Join(err, s.shutdown(context.WithoutCancel(ctx)))
}

func (s *Server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	var errs []error
	for _, l := range s.listeners {
		if err := l.srv.Shutdown(ctx); err != nil {
			errs = append(errs, errors.New("requests in flight were cut off at shutdown"), l.srv.Close())
		}
	}
	return errors.Join(append(errs, s.close())...)
}

// close releases what Open took.
func (s *Server) close() error {
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	return errors.Join(errs...)
}
