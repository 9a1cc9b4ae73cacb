package auth

import (
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// Bounds of the time per second that callers can make the server spend on
// explaining why their UserSigs are refused. The unit is that of
// [usersig.ExplainCost]. The bound of an app allows 80 explanations with an
// HMAC key, or one with a P-521 key. Over a bound, the caller gets the Detail
// that was known without an explanation.
const (
	explainsPerApp = 20 * time.Millisecond  // so that an attack on one app leaves something for the others
	explainsTotal  = 200 * time.Millisecond // a fifth of a core
)

// explain returns e, the error that refused c at now, with the Detail that
// [usersig.Explain] finds, if the budget allows it. Explain names a mistake
// only if the signature was made with a key of the app. It therefore reveals
// nothing about a key to a caller who does not have the key.
func (a *Authenticator) explain(c Credentials, e *usersig.Error, now time.Time) error {
	if e.Reason != usersig.Malformed && e.Reason != usersig.BadSignature {
		return e
	}
	keys, _ := a.keys.Of(c.App).active(now)
	r := c.request(keys, now)
	if !a.explains.spend(c.App.ID, usersig.ExplainCost(c.UserSig, r), a.now()) {
		return e
	}
	explanation := usersig.Explain(c.UserSig, r)
	if step, ok := explanation.Fault(); ok {
		return &usersig.Error{Reason: e.Reason, Detail: step.Why}
	}
	return e
}

// A budget bounds the time that is spent in each second of the clock, by each
// app and in total. The last expense of a second may exceed the bound.
type budget struct {
	perApp, total time.Duration

	mu     sync.Mutex
	second int64
	spent  time.Duration                   // in that second
	byApp  map[account.AppID]time.Duration // only of apps that spent something, so the total bounds its size
}

// spend reports whether an app may spend cost, which is not 0. If it may, the
// cost is counted.
func (b *budget) spend(app account.AppID, cost time.Duration, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sec := now.Unix(); sec != b.second || b.byApp == nil {
		b.second, b.spent, b.byApp = sec, 0, map[account.AppID]time.Duration{}
	}
	if b.spent >= b.total || b.byApp[app] >= b.perApp {
		return false
	}
	b.spent += cost
	b.byApp[app] += cost
	return true
}
