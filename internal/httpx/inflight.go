package httpx

import (
	"container/list"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A BusyError reports that a request waited in vain for its turn.
type BusyError struct {
	Limit int   // requests served at once
	Cause error // why it stopped waiting: the error of its context
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%d requests are being served already: %v", e.Limit, e.Cause)
}

// Unwrap returns e.Cause: [context.DeadlineExceeded], or [context.Canceled] if
// the client has gone.
func (e *BusyError) Unwrap() error { return e.Cause }

const (
	// lagMemory is how long a measured lag counts.
	lagMemory = time.Second

	// maxQueue is how many requests of one key may wait for each place. More of
	// them would wait in vain, and hold memory meanwhile.
	maxQueue = 4

	// keepTenants is how many tenants without requests are remembered at most,
	// for their next one.
	keepTenants = 1024
)

// InFlight bounds the requests served at once. Under more load than a server can
// carry, requests wait at the door rather than share memory and processors until
// none of them meets its deadline.
//
// Each request has a key, that of its tenant. Requests of one key are served in
// order, and keys with waiting requests take turns. One key may take seven eighths
// of the places: the rest is for others, so they find a place also while requests
// of one key take long.
//
// A request that finds no place is refused at once, without a wait, where the
// processors are so late that it would come too late anyway: what is measured is
// how long a request takes to run on after its wait has ended. The same goes where
// four of its key wait for each place.
type InFlight struct {
	limit, most int // places, and those that one key may take
	wait        time.Duration

	mu      sync.Mutex
	busy    int
	keys    map[uint32]*tenant // that have a request, or had one
	waiting list.List          // of *tenant, with waiting requests; whose turn is next is first
	lag     time.Duration
	lagAt   time.Time
}

// A tenant is who has the requests of one key.
type tenant struct {
	busy    int
	waiting list.List     // of *waiter, in order
	turn    *list.Element // in InFlight.waiting; nil if none waits
}

// A waiter is a request that waits.
type waiter struct {
	admitted chan struct{} // closed when it has a place
	at       time.Time     // when it got that
}

// NewInFlight returns an InFlight of n requests, at least 1. Others wait for
// their turn, for as long as wait.
func NewInFlight(n int, wait time.Duration) *InFlight {
	return &InFlight{limit: n, most: n - n/8, wait: wait, keys: map[uint32]*tenant{}}
}

// Len returns how many requests are being served now.
func (f *InFlight) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// Wrap returns h with the bound of f, for requests of key 0. A request over the
// bound waits until another one is done; if it has waited too long, or its context
// ends, it fails with a [*BusyError] and h is not called. What lasts gives its place
// back when it begins to; see [Stream].
func (f *InFlight) Wrap(h HandlerFunc) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := f.Enter(r.Context(), 0); err != nil {
			return err
		}
		leave := sync.OnceFunc(func() { f.Leave(0) })
		defer leave()
		EventFrom(r.Context()).onLast = leave
		return h(w, r)
	}
}

// Enter takes a place for a request of key, or waits for one. A free place is
// taken even if ctx has ended. Unless it returns a [*BusyError], the caller calls
// [InFlight.Leave] with the same key afterwards.
func (f *InFlight) Enter(ctx context.Context, key uint32) error {
	f.mu.Lock()
	t := f.keys[key]
	if t == nil {
		t = new(tenant)
		f.keys[key] = t
	}
	if f.busy < f.limit && t.busy < f.most && t.turn == nil {
		f.busy++
		t.busy++
		f.mu.Unlock()
		return nil
	}
	patience := f.patience(time.Now())
	if patience <= 0 || t.waiting.Len() >= maxQueue*f.limit {
		f.forget(key, t)
		f.mu.Unlock()
		return &BusyError{Limit: f.limit, Cause: context.DeadlineExceeded}
	}
	w := &waiter{admitted: make(chan struct{})}
	place := t.waiting.PushBack(w)
	if t.turn == nil {
		t.turn = f.waiting.PushBack(t)
	}
	f.mu.Unlock()
	return f.await(ctx, patience, key, place)
}

// patience returns how long a request may wait now: the time that it has, without
// what passes before it is noticed and before it runs on. The caller holds f.mu.
func (f *InFlight) patience(now time.Time) time.Duration {
	if now.Sub(f.lagAt) > lagMemory {
		return f.wait
	}
	return f.wait - 2*f.lag
}

// await waits until the waiter at place is admitted, or until patience or ctx ends.
func (f *InFlight) await(ctx context.Context, patience time.Duration, key uint32, place *list.Element) error {
	w := place.Value.(*waiter)
	until := time.Now().Add(patience)
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	select {
	case <-w.admitted:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !w.at.IsZero() {
		f.measure(now, now.Sub(w.at))
		return nil
	}
	if late := now.Sub(until); late >= 0 {
		f.measure(now, late)
	}
	t := f.keys[key]
	t.waiting.Remove(place)
	f.settle(t)
	f.forget(key, t)
	return &BusyError{Limit: f.limit, Cause: ctx.Err()}
}

// measure notes how late a request ran on. The caller holds f.mu.
func (f *InFlight) measure(now time.Time, lag time.Duration) {
	if now.Sub(f.lagAt) > lagMemory {
		f.lag = 0
	}
	f.lag += (lag - f.lag) / 8
	f.lagAt = now
}

// Leave gives back a place for key, to the request whose turn it is.
func (f *InFlight) Leave(key uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.keys[key]
	f.busy--
	t.busy--
	f.admit()
	f.forget(key, t)
}

// admit gives a free place to the first waiting request of the next tenant that
// may have one. The caller holds f.mu.
func (f *InFlight) admit() {
	for e := f.waiting.Front(); e != nil; e = e.Next() {
		t := e.Value.(*tenant)
		if t.busy >= f.most {
			continue
		}
		w := t.waiting.Remove(t.waiting.Front()).(*waiter)
		w.at = time.Now()
		close(w.admitted)
		f.busy++
		t.busy++
		f.waiting.MoveToBack(e)
		f.settle(t)
		return
	}
}

// settle takes a tenant out of the turn that has no waiting requests. The caller
// holds f.mu.
func (f *InFlight) settle(t *tenant) {
	if t.turn != nil && t.waiting.Len() == 0 {
		f.waiting.Remove(t.turn)
		t.turn = nil
	}
}

// forget drops a tenant without requests if many are known. The caller holds f.mu.
func (f *InFlight) forget(key uint32, t *tenant) {
	if t.busy == 0 && t.turn == nil && len(f.keys) > keepTenants {
		delete(f.keys, key)
	}
}
