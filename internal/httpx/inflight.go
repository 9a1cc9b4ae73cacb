package httpx

import (
	"container/list"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A BusyError reports that a request waited for its turn without success.
type BusyError struct {
	Limit int   // maximum number of concurrent requests
	Cause error // why it stopped waiting, such as the error of its context
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%d requests are being served already: %v", e.Limit, e.Cause)
}

// Unwrap returns e.Cause: [context.DeadlineExceeded], or [context.Canceled] if
// the client hung up.
func (e *BusyError) Unwrap() error { return e.Cause }

const (
	// lagMemory is how long a measured lag is used.
	lagMemory = time.Second

	// maxQueue is how many requests of one key may wait for each place. More
	// would wait without success and occupy memory.
	maxQueue = 4

	// keepTenants is the maximum number of tenants without requests that are
	// kept for their next request.
	keepTenants = 1024
)

// InFlight limits the concurrent requests. If a server has more load than it
// can serve, requests wait for a place. Otherwise they would share memory and
// processors until none of them met its deadline.
//
// Each request has a key, which identifies its tenant. Requests of one key are
// served in order, and keys with waiting requests take turns. One key may have
// seven eighths of the places. The rest is for other keys, so they find a place
// even while the requests of one key take long.
//
// A request without a place is refused at once in two cases:
//   - The processors are so busy that it would be served too late. To find out,
//     InFlight measures how long a request takes to continue after its wait has
//     ended.
//   - Four requests of its key already wait for each place.
type InFlight struct {
	limit, perKey int // number of places, and of those that one key may have
	wait          time.Duration

	mu      sync.Mutex
	busy    int
	keys    map[uint32]*tenant // tenants that have or had a request
	waiting list.List          // of *tenant with waiting requests; the next one to be served is first
	lag     time.Duration
	lagAt   time.Time
}

// A tenant has the requests of one key.
type tenant struct {
	busy    int
	waiting list.List     // of *waiter, in order
	turn    *list.Element // in InFlight.waiting; nil if none waits
}

// A waiter is a waiting request.
type waiter struct {
	admitted chan struct{} // closed when it gets a place
	at       time.Time     // when it got the place
}

// NewInFlight returns an InFlight of n concurrent requests, at least 1. Other
// requests wait for their turn, at most for the duration wait.
func NewInFlight(n int, wait time.Duration) *InFlight {
	return &InFlight{limit: n, perKey: n - n/8, wait: wait, keys: map[uint32]*tenant{}}
}

// Len returns the number of requests that are being served.
func (f *InFlight) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.busy
}

// Wrap limits h to the places of f, with key 0. A request without a place waits
// for one. If it waits too long or its context ends, it fails with a
// [*BusyError] and h is not called. A stream, or a connection that is taken
// over, frees its place when it begins; see [Stream].
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

// Enter occupies a place for a request of key, or waits for one. It occupies a
// free place even if ctx has ended. If it does not return a [*BusyError], the
// caller must call [InFlight.Leave] with the same key afterwards.
func (f *InFlight) Enter(ctx context.Context, key uint32) error {
	f.mu.Lock()
	t := f.keys[key]
	if t == nil {
		t = new(tenant)
		f.keys[key] = t
	}
	if f.busy < f.limit && t.busy < f.perKey && t.turn == nil {
		f.busy++
		t.busy++
		f.mu.Unlock()
		return nil
	}
	maxWait := f.maxWait(time.Now())
	if maxWait <= 0 || t.waiting.Len() >= maxQueue*f.limit {
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
	return f.await(ctx, maxWait, key, place)
}

// maxWait returns how long a request may wait now. It subtracts the time until
// the end of the wait is noticed and until the request continues. The caller
// has locked f.mu.
func (f *InFlight) maxWait(now time.Time) time.Duration {
	if now.Sub(f.lagAt) > lagMemory {
		return f.wait
	}
	return f.wait - 2*f.lag
}

// await waits until the waiter at place is admitted, until maxWait is over, or
// until ctx ends.
func (f *InFlight) await(ctx context.Context, maxWait time.Duration, key uint32, place *list.Element) error {
	w := place.Value.(*waiter)
	until := time.Now().Add(maxWait)
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

// measure records how late a request continued. The caller has locked f.mu.
func (f *InFlight) measure(now time.Time, lag time.Duration) {
	if now.Sub(f.lagAt) > lagMemory {
		f.lag = 0
	}
	f.lag += (lag - f.lag) / 8
	f.lagAt = now
}

// Leave frees a place of key, for the next waiting request.
func (f *InFlight) Leave(key uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.keys[key]
	f.busy--
	t.busy--
	f.admit()
	f.forget(key, t)
}

// admit assigns a free place to the first waiting request of the next tenant
// that may have one. The caller has locked f.mu.
func (f *InFlight) admit() {
	for e := f.waiting.Front(); e != nil; e = e.Next() {
		t := e.Value.(*tenant)
		if t.busy >= f.perKey {
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

// settle removes t from the queue of tenants if it has no waiting requests. The
// caller has locked f.mu.
func (f *InFlight) settle(t *tenant) {
	if t.turn != nil && t.waiting.Len() == 0 {
		f.waiting.Remove(t.turn)
		t.turn = nil
	}
}

// forget removes a tenant without requests if there are many tenants. The
// caller has locked f.mu.
func (f *InFlight) forget(key uint32, t *tenant) {
	if t.busy == 0 && t.turn == nil && len(f.keys) > keepTenants {
		delete(f.keys, key)
	}
}
