package postgres

import (
	"context"
	"testing"

	"rollcall/internal/account"
)

// TestAbandoned ends calls before a lane takes them. Their outcome is known.
func TestAbandoned(t *testing.T) {
	for range 100 { // wait chooses at random
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var c call
		c.init(ctx)
		if c.take() {
			t.Fatal("a lane takes a call that has ended")
		}
		if err := c.wait(false); account.CodeOf(err) != account.Unavailable {
			t.Fatalf("the outcome is %v", err)
		}
	}
}
