package pgtest

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// HAProxy returns the URL of a new HAProxy in front of HTTP servers, which are given as
// "host:port" or as URLs without a path. It sends requests to those whose /readyz answers
// 200, in turns, and repeats a request on another server if it cannot connect. It stops
// when tb ends.
func HAProxy(tb testing.TB, backends ...string) string {
	tb.Helper()
	p, free, err := startHAProxy(backends)
	if err != nil {
		failStart(tb, "haproxy", err)
	}
	stopAtEnd(tb, p)
	return "http://" + address(free)
}

// haproxyConfig is the configuration of an HAProxy in front of the servers of the last lines.
const haproxyConfig = `global
  maxconn 4000
defaults
  mode http
  log stderr format raw daemon notice
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout check 2s
  retries 3
  option redispatch 1
frontend calls
  bind %s
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 100ms fall 2 rise 2
`

// startHAProxy starts an HAProxy and returns its port.
func startHAProxy(backends []string) (*process, int, error) {
	program, err := find("haproxy")
	if err != nil {
		return nil, 0, err
	}
	dir, err := servers.folder("haproxy")
	if err != nil {
		return nil, 0, err
	}
	free, err := port()
	if err != nil {
		return nil, 0, err
	}
	var config strings.Builder
	fmt.Fprintf(&config, haproxyConfig, address(free))
	for i, backend := range backends {
		fmt.Fprintf(&config, "  server node%d %s\n", i, strings.TrimPrefix(backend, "http://"))
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := write(file, config.String()); err != nil {
		return nil, 0, err
	}
	p, err := launch(dir, syscall.SIGTERM, program, "-db", "-f", file) // SIGTERM cuts connections
	if err != nil {
		return nil, 0, err
	}
	return p, free, await(p, func(ctx context.Context) error { return dial(ctx, address(free)) })
}

// dial returns nil if a server accepts connections.
func dial(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
