package link

import (
	"net/netip"
	"sync"
)

// A limit counts links by what they have in common, and allows no more than most with the
// same key. With 0 there is no limit.
type limit[K comparable] struct {
	most int

	mu     sync.Mutex
	counts map[K]int
}

func newLimit[K comparable](most int) *limit[K] {
	return &limit[K]{most: most, counts: map[K]int{}}
}

// enter counts a link. It returns false if there are too many.
func (l *limit[K]) enter(key K) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.most > 0 && l.counts[key] >= l.most {
		return false
	}
	l.counts[key]++
	return true
}

// leave undoes enter.
func (l *limit[K]) leave(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts[key]--; l.counts[key] == 0 {
		delete(l.counts, key)
	}
}

// len returns the number of links.
func (l *limit[K]) len() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, count := range l.counts {
		n += count
	}
	return n
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
