package intercept

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall/internal/httpx"
	"rollcall/internal/region"
)

// TestMain checks that no proxy leaves a goroutine behind.
func TestMain(m *testing.M) {
	if runAsStranger() {
		return
	}
	goleak.VerifyTestMain(m)
}

// strangerVariable makes the test binary connect to a port of this machine and wait for
// the end of the connection. Its value is the network and the port.
const strangerVariable = "ROLLCALL_TEST_STRANGER"

func runAsStranger() bool {
	network, text, ok := strings.Cut(os.Getenv(strangerVariable), " ")
	if !ok {
		return false
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	var addr syscall.Sockaddr = &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	family := syscall.AF_INET
	if network == "tcp6" { // a socket of IPv6 with a peer of IPv4, as in Java
		addr = &syscall.SockaddrInet6{Port: port, Addr: [16]byte{10: 0xff, 0xff, 127, 0, 0, 1}}
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.Connect(fd, addr)
	}
	if err == nil {
		_, _ = syscall.Read(fd, make([]byte, 1)) // until the test closes it
	}
	return true
}

// A bench is a proxy with its server and what it has told the user.
type bench struct {
	t     *testing.T
	proxy *Proxy
	addr  string
	roots *x509.CertPool

	mu      sync.Mutex
	notices []string
}

// newBench starts a proxy. Its server responds with the host and the URL of a request.
func newBench(t *testing.T, o ProxyOptions) *bench {
	t.Helper()
	b := &bench{t: t, roots: x509.NewCertPool()}
	target := httptest.NewServer(echo)
	t.Cleanup(target.Close)
	var err error
	if o.Target, err = url.Parse(target.URL); err != nil {
		t.Fatal(err)
	}
	if o.Authority, err = NewAuthority(o.Names, time.Now()); err != nil {
		t.Fatal(err)
	}
	o.Transport = &http.Transport{}
	o.Notice = func(text string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notices = append(b.notices, text)
	}
	o.FaultResponse = func(httpx.Fault) (http.Header, []byte) { return nil, []byte("a fault") }
	if b.proxy, err = NewProxy(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.proxy.Close)
	b.roots.AppendCertsFromPEM(o.Authority.CA)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	b.proxy.Serve(l)
	return b
}

// echo responds with the host, the URL and the body of a request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Proxy-Authorization") != "" {
		w.WriteHeader(http.StatusTeapot)
	}
	if r.URL.RawQuery == "missing" {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, "%s %s %s", r.Host, r.RequestURI, body)
})

// client returns a client that uses the proxy at the URL.
func (b *bench) client(proxy string, http2 bool) *http.Client {
	u, err := url.Parse(proxy)
	if err != nil {
		b.t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: b.roots}, ForceAttemptHTTP2: http2}
	b.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// post sends a request and returns the status and the body of its response.
func (b *bench) post(hc *http.Client, target string) string {
	b.t.Helper()
	resp, err := hc.Post(target, "text/plain", strings.NewReader("body"))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Error(err)
	}
	return fmt.Sprintf("%d HTTP/%d %s", resp.StatusCode, resp.ProtoMajor, body)
}

// raw sends a request as it is on c, and returns the status and the body.
func (b *bench) raw(c net.Conn, request string) string {
	b.t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	if strings.HasPrefix(request, "CONNECT") && resp.StatusCode == http.StatusOK {
		return resp.Status // a tunnel has no end
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Error(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

func (b *bench) dial(serverName string) net.Conn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.addr)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	if serverName == "" {
		return c
	}
	return tls.Client(c, &tls.Config{RootCAs: b.roots, ServerName: serverName})
}

// told returns the first notice that contains text.
func (b *bench) told(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.notices, func(n string) bool { return strings.Contains(n, text) })
}

// TestForms sends a request in every form that clients use. The server receives the
// vendor's host, and path and query as they were sent.
func TestForms(t *testing.T) {
	b := newBench(t, ProxyOptions{Names: []string{"api.example.com"}})
	for _, host := range []string{region.China, "api.example.com"} {
		for _, http2 := range []bool{false, true} {
			want := map[bool]string{false: "200 HTTP/1 ", true: "200 HTTP/2 "}[http2] + host + " /v4/a%2Fb?x=%zz&y;z body"
			if got := b.post(b.client("http://"+b.addr, http2), "https://"+host+"/v4/a%2Fb?x=%zz&y;z"); got != want {
				t.Errorf("CONNECT: %s, want %s", got, want)
			}
		}
		if got, want := b.post(b.client("http://"+b.addr, false), "http://"+host+"/v4/x"), "200 HTTP/1 "+host+" /v4/x body"; got != want {
			t.Errorf("http://: %s, want %s", got, want)
		}
		const rest = " HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nbody"
		absolute := "POST https://" + host + "/v4/x" + fmt.Sprintf(rest, host)
		for form, got := range map[string]string{
			"absolute":               b.raw(b.dial(""), absolute),
			"absolute, TLS to proxy": b.raw(b.dial("127.0.0.1"), absolute),
			"as at the vendor":       b.raw(b.dial(host), "POST /v4/x"+fmt.Sprintf(rest, host)),
			"other Host":             b.raw(b.dial(host), "POST /v4/x"+fmt.Sprintf(rest, "other")),
			"plain, vendor's Host":   b.raw(b.dial(""), "POST /v4/x"+fmt.Sprintf(rest, host)),
		} {
			if form != "other Host" && got != "200 "+host+" /v4/x body" || form == "other Host" && got != "200 other /v4/x body" {
				t.Errorf("%s: %s", form, got)
			}
		}
	}
	if got := b.proxy.Calls(); got != 2*8 || len(b.notices) > 0 {
		t.Errorf("%d calls, want 16; notices %q", got, b.notices)
	}
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n":             "400 rollcall exec: this is the proxy",
		"GET /a b HTTP/1.1\r\nHost: console.tim.qq.com\r\n\r\n": "200 a fault",
	} {
		if got := b.raw(b.dial(""), request); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", request, got, want)
		}
	}
}

// TestOtherHosts asks for hosts that are not the vendor's.
func TestOtherHosts(t *testing.T) {
	local := httptest.NewServer(echo)
	t.Cleanup(local.Close) // after the proxy, which has a tunnel to it
	address := strings.TrimPrefix(local.URL, "http://")
	b := newBench(t, ProxyOptions{})
	hc := b.client("http://"+b.addr, false)
	for target, want := range map[string]string{
		local.URL + "/x":                  "200 HTTP/1 " + address + " /x body",
		"http://example.com/":             "403 HTTP/1 rollcall exec: example.com is no host of the vendor and was refused: let the program reach other hosts with --passthrough",
		"https://example.com/":            "Forbidden",
		"https://sg.api.im.qcloud.com/v4": "Forbidden",
	} {
		if got := b.post(hc, target); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if !b.told("example.com is no host of the vendor") || !b.told("add --intercept sg.api.im.qcloud.com") {
		t.Errorf("notices %q", b.notices)
	}
	if got := b.raw(b.dial(""), "CONNECT "+address+" HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a tunnel to this machine: %s", got)
	}
}

// TestPassthrough reaches another host through another proxy.
func TestPassthrough(t *testing.T) {
	far := newBench(t, ProxyOptions{Names: []string{"www.example.com"}, Password: "chain"})
	chain := http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("user", "chain"), Host: far.addr})
	b := newBench(t, ProxyOptions{Passthrough: true, Chain: chain})
	b.roots = far.roots
	hc := b.client("http://"+b.addr, false)
	for range 2 {
		if got, want := b.post(hc, "https://www.example.com/x"), "200 HTTP/1 www.example.com /x body"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := b.post(hc, "https://sg.api.im.qcloud.com/v4"); !strings.Contains(got, "Forbidden") {
		t.Errorf("a host of the vendor: %s", got)
	}
	if got := far.proxy.Calls(); got != 2 {
		t.Errorf("%d calls reached the other proxy", got)
	}
	if _, err := dialVia(t.Context(), &url.URL{Scheme: "socks5", Host: far.addr}, "x:1"); !errors.Is(err, errChain) {
		t.Errorf("socks5: %v", err)
	}
	if _, err := dialVia(t.Context(), &url.URL{Scheme: "http", Host: far.addr}, "x:1"); err == nil || !strings.Contains(err.Error(), "407") {
		t.Errorf("without the password: %v", err)
	}
}

// TestErrors checks that an error of a server without request ids arrives as it was sent.
func TestErrors(t *testing.T) {
	site := httptest.NewServer(echo)
	defer site.Close()
	b := newBench(t, ProxyOptions{})
	hc := b.client("http://"+b.addr, false)
	for target, want := range map[string]string{
		site.URL + "/?missing":                  "404 HTTP/1 " + strings.TrimPrefix(site.URL, "http://") + " /?missing body",
		"http://console.tim.qq.com/v4/?missing": "404 HTTP/1 console.tim.qq.com /v4/?missing body",
	} {
		if got := b.post(hc, target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// TestPassword checks which requests need the password.
func TestPassword(t *testing.T) {
	b := newBench(t, ProxyOptions{Password: "right"})
	for user, want := range map[string]string{"": "Proxy Authentication Required", "x:wrong@": "Proxy Authentication Required", "x:right@": "200 HTTP/1 console.tim.qq.com /v4/x body"} {
		if got := b.post(b.client("http://"+user+b.addr, false), "https://console.tim.qq.com/v4/x"); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", user, got, want)
		}
	}
	if got := b.raw(b.dial(region.China), "GET / HTTP/1.1\r\nHost: console.tim.qq.com\r\n\r\n"); got != "200 console.tim.qq.com / " {
		t.Errorf("as at the vendor: %s", got)
	}
}

// TestAdmit refuses a connection.
func TestAdmit(t *testing.T) {
	b := newBench(t, ProxyOptions{Admit: func(net.Conn) error { return errors.New("a stranger") }})
	if got := b.raw(b.dial(""), "GET / HTTP/1.1\r\nHost: console.tim.qq.com\r\n\r\n"); !strings.Contains(got, "EOF") && !strings.Contains(got, "reset") {
		t.Errorf("got %s", got)
	}
	if !b.told("a stranger") || b.proxy.Calls() != 0 {
		t.Errorf("notices %q, %d calls", b.notices, b.proxy.Calls())
	}
}

// TestDistrust checks that the user learns of a client that refuses the certificate.
func TestDistrust(t *testing.T) {
	b := newBench(t, ProxyOptions{})
	b.roots = x509.NewCertPool()
	if got := b.post(b.client("http://"+b.addr, false), "https://console.tim.qq.com/"); !strings.Contains(got, "certificate") {
		t.Errorf("got %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !b.told("refused the certificate") && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Errorf("notices %q", b.notices)
	}
}

// TestServerGone checks the response when the server does not run.
func TestServerGone(t *testing.T) {
	b := newBench(t, ProxyOptions{})
	b.proxy.o.Target.Host = "127.0.0.1:1"
	if got := b.post(b.client("http://"+b.addr, false), "https://console.tim.qq.com/"); !strings.HasPrefix(got, "502 HTTP/1 rollcall exec: no answer") {
		t.Errorf("got %s", got)
	}
	if !b.told("no answer for console.tim.qq.com") {
		t.Errorf("notices %q", b.notices)
	}
}
