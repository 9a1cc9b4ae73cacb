package intercept

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"

	"rollcall/internal/httpx"
)

// serve decides what happens to a request.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	toProxy := r.Method == http.MethodConnect || r.URL.IsAbs()
	switch {
	case toProxy && !p.authorized(r):
		w.Header().Set("Proxy-Authenticate", `Basic realm="rollcall exec"`)
		respond(w, http.StatusProxyAuthRequired, "the password of this proxy is in the proxy variables of \"rollcall exec\"")
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.IsAbs():
		p.absolute(w, r)
	case p.intercepts(hostOf(r.Host)), r.TLS != nil && p.intercepts(r.TLS.ServerName):
		p.call(w, r)
	default:
		respond(w, http.StatusBadRequest, "this is the proxy of \"rollcall exec\": the service itself is at $ROLLCALL_URL")
	}
}

// call passes r on to the server.
func (p *Proxy) call(w http.ResponseWriter, r *http.Request) {
	p.calls.Add(1)
	p.server.ServeHTTP(w, r)
}

// absolute serves a request with an absolute URL.
func (p *Proxy) absolute(w http.ResponseWriter, r *http.Request) {
	host := hostOf(r.URL.Host)
	if p.intercepts(host) {
		p.call(w, r)
		return
	}
	if err := p.allowed(host); err != nil {
		respond(w, http.StatusForbidden, err.Error())
		return
	}
	p.others.ServeHTTP(w, r)
}

// connect serves a request for a tunnel. A tunnel to a host of the vendor ends here.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	host := hostOf(r.Host)
	ours := p.intercepts(host)
	if !ours {
		if err := p.allowed(host); err != nil {
			respond(w, http.StatusForbidden, err.Error())
			return
		}
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		respond(w, http.StatusNotImplemented, "a tunnel needs HTTP/1.1 to the proxy")
		return
	}
	var far net.Conn
	if !ours {
		var err error
		if far, err = p.dial(r.Context(), r.Host); err != nil {
			respond(w, http.StatusBadGateway, err.Error())
			return
		}
	}
	c, rw, err := hijacker.Hijack()
	if err == nil {
		_, err = c.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	}
	if err != nil {
		if far != nil {
			far.Close()
		}
		return
	}
	near := &readAhead{Conn: c, r: rw.Reader}
	if ours {
		p.start(func() { p.enter(near) }, near)
		return
	}
	p.start(func() { p.pipe(near, far) }, near, far)
}

// allowed returns an error unless clients may reach host, which is not intercepted.
func (p *Proxy) allowed(host string) error {
	var err error
	switch {
	case IsVendor(host):
		err = fmt.Errorf("%s is a host of the vendor that is not intercepted: add --intercept %s", host, host)
	case isLoopback(host), host == p.o.Target.Hostname(), p.o.Passthrough:
		return nil
	default:
		err = fmt.Errorf("%s is no host of the vendor and was refused: let the program reach other hosts with --passthrough, or answer this one with --intercept %s", host, host)
	}
	p.notice(err.Error())
	return err
}

// authorized checks the password of a request to the proxy.
func (p *Proxy) authorized(r *http.Request) bool {
	if p.o.Password == "" {
		return true
	}
	given := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	_, password, _ := given.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(password), []byte(p.o.Password)) == 1
}

// forward returns a handler that sends requests as they are to target or, if that is nil,
// to the host of their URL.
func (p *Proxy) forward(t http.RoundTripper, target *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport: t,
		Rewrite: func(r *httputil.ProxyRequest) {
			if target != nil {
				r.SetURL(target)
			}
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // also one that Go cannot parse
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode >= http.StatusBadRequest {
				markAnswered(r.Header)
			}
			return nil
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				p.notice(fmt.Sprintf("no answer for %s: %v", hostOf(r.Host), err))
			}
			respond(w, http.StatusBadGateway, "no answer: "+err.Error())
		},
	}
}

// markAnswered lets a response have a request id, because [httpx.Listener] takes an error
// without one for a request that is not valid HTTP, and replaces it.
func markAnswered(h http.Header) {
	if h.Get(httpx.RequestIDHeader) == "" {
		h.Set(httpx.RequestIDHeader, "proxy")
	}
}

// respond writes a response of the proxy itself.
func respond(w http.ResponseWriter, status int, text string) {
	markAnswered(w.Header())
	http.Error(w, "rollcall exec: "+text, status)
}

// hostOf returns the host of "host:port", or of a host, in lower case.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// errChain is the error of a proxy of the environment that cannot be used.
var errChain = errors.New("only a proxy with http:// or https:// can be chained: change the proxy variables, or leave --passthrough out")
