package httpx

import (
	"context"
	"fmt"
	"net/http"
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

// InFlight bounds the requests served at once. Under more load than a server can
// carry, requests wait in order at the door rather than share memory and
// processors until none of them meets its deadline.
type InFlight struct {
	slots chan struct{}
	wait  time.Duration
}

// NewInFlight returns an InFlight of n requests, at least 1. Others wait for
// their turn, for as long as wait.
func NewInFlight(n int, wait time.Duration) *InFlight {
	return &InFlight{slots: make(chan struct{}, n), wait: wait}
}

// Len returns how many requests are being served now.
func (f *InFlight) Len() int { return len(f.slots) }

// Wrap returns h with the bound of f, which all wrapped handlers share. A
// request over the bound waits until another one is done; if it has waited too
// long, or its context ends, it fails with a [*BusyError] and h is not called.
func (f *InFlight) Wrap(h HandlerFunc) HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := f.acquire(r.Context()); err != nil {
			return err
		}
		defer func() { <-f.slots }()
		return h(w, r)
	}
}

// acquire takes a slot. A free one is taken even if ctx has ended.
func (f *InFlight) acquire(ctx context.Context) error {
	select {
	case f.slots <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	select {
	case f.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &BusyError{Limit: cap(f.slots), Cause: ctx.Err()}
	}
}
