package checked

import (
	"sync"

	"rollcall/internal/account"
)

// An outbox watches the Outbox of a policy.
type outbox[R comparable] struct {
	given bool

	mu   sync.Mutex // the function may still run after the call has returned
	told []R        // results that it was called with, merged from all its calls
	runs int
}

// watch returns a function that calls fn and records its calls. It returns nil if fn is
// nil.
func (o *outbox[R]) watch(method string, fn func([]R) []account.Write, items int) func([]R) []account.Write {
	if fn == nil {
		return nil
	}
	o.given, o.told = true, make([]R, items)
	return func(rs []R) []account.Write {
		broken(len(rs) == items, method, "Outbox got %d results for %d items", len(rs), items)
		o.note(rs)
		return fn(rs)
	}
}

func (o *outbox[R]) note(rs []R) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.runs++
	var none R
	for i, r := range rs {
		if r != none {
			o.told[i] = r
		}
	}
}

// check compares the results of a call with those that Outbox was called with.
func (o *outbox[R]) check(method string, rs []R, err error) {
	if !o.given || err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	broken(o.runs > 0, method, "Outbox was not called")
	for i, r := range rs {
		broken(o.told[i] == r, method, "Outbox got the result %v, the caller got %v", o.told[i], r)
	}
}
