package intercept

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// dialTimeout limits the time to connect to another host.
const dialTimeout = 30 * time.Second

// dial connects to "host:port", through another proxy if there is one for it.
func (p *Proxy) dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if p.o.Chain != nil && !isLoopback(hostOf(addr)) {
		via, err := p.o.Chain(&http.Request{URL: &url.URL{Scheme: "https", Host: addr}})
		if err != nil {
			return nil, err
		}
		if via != nil {
			return dialVia(ctx, via, addr)
		}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// dialVia opens a tunnel to addr through the proxy via.
func dialVia(ctx context.Context, via *url.URL, addr string) (net.Conn, error) {
	port := map[string]string{"http": "80", "https": "443"}[via.Scheme]
	if port == "" {
		return nil, errChain
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(via.Hostname(), cmp.Or(via.Port(), port)))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if via.Scheme == "https" {
		c = tls.Client(c, &tls.Config{ServerName: via.Hostname(), MinVersion: tls.VersionTLS12})
	}
	far, err := openTunnel(c, via.User, addr)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("the proxy %s: %w", via.Host, err)
	}
	return far, nil
}

// openTunnel asks the proxy behind c for a tunnel to addr.
func openTunnel(c net.Conn, user *url.Userinfo, addr string) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		text := base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password))
		req.Header.Set("Proxy-Authorization", "Basic "+text)
	}
	if err := req.Write(c); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("no tunnel to %s: %s", addr, resp.Status)
	}
	return &readAhead{Conn: c, r: r}, nil
}
