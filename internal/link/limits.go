package link

import (
	"net/netip"
	"sync"

	"rollcall/internal/account"
)

// limits count the links of each app and from each source.
type limits struct {
	maxApp, maxAddress int

	mu        sync.Mutex
	apps      map[account.AppID]int
	addresses map[netip.Prefix]int
}

func newLimits(app, address int) limits {
	return limits{maxApp: app, maxAddress: address, apps: map[account.AppID]int{}, addresses: map[netip.Prefix]int{}}
}

// sourceOf returns the source of an address. Providers assign whole IPv6 networks to
// customers, so a network is one source.
func sourceOf(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.WithZone("").Prefix(bits) // an address that is not known is one source too
	return p
}

// enterAddress counts a link from an address. It returns false if there are too many.
// Otherwise leave undoes it; only the first call of leave counts.
func (l *limits) enterAddress(addr netip.Addr) (leave func(), ok bool) {
	return enter(&l.mu, l.addresses, sourceOf(addr), l.maxAddress)
}

// enterApp does the same for an app.
func (l *limits) enterApp(app account.AppID) (leave func(), ok bool) {
	return enter(&l.mu, l.apps, app, l.maxApp)
}

func enter[K comparable](mu *sync.Mutex, counts map[K]int, key K, limit int) (leave func(), ok bool) {
	mu.Lock()
	defer mu.Unlock()
	if limit > 0 && counts[key] >= limit {
		return nil, false
	}
	counts[key]++
	return sync.OnceFunc(func() {
		mu.Lock()
		defer mu.Unlock()
		if counts[key]--; counts[key] == 0 {
			delete(counts, key)
		}
	}), true
}
