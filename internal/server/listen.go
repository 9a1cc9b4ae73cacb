package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"rollcall/internal/api"
	"rollcall/internal/config"
	"rollcall/internal/httpx"
)

// bind opens every address. [Server.attach] sets their handlers after the store is open.
func (s *Server) bind(ctx context.Context) error {
	conns, err := httpx.MaxConns()
	if err != nil {
		return err
	}
	public := httpx.ListenerOptions{TLS: s.tlsConfig(), Conns: httpx.NewConnLimit(conns)}
	own := func() httpx.ListenerOptions { return httpx.ListenerOptions{Conns: httpx.NewConnLimit(ownConns)} }
	if err := s.listenAt(ctx, "--listen", s.o.Listen, public); err != nil {
		return err
	}
	if s.o.AdminListen != "" && s.o.AdminListen != config.AdminOff {
		if err := s.listenAt(ctx, "--admin-listen", s.o.AdminListen, own()); err != nil {
			return err
		}
	}
	if s.o.PprofListen != "" {
		return s.listenAt(ctx, "--pprof-listen", s.o.PprofListen, own())
	}
	return nil
}

// tlsConfig returns the TLS configuration, or nil for a server without TLS.
func (s *Server) tlsConfig() *tls.Config {
	if s.certificate == nil {
		return nil
	}
	return s.certificate.config()
}

// attach sets the handler of each address.
func (s *Server) attach() {
	vendor := s.vendorHandler()
	for _, l := range s.listeners {
		switch l.flag {
		case "--listen":
			l.srv.Handler = s.traced(s.closingLast(s.table(vendor, s.o.Developer(), true)))
		case "--admin-listen":
			// It serves the vendor's protocol too, so the lines of curl in the console
			// need no other address.
			l.srv.Handler = s.traced(s.closingLast(s.table(vendor, true, false)))
		case "--pprof-listen":
			l.srv.Handler = s.pprofHandler()
			l.srv.WriteTimeout = pprofTimeout
		}
		s.o.Logger.Info("listening", slog.String("addr", l.Addr().String()), slog.Bool("tls", l.tls))
	}
}

// listener returns the socket of a flag that the supervisor has opened, or a new one.
func (s *Server) listener(ctx context.Context, flag, addr string) (net.Listener, error) {
	if l := s.o.Sockets[flag]; l != nil {
		return l, nil
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// listenAt opens the address of a flag.
func (s *Server) listenAt(ctx context.Context, flag, addr string, o httpx.ListenerOptions) error {
	inner, err := s.listener(ctx, flag, addr)
	if err != nil {
		return fmt.Errorf("%s %s cannot be opened: end what listens there, or choose another address: %w", flag, addr, err)
	}
	o.FaultResponse = api.Malformed
	o.Logger = s.o.Logger
	s.listeners = append(s.listeners, &listener{
		Listener: httpx.NewListener(inner, o),
		flag:     flag,
		tls:      o.TLS != nil,
		srv: &http.Server{
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          libraryLog(s.o.Logger),
		},
	})
	return nil
}
