package auth

import (
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// Bounds of what strangers can make a server spend in each second on explaining why
// their UserSigs are refused, in [usersig.ExplainCost]. An app with an HMAC key has
// 80 diagnoses, one with a key on P-521 has one. Over a bound, the caller gets the
// Detail that was known without a diagnosis.
const (
	diagnosesPerApp = 20 * time.Millisecond  // an attack on one app takes nothing from the others
	diagnosesInAll  = 200 * time.Millisecond // a fifth of a core
)

// explain returns e, which refused c at now, with the Detail that
// [usersig.Explain] finds, if the budget allows it. That names a mistake only if the
// signature was made with a key of the app, so it tells nothing of a key to those
// who do not have it.
func (a *Authenticator) explain(c Credentials, e *usersig.Error, now time.Time) error {
	if e.Reason != usersig.Malformed && e.Reason != usersig.BadSignature {
		return e
	}
	keys, _ := a.keys.Of(c.App).active(now)
	r := c.request(keys, now)
	if !a.diagnoses.take(c.App.ID, usersig.ExplainCost(c.UserSig, r), a.now()) {
		return e
	}
	explanation := usersig.Explain(c.UserSig, r)
	if step, ok := explanation.Fault(); ok {
		return &usersig.Error{Reason: e.Reason, Detail: step.Why}
	}
	return e
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
