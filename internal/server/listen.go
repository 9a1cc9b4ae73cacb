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
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both or neither")
	}
	if o.TLSCert == "" && !o.InsecureListen && !Loopback(o.Listen) {
		return fmt.Errorf("%s can be reached from outside: give --tls-cert and --tls-key, or --insecure-listen to serve it in the clear", o.Listen)
	}
	if o.AdminListen != "" && !Loopback(o.AdminListen) {
		return fmt.Errorf("--admin-listen %s can be reached from outside: choose a loopback address", o.AdminListen)
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
	if err := s.listenAt(ctx, s.o.Listen, conf, s.publicHandler()); err != nil {
		return err
	}
	if s.o.AdminListen == "" {
		return nil
	}
	return s.listenAt(ctx, s.o.AdminListen, nil, s.adminHandler())
}

func (s *Server) listenAt(ctx context.Context, addr string, conf *tls.Config, h http.Handler) error {
	inner, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	s.listeners = append(s.listeners, &listener{
		Listener: httpx.NewListener(inner, httpx.ListenerOptions{
			TLS:       conf,
			FaultBody: func(httpx.Fault) []byte { return api.Malformed() },
			Logger:    s.o.Logger,
		}),
		srv: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
		},
	})
	return nil
}
