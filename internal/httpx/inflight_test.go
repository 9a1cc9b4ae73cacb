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

// TestInFlight lets five requests of a second each through a door for two.
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

// TestInFlightGivesUp has a request wait for one that takes longer than it may
// wait, by the door's rule or by its own deadline.
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

// TestInFlightPanic checks that a panic gives its slot back.
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
