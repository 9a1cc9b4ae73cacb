package auth

import (
	"net/netip"
	"sync"
	"time"

	"rollcall/internal/account"
)

const (
	// lockoutWindow is how long bad signatures are counted, and how long a
	// locked out peer must wait (protocol.md §1.6, 70050).
	lockoutWindow = time.Minute

	// maxSources bounds the memory that a lockout can use, because anyone can
	// send bad signatures.
	maxSources = 100_000
)

// A lockout counts bad signatures by app and address.
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
	first, last time.Time // times of the first and the last of the n
}

func newLockout() *lockout { return &lockout{counts: map[suspect]strikes{}} }

// locked reports whether s has sent limit bad signatures in the last minute.
func (l *lockout) locked(s suspect, limit int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := l.counts[s]
	return st.n >= limit && now.Sub(st.last) < lockoutWindow
}

// strike counts a bad signature of s.
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

// forgive removes the counts of an app.
func (l *lockout) forgive(app account.AppID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.counts {
		if s.app == app {
			delete(l.counts, s)
		}
	}
}

// forget removes expired counts. If the lockout is still full, forget removes
// all counts: to let a few peers try again is better than to grow without
// bound.
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
