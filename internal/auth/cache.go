package auth

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// Bounds of a sigCache: about 8,000 UserSigs of a few hundred bytes, and at
// most 12 MB of them.
const (
	sigSets = 2048
	sigWays = 4

	// maxCachedText is the length in bytes of the longest UserSig that is
	// cached. Usual ones have 200 to 300.
	maxCachedText = 1 << 10
)

// A sigCache caches genuine UserSigs of all apps, because most clients send the
// same UserSig for hours. It is safe for concurrent use and uses no lock.
//
// An entry says that a text was signed with a key of a keyring. App, user and
// time are checked on every call. Refused UserSigs are not cached, so only
// someone with a key can fill the cache.
//
// The hash of a text selects a set of a few slots. A new entry is stored in a
// free slot, or otherwise in one of the others in turn. A client that signs
// anew for every call therefore displaces a given other entry only once in
// thousands of its calls.
type sigCache struct {
	seed maphash.Seed
	sets [sigSets][sigWays]atomic.Pointer[cachedSig]
	turn atomic.Uint32
}

// A cachedSig is a UserSig that was verified.
type cachedSig struct {
	hash  uint64
	text  string
	ring  *keyring // contains the key that verified it
	until time.Time
	sig   usersig.Sig // without userbuf and signature
}

func newSigCache() *sigCache { return &sigCache{seed: maphash.MakeSeed()} }

func (c *sigCache) hash(text string) uint64 { return maphash.String(c.seed, text) }

// find returns the content of text if text was verified with the keys of ring
// that are active at now. Otherwise it returns nil. The caller must not change
// the result.
//
// Texts are compared only if their seeded hashes are equal, so the running time
// reveals nothing about a similar text.
func (c *sigCache) find(ring *keyring, text string, now time.Time) *usersig.Sig {
	hash := c.hash(text)
	set := &c.sets[hash%sigSets]
	for i := range set {
		s := set[i].Load()
		if s != nil && s.hash == hash && s.ring == ring && s.text == text && s.current(now) {
			return &s.sig
		}
	}
	return nil
}

// current reports whether all keys that may have verified s are still active.
func (s *cachedSig) current(now time.Time) bool { return s.until.IsZero() || now.Before(s.until) }

// add caches text, which is genuine and has the content sig. Until is the time
// at which the first of the keys retires that text was verified against, or
// zero.
func (c *sigCache) add(ring *keyring, text string, sig *usersig.Sig, until time.Time) {
	if len(text) > maxCachedText || len(sig.Identifier) > account.MaxUserIDBytes {
		return
	}
	s := &cachedSig{hash: c.hash(text), text: strings.Clone(text), ring: ring, until: until, sig: usersig.Sig{
		Version: sig.Version, SDKAppID: sig.SDKAppID, Identifier: sig.Identifier, IssuedAt: sig.IssuedAt, Expire: sig.Expire,
	}}
	c.slot(s).Store(s)
}

// slot returns where to store s: the slot of the same text, otherwise a free
// slot, otherwise the next in turn.
func (c *sigCache) slot(s *cachedSig) *atomic.Pointer[cachedSig] {
	set := &c.sets[s.hash%sigSets]
	free := &set[c.turn.Add(1)%sigWays]
	for i := range set {
		old := set[i].Load()
		if old == nil {
			free = &set[i]
		} else if old.hash == s.hash && old.text == s.text {
			return &set[i]
		}
	}
	return free
}
