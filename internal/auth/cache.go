package auth

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// Bounds of a sigCache: some 8,000 UserSigs of a few hundred bytes, and never
// more than 12 MB of them.
const (
	sigSets = 2048
	sigWays = 4

	// maxCachedText is the longest UserSig that is remembered, in bytes. Usual
	// ones have 200 to 300.
	maxCachedText = 1 << 10
)

// A sigCache remembers UserSigs that are genuine, for all apps: most clients
// send the same one for hours. It is safe for concurrent use and takes no lock.
//
// What is remembered is that a text was signed with a key of a keyring. App,
// user and time are judged at every call. A UserSig that was refused is not
// remembered, so nobody without a key can fill the cache.
//
// The hash of a text leads to a set of a few places. A new entry takes a free
// one or, in turn, one of the others: a client that signs anew for every call
// displaces each of the others once in thousands of its calls.
type sigCache struct {
	seed maphash.Seed
	sets [sigSets][sigWays]atomic.Pointer[genuine]
	turn atomic.Uint32
}

// A genuine is a UserSig that was verified.
type genuine struct {
	hash  uint64
	text  string
	ring  *keyring // whose keys verified it
	until time.Time
	sig   usersig.Sig // without userbuf and signature
}

func newSigCache() *sigCache { return &sigCache{seed: maphash.MakeSeed()} }

func (c *sigCache) hash(text string) uint64 { return maphash.String(c.seed, text) }

// find returns what text says if it was verified with the keys of ring that are
// active at now, or nil. It must not be changed.
//
// Texts are compared only where their seeded hashes are equal, so the time that
// it takes tells nothing of a text that nearly fits.
func (c *sigCache) find(ring *keyring, text string, now time.Time) *usersig.Sig {
	hash := c.hash(text)
	set := &c.sets[hash%sigSets]
	for i := range set {
		g := set[i].Load()
		if g != nil && g.hash == hash && g.ring == ring && g.text == text && g.good(now) {
			return &g.sig
		}
	}
	return nil
}

// good reports whether all keys are still active that may have verified g.
func (g *genuine) good(now time.Time) bool { return g.until.IsZero() || now.Before(g.until) }

// add remembers that text is genuine and says sig. Until is the time when the
// first of the keys retires that it was held against, or zero.
func (c *sigCache) add(ring *keyring, text string, sig *usersig.Sig, until time.Time) {
	if len(text) > maxCachedText || len(sig.Identifier) > account.MaxUserIDBytes {
		return
	}
	g := &genuine{hash: c.hash(text), text: strings.Clone(text), ring: ring, until: until, sig: usersig.Sig{
		Version: sig.Version, SDKAppID: sig.SDKAppID, Identifier: sig.Identifier, IssuedAt: sig.IssuedAt, Expire: sig.Expire,
	}}
	c.place(g).Store(g)
}

// place returns where g goes: where the same text stands already, else a free
// place, else the next in turn.
func (c *sigCache) place(g *genuine) *atomic.Pointer[genuine] {
	set := &c.sets[g.hash%sigSets]
	free := &set[c.turn.Add(1)%sigWays]
	for i := range set {
		old := set[i].Load()
		if old == nil {
			free = &set[i]
		} else if old.hash == g.hash && old.text == g.text {
			return &set[i]
		}
	}
	return free
}
