package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"rollcall/internal/account"
)

// A load imports accounts from several goroutines and keeps the ids that are acknowledged.
type load struct {
	t    *testing.T
	s    account.Engine
	name string

	mu     sync.Mutex
	acked  map[account.UserID]uint64 // internal ids
	failed map[account.Code]int
	last   time.Time     // of the last acknowledgement
	gap    time.Duration // the longest time without one

	stop context.CancelFunc
	all  sync.WaitGroup
}

// loaders and loadBatch are the goroutines of a load, and the ids of a call.
const (
	loaders   = 4
	loadBatch = 5
)

// startLoad starts a load. The name begins its ids.
func startLoad(t *testing.T, s account.Engine, name string) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{t: t, s: s, name: name, acked: map[account.UserID]uint64{}, failed: map[account.Code]int{}, last: time.Now(), stop: cancel}
	for i := range loaders {
		l.all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.call(fmt.Sprintf("%s-%d-%d", name, i, n))
			}
		})
	}
	return l
}

func (l *load) call(prefix string) {
	us := make([]account.Upsert, loadBatch)
	for i := range us {
		us[i].ID = account.UserID(fmt.Sprintf("%s-%d", prefix, i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
	defer cancel()
	rs, err := l.s.Upsert(ctx, doubtApp, us, account.UpsertPolicy{Now: doubtTime})
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed[account.CodeOf(err)]++
		if account.CodeOf(err) == account.Internal {
			l.t.Errorf("Upsert: %v", err)
		}
		return
	}
	for i, r := range rs {
		if r.Code != account.OK || !r.Created {
			l.t.Errorf("%s: %+v, want it created", us[i].ID, r)
		}
		l.acked[us[i].ID] = r.InternalID
	}
	l.gap = max(l.gap, time.Since(l.last))
	l.last = time.Now()
}

// await waits until n more calls are acknowledged.
func (l *load) await(n int) {
	l.t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.acked)
	}
	from := count()
	for deadline := time.Now().Add(2 * time.Minute); count() < from+n*loadBatch; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("no calls are acknowledged; failed: %v; Ready: %v", l.failed, l.s.Ready(l.t.Context()))
		}
	}
}

// end ends the load and looks every acknowledged account up in s.
func (l *load) end() {
	l.t.Helper()
	l.stop()
	l.all.Wait()
	missing := 0
	ids := make([]account.UserID, 0, len(l.acked))
	for id := range l.acked {
		ids = append(ids, id)
	}
	for from := 0; from < len(ids); from += 500 {
		part := ids[from:min(from+500, len(ids))]
		ss, err := l.s.Status(l.t.Context(), doubtApp, part)
		if err != nil {
			l.t.Fatal(err)
		}
		for i, st := range ss {
			if st.InternalID != l.acked[part[i]] {
				missing++
			}
		}
	}
	if missing > 0 {
		l.t.Errorf("%s: %d of %d acknowledged accounts are missing", l.name, missing, len(ids))
	}
	l.t.Logf("%s: %d accounts acknowledged, %d missing; failed calls: %v; longest pause %v", l.name, len(ids), missing, l.failed, l.gap.Round(time.Millisecond))
}
