package httpx

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestInFlight serves five requests of a second each with two places.
func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var began []time.Duration
		h := NewInFlight(2, time.Minute).Wrap(func(http.ResponseWriter, *http.Request) error {
			mu.Lock()
			began = append(began, time.Since(start))
			mu.Unlock()
			time.Sleep(time.Second)
			return nil
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := h(nil, httptest.NewRequest("POST", "/", nil)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		want := []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second}
		if !slices.Equal(began, want) {
			t.Errorf("requests began at %v, want %v", began, want)
		}
	})
}

// TestInFlightGivesUp has a request wait for one that takes too long, measured
// by the limit of InFlight or by the deadline of the request.
func TestInFlightGivesUp(t *testing.T) {
	t.Run("wait", func(t *testing.T) { testInFlightGivesUp(t, 3*time.Second, time.Minute) })
	t.Run("deadline", func(t *testing.T) { testInFlightGivesUp(t, time.Hour, 3*time.Second) })
}

func testInFlightGivesUp(t *testing.T, wait, deadline time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h := NewInFlight(1, wait).Wrap(func(http.ResponseWriter, *http.Request) error {
			calls++
			time.Sleep(time.Minute)
			return nil
		})
		var wg sync.WaitGroup
		wg.Go(func() { _ = h(nil, httptest.NewRequest("POST", "/", nil)) })
		synctest.Wait()

		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		err := h(nil, httptest.NewRequest("POST", "/", nil).WithContext(ctx))
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Limit != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want a BusyError of limit 1 for the deadline", err)
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("gave up after %v, want 3s", waited)
		}
		if calls != 1 {
			t.Errorf("%d handlers ran, want 1", calls)
		}
		wg.Wait()
		if err := h(nil, httptest.NewRequest("POST", "/", nil)); err != nil {
			t.Errorf("after the first is done: %v", err)
		}
	})
}

// TestInFlightPanic checks that a panic frees the place.
func TestInFlightPanic(t *testing.T) {
	h := NewInFlight(1, time.Minute).Wrap(func(http.ResponseWriter, *http.Request) error { panic("bad") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		err := catch(func() error { return h(nil, httptest.NewRequest("POST", "/", nil).WithContext(ctx)) })
		if _, ok := errors.AsType[*PanicError](err); !ok {
			t.Errorf("err = %v, want the panic of the handler", err)
		}
	}
}

// hold occupies n places for key, all of which must be free.
func hold(t *testing.T, f *InFlight, n int, key uint32) {
	t.Helper()
	for i := range n {
		if err := f.Enter(t.Context(), key); err != nil {
			t.Fatalf("place %d of key %d: %v", i+1, key, err)
		}
	}
}

// TestInFlightIsFair checks that one tenant leaves places for others, and that
// waiting tenants take turns.
func TestInFlightIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewInFlight(16, time.Minute)
		hold(t, f, 14, 1)
		var mu sync.Mutex
		var served []uint32
		var wg sync.WaitGroup
		wait := func(key uint32) {
			wg.Go(func() {
				if err := f.Enter(t.Context(), key); err != nil {
					t.Error(err)
				}
				mu.Lock()
				served = append(served, key)
				mu.Unlock()
			})
			synctest.Wait()
		}
		wait(1) // over the share of one tenant
		if len(served) != 0 {
			t.Error("one tenant took more than seven eighths of the places")
		}
		hold(t, f, 2, 2) // reserved for others
		for _, key := range []uint32{1, 1, 2, 2, 3} {
			wait(key)
		}
		for range 6 {
			f.Leave(1)
			synctest.Wait()
		}
		wg.Wait()
		if want := []uint32{1, 2, 3, 1, 2, 1}; !slices.Equal(served, want) {
			t.Errorf("served in the order %v, want %v", served, want)
		}
		for _, key := range served {
			f.Leave(key)
		}
		for range 8 {
			f.Leave(1)
		}
		f.Leave(2)
		f.Leave(2)
		if f.Len() != 0 || f.waiting.Len() != 0 {
			t.Errorf("%d places and %d turns are taken by nobody", f.Len(), f.waiting.Len())
		}
		for key := range uint32(2 * keepTenants) {
			hold(t, f, 1, key)
			f.Leave(key)
		}
		if len(f.keys) > keepTenants+1 {
			t.Errorf("%d keys are known, none of which has a request", len(f.keys))
		}
	})
}

// TestInFlightQueueIsBounded checks that a request is refused at once if too
// many of its key wait already.
func TestInFlightQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewInFlight(2, time.Minute)
		hold(t, f, 2, 1)
		var wg sync.WaitGroup
		for range maxQueue * 2 {
			wg.Go(func() { _ = f.Enter(t.Context(), 1) })
		}
		synctest.Wait()
		start := time.Now()
		if err := f.Enter(t.Context(), 1); err == nil || time.Since(start) != 0 {
			t.Errorf("after %v: %v, want a refusal at once", time.Since(start), err)
		}
		wg.Go(func() { _ = f.Enter(t.Context(), 2) }) // others may wait
		synctest.Wait()
		f.mu.Lock()
		if got := f.keys[2].waiting.Len(); got != 1 {
			t.Errorf("%d requests of another key wait, want 1", got)
		}
		f.mu.Unlock()
		wg.Wait()
	})
}

// TestInFlightLag checks that a request that would be served too late is
// refused at once, if the processors were late in the last second.
func TestInFlightLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const wait = 400 * time.Millisecond
		f := NewInFlight(1, wait)
		hold(t, f, 1, 1)
		refusedAfter := func() time.Duration {
			start := time.Now()
			if err := f.Enter(t.Context(), 2); err == nil {
				t.Fatal("two requests are served at once")
			}
			return time.Since(start)
		}
		if got := refusedAfter(); got != wait {
			t.Errorf("refused after %v, want %v", got, wait)
		}
		for range 16 {
			f.measure(time.Now(), wait)
		}
		if got := refusedAfter(); got != 0 {
			t.Errorf("with processors that are late: refused after %v, want at once", got)
		}
		time.Sleep(lagMemory + 1)
		if got := refusedAfter(); got != wait {
			t.Errorf("later: refused after %v, want %v", got, wait)
		}
	})
}
