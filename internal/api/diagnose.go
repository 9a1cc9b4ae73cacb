package api

import (
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// Bounds of what strangers can make a server spend in each second on saying why
// their UserSigs are refused, in [usersig.ExplainCost]. An app with an HMAC key has
// 80 diagnoses, one with a key on P-521 has one. Over a bound, the header has what
// was known anyway.
const (
	diagnosesPerApp = 20 * time.Millisecond  // an attack on one app takes nothing from the others
	diagnosesInAll  = 200 * time.Millisecond // a fifth of a core
)

// otherApp is the vendor's ErrorInfo of 70014: the app of the URL, then that of
// the UserSig.
const otherApp = "The requested SDKAppID(%d) does not match the Usersig(%d). You can run a self-checking with the assistant tool on the console."

// refusal returns the answer to a UserSig that e refused at now.
func (s *Server) refusal(c *call, text string, e *usersig.Error, now time.Time) error {
	w := &wire.Error{Code: wire.Code(e.Reason.Code()), Detail: e.Detail}
	switch e.Reason {
	case usersig.OtherApp:
		if sig, err := usersig.Parse(text); err == nil {
			w.Text = fmt.Sprintf(otherApp, c.app.ID, sig.SDKAppID)
		}
	case usersig.Malformed, usersig.BadSignature:
		w.Detail = s.diagnosis(c, text, e, now)
	}
	return w
}

// diagnosis returns what [usersig.Explain] says about the fault e, or what e says
// itself if that was asked too often. It tells nothing of a key to those who do
// not have it: a mistake is named only if the signature was made with the key.
func (s *Server) diagnosis(c *call, text string, e *usersig.Error, now time.Time) string {
	keys, _ := s.keys.Of(c.app).active(now)
	r := usersig.Request{SDKAppID: uint32(c.app.ID), Identifier: string(c.admin), Keys: keys, Now: now}
	if s.diagnoses.take(c.app.ID, usersig.ExplainCost(text, r), s.now()) {
		explanation := usersig.Explain(text, r)
		if step, ok := explanation.Fault(); ok {
			return step.Why
		}
	}
	return e.Detail
}

// A budget bounds what is spent in each second of the clock: by each app, and in
// all. A bound may be passed once, by the last that is allowed below it.
type budget struct {
	perApp, inAll time.Duration

	mu     sync.Mutex
	second int64
	spent  time.Duration                   // in that second
	byApp  map[account.AppID]time.Duration // of those that spent something, so it is bounded, too
}

// take reports whether an app may spend a cost, which is not 0, and if so counts it.
func (b *budget) take(app account.AppID, cost time.Duration, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sec := now.Unix(); sec != b.second || b.byApp == nil {
		b.second, b.spent, b.byApp = sec, 0, map[account.AppID]time.Duration{}
	}
	if b.spent >= b.inAll || b.byApp[app] >= b.perApp {
		return false
	}
	b.spent += cost
	b.byApp[app] += cost
	return true
}
