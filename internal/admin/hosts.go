package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"rollcall/internal/httpx"
)

// hosts is the set of names, in lower case, that a Host header may contain besides
// loopback addresses. The check prevents DNS rebinding: a web page cannot reach the API
// through its own name by making that resolve to a loopback address.
type hosts map[string]bool

func newHosts(names []string) hosts {
	h := hosts{"localhost": true}
	for _, name := range names {
		h[strings.ToLower(name)] = true
	}
	return h
}

// allow reports whether host is a name of this server. It may have a port.
func (h hosts) allow(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return true
	}
	return h[strings.ToLower(host)]
}

var errHost = &problemError{slug: misdirected, detail: "the Host header is no loopback name or address and none that --admin-host names"}

// CheckHost returns h with the check of the Host header that the admin API has.
func (s *Server) CheckHost(h httpx.HandlerFunc) httpx.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.hosts.allow(r.Host) {
			return h(w, r)
		}
		c := &call{w: w, r: r, event: httpx.EventFrom(r.Context())}
		c.fail(errHost)
		return nil
	}
}

// RefuseForwarded refuses a request that a proxy has forwarded to an address for this
// machine only.
func (s *Server) RefuseForwarded(w http.ResponseWriter, r *http.Request) error {
	c := &call{w: w, r: r, event: httpx.EventFrom(r.Context())}
	c.event.SetCommand("admin")
	c.fail(errForwarded)
	return nil
}

var errForwarded = &problemError{slug: viaProxy, detail: "a proxy has passed this request on, and the admin API, /console and /metrics are for this machine alone"}
