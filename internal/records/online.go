package records

import (
	"context"
	"strings"
	"sync"

	"rollcall/internal/account"
)

// Online reports whether a device of the account is online in what is stored.
func (p *Presence) Online() bool { return p != nil && p.online() > 0 }

// online returns how many devices are online.
func (p *Presence) online() (n int) {
	for i := range p.Devices {
		if p.Devices[i].Lost == 0 {
			n++
		}
	}
	return n
}

// onlineCounts are the numbers of accounts of each app that are online, as far as they are in
// a presenceMemory.
type onlineCounts struct {
	mu sync.Mutex
	of map[account.AppID]*onlineCount
}

type onlineCount struct{ now, peak int64 }

// move counts an account that was online, or not, and now is, or not.
func (c *onlineCounts) move(app account.AppID, was, is bool) {
	if was == is {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of[app]
	if n == nil {
		if c.of == nil {
			c.of = map[account.AppID]*onlineCount{}
		}
		n = new(onlineCount)
		c.of[app] = n
	}
	if is {
		n.now++
	} else {
		n.now--
	}
	n.peak = max(n.peak, n.now)
}

// take returns the largest number since the last call.
func (c *onlineCounts) take(app account.AppID) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.of[app]
	if n == nil {
		return 0
	}
	peak := n.peak
	if n.peak = n.now; n.now == 0 {
		delete(c.of, app)
	}
	return peak
}

// TakeOnline returns the largest number of accounts of an app that were online at once since
// its last call. It returns false unless all login sessions are in memory; see
// [Registry.KeepPresences].
func (r *Registry) TakeOnline(app account.AppID) (int64, bool) {
	m := r.memory.Load()
	if m == nil || !m.whole.Load() {
		return 0, false
	}
	return m.online.take(app), true
}

// CountOnline returns how many accounts of each app are online in the store. It reads all
// login sessions.
func (r *Registry) CountOnline(ctx context.Context) (map[account.AppID]int64, error) {
	counts := map[account.AppID]int64{}
	for q := (account.RecordQuery{Kind: kindPresence, Limit: account.MaxListLimit}); ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			key, _, _ := strings.Cut(rec.Key, "/")
			app, err := parseAppKey(key)
			if err != nil {
				return nil, err
			}
			p, err := decode[Presence](rec.Value)
			if err != nil {
				return nil, damaged(kindPresence, rec.Key, err)
			}
			if p.Online() {
				counts[app]++
			}
		}
		if q.After = page.Next; q.After == "" {
			return counts, nil
		}
	}
}

// An onlineCounted says when the accounts that are online were counted last.
type onlineCounted struct {
	At int64 `json:"t"` // Unix time in minutes
}

// ClaimOnline reports whether it is the turn of its caller to count the accounts that are
// online at a minute, because nobody has begun to do so for some minutes.
func (r *Registry) ClaimOnline(ctx context.Context, minute, every int64) (bool, error) {
	key := appPrefix(0) + "o"
	rec, err := r.e.Record(ctx, kindFigures, key)
	if err != nil && account.CodeOf(err) != account.NoRecord {
		return false, err
	}
	if err == nil {
		last, err := decode[onlineCounted](rec.Value)
		if err != nil {
			return false, damaged(kindFigures, key, err)
		}
		if last.At > minute-every && last.At <= minute {
			return false, nil
		}
	}
	w := account.Write{Kind: kindFigures, Key: key, Value: encode(onlineCounted{minute}), If: rec.Version}
	_, err = r.e.Commit(ctx, account.Commit{Writes: []account.Write{w}})
	if account.CodeOf(err) == account.Stale {
		return false, nil // another server counts
	}
	return err == nil, err
}
