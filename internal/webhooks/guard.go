package webhooks

import (
	"fmt"
	"net/netip"
	"syscall"
)

// A guard refuses connections into the own network. Whoever may set a webhook could
// otherwise call servers there that trust each other. It checks the address to which a
// connection is made, after the name is resolved, so that a name cannot change its address
// in between.
type guard struct {
	allow     []netip.Prefix // refused ranges that are allowed nevertheless
	developer bool           // loopback and private addresses are allowed
}

// A guardError refuses an address.
type guardError struct{ addr netip.Addr }

// Error implements error.
func (e *guardError) Error() string {
	return fmt.Sprintf("%v is an address of the server's own network, which webhooks must not reach; allow it with the setting webhook_allow_networks of the server", e.addr)
}

// special are ranges that no method of [netip.Addr] knows.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
)

// Ranges of IPv6 that contain an address of IPv4.
var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	localNAT  = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour = netip.MustParsePrefix("2002::/16")
	compat    = netip.MustParsePrefix("::/96")
)

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

// check returns a [*guardError] unless requests may go to addr.
func (g *guard) check(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("")
	switch {
	case contains(g.allow, addr), g.developer && (addr.IsLoopback() || addr.IsPrivate()):
		return nil
	case !public(addr):
		return &guardError{addr}
	}
	if inner, ok := embedded(addr); ok {
		if err := g.check(inner); err != nil {
			return &guardError{addr}
		}
	}
	return nil
}

// public reports whether addr is an address of the internet.
func public(addr netip.Addr) bool {
	return addr.IsValid() && addr.IsGlobalUnicast() && !addr.IsPrivate() && !contains(special, addr) && !localNAT.Contains(addr)
}

// embedded returns the address of IPv4 to which a translator sends what is sent to addr.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr), compat.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

func contains(ps []netip.Prefix, addr netip.Addr) bool {
	for _, p := range ps {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// control is the Control of a [net.Dialer].
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.check(to.Addr())
}
