package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"

	"rollcall/internal/api"
	"rollcall/internal/httpx"
)

// check rejects options that contradict each other.
func (o *Options) check() error {
	for _, a := range [][2]string{{"--listen", o.Listen}, {"--admin-listen", o.AdminListen}, {"--pprof-listen", o.PprofListen}} {
		if _, _, err := net.SplitHostPort(a[1]); err != nil && a[1] != "" {
			return fmt.Errorf("%s %s is no address: give host:port, or :port for every address of this machine", a[0], a[1])
		}
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both or neither")
	}
	if o.TLSCert == "" && !o.InsecureListen && !Loopback(o.Listen) {
		return fmt.Errorf("%s can be reached from outside: give --tls-cert and --tls-key, or --insecure-listen to serve it in the clear", o.Listen)
	}
	if o.AdminListen != "" && !Loopback(o.AdminListen) {
		return fmt.Errorf("--admin-listen %s can be reached from outside: choose a loopback address", o.AdminListen)
	}
	if o.PprofListen != "" && !Loopback(o.PprofListen) {
		return fmt.Errorf("--pprof-listen %s can be reached from outside: choose a loopback address", o.PprofListen)
	}
	return o.Credentials.check()
}

// Loopback reports whether addr, a host and a port, can be reached from this
// machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (s *Server) listen(ctx context.Context) error {
	var conf *tls.Config
	if s.o.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(s.o.TLSCert, s.o.TLSKey)
		if err != nil {
			return fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		conf = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	conns, err := httpx.MaxConns()
	if err != nil {
		return err
	}
	public := httpx.ListenerOptions{TLS: conf, Conns: httpx.NewConnLimit(conns)}
	if err := s.listenAt(ctx, s.o.Listen, public, s.publicHandler()); err != nil {
		return err
	}
	if s.o.AdminListen != "" {
		if err := s.listenAt(ctx, s.o.AdminListen, ownListener(), s.ownHandler(true)); err != nil {
			return err
		}
	}
	return s.listenPprof(ctx)
}

// ownListener returns the options of an address that serves nothing to strangers.
func ownListener() httpx.ListenerOptions {
	return httpx.ListenerOptions{Conns: httpx.NewConnLimit(ownConns)}
}

func (s *Server) listenAt(ctx context.Context, addr string, o httpx.ListenerOptions, h http.Handler) error {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	o.FaultBody = func(httpx.Fault) []byte { return api.Malformed() }
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
