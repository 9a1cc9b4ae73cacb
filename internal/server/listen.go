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

// check rejects options that contradict each other.
func (o *Options) check() error {
	c := config.Config{
		Listen: o.Listen, AdminListen: o.AdminListen, PprofListen: o.PprofListen,
		TLSCert: o.TLSCert, TLSKey: o.TLSKey, InsecureListen: o.InsecureListen,
		SDKAppID: o.Credentials.SDKAppID, KeyFile: o.Credentials.KeyFile, Admin: o.Credentials.Admin,
	}
	return c.Check()
}

func (s *Server) listen(ctx context.Context) error {
	var conf *tls.Config
	if s.o.TLSCert != "" {
		cert, err := newCertificate(s.o.TLSCert, s.o.TLSKey, s.o.Logger)
		if err != nil {
			return err
		}
		conf = cert.config()
	}
	conns, err := httpx.MaxConns()
	if err != nil {
		return err
	}
	public := httpx.ListenerOptions{TLS: conf, Conns: httpx.NewConnLimit(conns)}
	vendor := s.vendorHandler()
	if err := s.listenAt(ctx, "--listen", s.o.Listen, public, withVendor(vendor, s.ownHandler(s.o.adminOnPublic()))); err != nil {
		return err
	}
	if s.o.AdminListen != "" {
		// The vendor's protocol too: the page at /docs calls the address that it
		// came from.
		if err := s.listenAt(ctx, "--admin-listen", s.o.AdminListen, ownListener(), withVendor(vendor, s.ownHandler(true))); err != nil {
			return err
		}
	}
	return s.listenPprof(ctx)
}

// ownListener returns the options of an address that serves nothing to strangers.
func ownListener() httpx.ListenerOptions {
	return httpx.ListenerOptions{Conns: httpx.NewConnLimit(ownConns)}
}

// listenAt opens the address of a flag, for h.
func (s *Server) listenAt(ctx context.Context, flag, addr string, o httpx.ListenerOptions, h http.Handler) error {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s %s cannot be opened: end what listens there, or choose another address: %w", flag, addr, err)
	}
	o.FaultAnswer = api.Malformed
	o.Logger = s.o.Logger
	s.listeners = append(s.listeners, &listener{
		Listener: httpx.NewListener(inner, o),
		srv: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          libraryLog(s.o.Logger),
		},
	})
	s.o.Logger.Info("listening", slog.String("addr", inner.Addr().String()), slog.Bool("tls", o.TLS != nil))
	return nil
}
