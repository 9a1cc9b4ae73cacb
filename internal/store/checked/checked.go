// Package checked wraps an [account.Engine] and panics when the engine or its caller
// breaks the contract. Tests run every engine through it; production does not.
package checked

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"rollcall/internal/account"
)

// New returns e with all results and arguments checked against the contract.
func New(e account.Engine) account.Engine {
	c := &engine{Engine: e}
	if below, ok := account.Find[account.Exporter](e); ok {
		return &exporter{c, below}
	}
	return c
}

// An engine forwards calls to the embedded one. It overrides every method that has
// something to check.
type engine struct {
	account.Engine
	newest atomic.Uint64 // greatest number of a commit
}

// Unwrap returns the engine that is checked.
func (c *engine) Unwrap() account.Engine { return c.Engine }

// broken panics unless ok. All checks end here.
func broken(ok bool, method, format string, args ...any) {
	if !ok {
		panic("contract: " + method + ": " + fmt.Sprintf(format, args...))
	}
}

// fault checks an error. It must be an [account.Error] with Code Unavailable, Internal
// or one of allowed, and its Detail must not contain the text of its cause.
func fault(method string, err error, allowed ...account.Code) {
	if err == nil {
		return
	}
	e, ok := err.(*account.Error)
	broken(ok, method, "the error is a %T, not an *account.Error: %v", err, err)
	allowed = append(allowed, account.Unavailable, account.Internal)
	broken(slices.Contains(allowed, e.Code), method, "the error has Code %v; allowed are %v", e.Code, allowed)
	broken(!leaks(e), method, "Detail %q contains the text of the cause", e.Detail)
}

// leaks reports whether the Detail of e contains the text of one of its causes.
func leaks(e *account.Error) bool {
	for err := e.Err; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(e.Detail, err.Error()) {
			return true
		}
	}
	return false
}

// length checks that a batch returned either one result for each item or an error.
func length(method string, results, items int, err error) {
	if err != nil {
		broken(results == 0, method, "%d results beside the error %v", results, err)
		return
	}
	broken(results == items, method, "%d results for %d items", results, items)
}

// Ready implements [account.Store].
func (c *engine) Ready(ctx context.Context) error {
	err := c.Engine.Ready(ctx)
	fault("Ready", err)
	return err
}

// Count implements [account.Store].
func (c *engine) Count(ctx context.Context, app account.AppID) (int64, error) {
	n, err := c.Engine.Count(ctx, app)
	fault("Count", err)
	broken(n >= 0, "Count", "%d accounts", n)
	return n, err
}
