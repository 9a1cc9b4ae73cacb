package intercept

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/httpx"
	"rollcall/internal/region"
)

// Limits of a proxy.
const (
	maxConns     = 1024             // open connections; a client waits for a place
	firstTimeout = 30 * time.Second // until the first byte of a connection
	tlsTimeout   = 10 * time.Second // of a handshake
	maxHeader    = 64 << 10         // bytes of the header of a request
	maxNotices   = 20               // texts for [ProxyOptions.Notice]
)

// tlsByte begins every connection with TLS, and no request of HTTP.
const tlsByte = 0x16

// ProxyOptions are the options of [NewProxy].
type ProxyOptions struct {
	// Authority has the certificate that the proxy shows under the names of the vendor.
	Authority *Authority

	// Names are host names to intercept, besides those of the vendor's data centres. The
	// Authority must have them too.
	Names []string

	// Target is the address of the server, and Transport calls it.
	Target    *url.URL
	Transport http.RoundTripper

	// Passthrough connects clients to other hosts. Without it they are refused, except
	// for that of Target and those of this machine.
	Passthrough bool

	// Chain returns the proxy to use for a request to another host, or nil, such as
	// [http.ProxyFromEnvironment]. Required with Passthrough.
	Chain func(*http.Request) (*url.URL, error)

	// Admit returns an error for a connection that must not use the proxy. Optional.
	Admit func(net.Conn) error

	// Password is asked of requests to a proxy. Requests that arrive as at the vendor's
	// own host need none, because they reach nothing but the server. Optional.
	Password string

	// FaultResponse responds to requests that are not valid HTTP, as the server does.
	FaultResponse func(httpx.Fault) (http.Header, []byte)

	// Notice receives a sentence about each connection that was refused, for the user. A
	// sentence is not repeated. It is called from many goroutines.
	Notice func(string)
}

// A Proxy passes the requests for the vendor's hosts on to a server. One port takes every
// form of request that clients use:
//   - CONNECT, for requests with TLS
//   - requests with an absolute URL, https:// included, with and without TLS to the proxy
//   - TLS as to the vendor's host, for clients that were led to the port another way
type Proxy struct {
	o       ProxyOptions
	tls     *tls.Config
	queue   *queue
	srv     *http.Server
	server  http.Handler // passes requests on to the server
	others  http.Handler // passes requests on to other hosts
	calls   atomic.Int64
	places  chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	mu      sync.Mutex
	noticed []string
}

// NewProxy returns a proxy. It serves until [Proxy.Close].
func NewProxy(o ProxyOptions) (*Proxy, error) {
	pair, err := tls.X509KeyPair(o.Authority.Leaf, o.Authority.Leaf)
	if err != nil {
		return nil, err
	}
	p := &Proxy{o: o, queue: newQueue(), places: make(chan struct{}, maxConns)}
	p.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.server = p.forward(o.Transport, o.Target)
	p.others = p.forward(&http.Transport{Proxy: o.Chain, ForceAttemptHTTP2: true}, nil)
	p.srv = &http.Server{
		Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: firstTimeout, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	l := httpx.NewListener(p.queue, httpx.ListenerOptions{FaultResponse: o.FaultResponse, Logger: slog.New(slog.DiscardHandler)})
	p.wg.Go(func() { _ = l.Serve(p.srv) }) // it always returns ErrServerClosed
	return p, nil
}

// Serve accepts connections from l, which p owns. It returns at once.
func (p *Proxy) Serve(l net.Listener) {
	context.AfterFunc(p.ctx, func() { l.Close() })
	p.start(func() {
		for {
			c, err := l.Accept()
			switch {
			case p.ctx.Err() != nil:
				return
			case err != nil: // such as too many open files
				p.notice(err.Error())
				time.Sleep(100 * time.Millisecond)
			default:
				p.accept(c)
			}
		}
	})
}

// accept lets c in when there is a place for it.
func (p *Proxy) accept(c net.Conn) {
	select {
	case p.places <- struct{}{}:
	case <-p.ctx.Done():
		c.Close()
		return
	}
	c = &placed{Conn: c, free: sync.OnceFunc(func() { <-p.places })}
	p.start(func() {
		if p.o.Admit != nil {
			if err := p.o.Admit(c); err != nil {
				p.notice(err.Error())
				c.Close()
				return
			}
		}
		p.enter(c)
	}, c)
}

// start calls f in a goroutine that [Proxy.Close] waits for. If p is closed, it closes the
// connections instead.
func (p *Proxy) start(f func(), conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() == nil {
		p.wg.Go(f)
		return
	}
	for _, c := range conns {
		c.Close()
	}
}

// A placed connection frees its place when it is closed.
type placed struct {
	net.Conn
	free func()
}

// Close implements [net.Conn].
func (c *placed) Close() error {
	defer c.free()
	return c.Conn.Close()
}

// CloseWrite shuts down the writing side.
func (c *placed) CloseWrite() error { return closeWrite(c.Conn) }

// enter finds out whether c begins with TLS, and passes it on to the HTTP server.
func (p *Proxy) enter(c net.Conn) {
	stop := context.AfterFunc(p.ctx, func() { c.Close() })
	defer stop()
	ahead := &readAhead{Conn: c, r: bufio.NewReader(c)}
	_ = c.SetReadDeadline(time.Now().Add(firstTimeout))
	first, err := ahead.r.Peek(1)
	if err != nil {
		c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	if first[0] != tlsByte {
		p.queue.put(ahead)
		return
	}
	tc := tls.Server(ahead, p.tls)
	ctx, cancel := context.WithTimeout(p.ctx, tlsTimeout)
	defer cancel()
	if err := tc.HandshakeContext(ctx); err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" { // the client has sent a reason
			p.notice(fmt.Sprintf("a client refused the certificate (%v): let it trust the file in $ROLLCALL_CA", err))
		}
		c.Close()
		return
	}
	p.queue.put(tc)
}

// Calls returns the number of requests that the proxy has passed on to the server.
func (p *Proxy) Calls() int64 { return p.calls.Load() }

// Close closes all connections, and waits for the goroutines of p.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.cancel()
	p.mu.Unlock()
	_ = p.queue.Close()
	_ = p.srv.Close()
	p.wg.Wait()
	for _, t := range []http.RoundTripper{p.o.Transport, p.others.(*httputil.ReverseProxy).Transport} {
		if t, ok := t.(interface{ CloseIdleConnections() }); ok {
			t.CloseIdleConnections()
		}
	}
}

// intercepts reports whether requests for host are passed on to the server.
func (p *Proxy) intercepts(host string) bool {
	return region.Of(host) != "" || slices.Contains(p.o.Names, host)
}

// notice passes text on to the user, once.
func (p *Proxy) notice(text string) {
	p.mu.Lock()
	known := slices.Contains(p.noticed, text) || len(p.noticed) >= maxNotices
	if !known {
		p.noticed = append(p.noticed, text)
	}
	p.mu.Unlock()
	if !known {
		p.o.Notice(text)
	}
}

// pipe copies between a and b until both directions have ended, or until p is closed.
func (p *Proxy) pipe(a, b net.Conn) {
	stop := context.AfterFunc(p.ctx, func() { a.Close(); b.Close() })
	defer stop()
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		wg.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // one of them has gone
			_ = closeWrite(way[0])
		})
	}
	wg.Wait()
	a.Close()
	b.Close()
}
