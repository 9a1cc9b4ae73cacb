package webhooks

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// clients are the HTTP clients of webhooks. A webhook with certificates has its own one, so
// that no other webhook uses its connections. All others share one.
type clients struct {
	guard  *guard
	roots  *x509.CertPool // CAs of receivers; nil are those of the machine
	shared *http.Client

	mu  sync.Mutex
	own map[account.AppID]*ownClient
}

// An ownClient is the client of a webhook with the certificates of made.
type ownClient struct {
	*http.Client
	made *records.Webhook
}

func newClients(g *guard, roots *x509.CertPool) *clients {
	return &clients{guard: g, roots: roots, shared: newClient(g, &tls.Config{RootCAs: roots}), own: map[account.AppID]*ownClient{}}
}

// of returns the client of a webhook.
func (c *clients) of(w *records.Webhook) (*http.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := c.own[w.App]
	if own != nil && sameCertificates(own.made, w) {
		return own.Client, nil
	}
	c.dropLocked(w.App)
	if w.ClientCert == "" && w.ReceiverCA == "" {
		return c.shared, nil
	}
	config, err := tlsConfig(w, c.roots)
	if err != nil {
		return nil, err
	}
	own = &ownClient{newClient(c.guard, config), w}
	c.own[w.App] = own
	return own.Client, nil
}

func sameCertificates(a, b *records.Webhook) bool {
	return a.ClientCert == b.ClientCert && a.ClientKey == b.ClientKey && a.ReceiverCA == b.ReceiverCA
}

// drop forgets the own client of an app.
func (c *clients) drop(app account.AppID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropLocked(app)
}

func (c *clients) dropLocked(app account.AppID) {
	if own := c.own[app]; own != nil {
		own.CloseIdleConnections()
		delete(c.own, app)
	}
}

// close closes the connections that are not in use.
func (c *clients) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared.CloseIdleConnections()
	for app := range c.own {
		c.dropLocked(app)
	}
}

// newClient returns a client that follows no redirect, uses no proxy and reaches no address
// that g refuses.
func newClient(g *guard, config *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: reliableTimeout, KeepAlive: 30 * time.Second, Control: g.control}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true, TLSClientConfig: config,
			MaxIdleConns: 256, MaxIdleConnsPerHost: reliableLanes, MaxConnsPerHost: 4 * reliableLanes, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: reliableTimeout, MaxResponseHeaderBytes: maxHeader,
		},
	}
}
