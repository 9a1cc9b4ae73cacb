package auth

import (
	"net/netip"
	"sync"
	"time"

	"rollcall/internal/account"
)

const (
	// lockoutWindow is how long bad signatures are remembered, and how long
	// their sender then waits (protocol.md §1.6, 70050).
	lockoutWindow = time.Minute

	// maxSources bounds the memory that strangers can make a lockout take.
	maxSources = 100_000
)

// A lockout counts bad signatures by app and source.
type lockout struct {
	mu     sync.Mutex
	counts map[suspect]strikes
}

type suspect struct {
	app    account.AppID
	source netip.Addr
}

type strikes struct {
	n           int
	first, last time.Time // of the n
}

func newLockout() *lockout { return &lockout{counts: map[suspect]strikes{}} }

// locked reports whether s has made limit mistakes in the last minute.
func (l *lockout) locked(s suspect, limit int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := l.counts[s]
	return st.n >= limit && now.Sub(st.last) < lockoutWindow
}

// strike counts a mistake of s.
func (l *lockout) strike(s suspect, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	st, ok := l.counts[s]
	if !ok && len(l.counts) >= maxSources {
		l.forget(now)
	}
	if now.Sub(st.first) >= lockoutWindow {
		st = strikes{first: now}
	}
	st.n, st.last = st.n+1, now
	l.counts[s] = st
}

// forget drops counts that are no longer needed, or all of them if none is: it is
// better to let a few off than to grow without bound.
func (l *lockout) forget(now time.Time) {
	for s, st := range l.counts {
		if now.Sub(st.last) >= lockoutWindow {
			delete(l.counts, s)
		}
	}
	if len(l.counts) >= maxSources {
		clear(l.counts)
	}
}
