package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A userKey names an account.
type userKey struct {
	app  uint32
	user string
}

func (k userKey) String() string { return fmt.Sprintf("%d/%s", k.app, k.user) }

// facts describe everything that a server shows, or must show. A thing without a fact, or
// with the zero one, does not exist.
type facts struct {
	accounts map[userKey]accountFact
	apps     map[uint32]appFact
	tokens   map[string]tokenFact // by name
	devices  map[userKey]deviceFact
}

func newFacts() facts {
	return facts{map[userKey]accountFact{}, map[uint32]appFact{}, map[string]tokenFact{}, map[userKey]deviceFact{}}
}

// put copies changes into f.
func (f facts) put(changes facts) {
	maps.Copy(f.accounts, changes.accounts)
	maps.Copy(f.apps, changes.apps)
	maps.Copy(f.tokens, changes.tokens)
	maps.Copy(f.devices, changes.devices)
}

// An accountFact is the truth about one account.
type accountFact struct {
	Live      bool
	Deleted   bool // not Live, and there was an account
	Nick      string
	FaceURL   string
	Signature string
	Level     uint64
	Birth     birth // zero if nobody has looked yet
	Kicked    span  // outlives the account
}

// A birth contains the values that an account gets when it is created. They never change.
type birth struct {
	internalID string
	at         int64 // in unix milliseconds
}

func (f accountFact) matches(got accountFact) bool {
	if !f.Live || !got.Live {
		return f.Live == got.Live
	}
	return f.Nick == got.Nick && f.FaceURL == got.FaceURL && f.Signature == got.Signature && f.Level == got.Level &&
		(f.Birth == birth{} || f.Birth == got.Birth) && f.Kicked.from <= got.Kicked.from && got.Kicked.to <= f.Kicked.to
}

func (f accountFact) learn(got accountFact) accountFact {
	if f.Live {
		f.Birth, f.Kicked = got.Birth, got.Kicked
	}
	return f
}

// removed returns the fact after the account is deleted.
func (f accountFact) removed() accountFact { return accountFact{Deleted: true, Kicked: f.Kicked} }

// A span bounds a time, in unix seconds. The zero span is no time.
type span struct{ from, to int64 }

// maxAppKeys is the largest number of keys that the load adds to an app.
const maxAppKeys = 4

// An appFact is the truth about one app.
type appFact struct {
	Exists bool
	Name   string
	Admins string              // separated by spaces, in their order
	Keys   [maxAppKeys]keyFact // the key with the id "1" comes first
}

func (f appFact) matches(got appFact) bool  { return f == got }
func (f appFact) learn(got appFact) appFact { return f }

func (f appFact) admins() []string { return strings.Fields(f.Admins) }

// A keyFact is the truth about one key of an app.
type keyFact struct {
	Fingerprint string // "" for no key
	Retired     bool
}

// A tokenFact is the truth about one token.
type tokenFact struct {
	Exists bool
	ID     string // "" if nobody has seen it
	Secret string // "" if the response with it was lost
}

// String leaves the secret out.
func (f tokenFact) String() string { return fmt.Sprintf("{Exists:%v ID:%s}", f.Exists, f.ID) }

func (f tokenFact) matches(got tokenFact) bool {
	return f.Exists == got.Exists && (f.ID == "" || !f.Exists || f.ID == got.ID)
}

func (f tokenFact) learn(got tokenFact) tokenFact {
	if f.Exists {
		f.ID = got.ID
	}
	return f
}

// A ledger contains the facts that one worker knows. No other worker changes its things,
// so the facts are exact except for the call under way.
type ledger struct {
	acked   facts
	pending facts // changes of the call under way, each of which may be true
}

func newLedger() *ledger { return &ledger{newFacts(), newFacts()} }

// acknowledge makes the changes of the call under way true.
func (l *ledger) acknowledge() {
	l.acked.put(l.pending)
	l.pending = newFacts()
}

// settle compares the ledger with what a server shows, and returns the differences. It
// records which changes of the call under way took effect.
func (l *ledger) settle(shown facts) (wrong []string) {
	wrong = slices.Concat(
		settle(l.acked.accounts, l.pending.accounts, shown.accounts),
		settle(l.acked.apps, l.pending.apps, shown.apps),
		settle(l.acked.tokens, l.pending.tokens, shown.tokens),
		settle(l.acked.devices, l.pending.devices, shown.devices),
	)
	l.pending = newFacts()
	return wrong
}

// A fact is an accountFact, an appFact, a tokenFact or a deviceFact.
type fact[F any] interface {
	matches(shown F) bool // whether a server may show that
	learn(shown F) F      // the fact, completed with values that only the server knows
}

func settle[K comparable, F fact[F]](acked, pending, shown map[K]F) (wrong []string) {
	keys := maps.Clone(acked)
	maps.Copy(keys, pending)
	for key := range keys {
		want, got := acked[key], shown[key]
		if may, ok := pending[key]; ok && !want.matches(got) {
			want = may
		}
		if !want.matches(got) {
			wrong = append(wrong, fmt.Sprintf("%v is %+v, want %+v", key, got, want))
		}
		acked[key] = want.learn(got)
	}
	return wrong
}
