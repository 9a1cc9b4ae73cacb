package httpx

import (
	"context"
	"fmt"
	"net/http"
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
}

// NewInFlight returns an InFlight of n requests, at least 1.
func NewInFlight(n int) *InFlight {
	return &InFlight{slots: make(chan struct{}, n)}
}

// Wrap returns h with the bound of f, which all wrapped handlers share. A
// request over the bound waits until another one is done or its own context
// ends; then it fails with a [*BusyError] and h is not called. The caller gives
// the context its deadline.
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
	select {
	case f.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &BusyError{Limit: cap(f.slots), Cause: ctx.Err()}
	}
}
