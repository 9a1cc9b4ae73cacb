package client

import (
	"testing"

	"rollcall/internal/wire"
)

// TestPauseBounds checks the pauses of more retries than anybody makes.
func TestPauseBounds(t *testing.T) {
	for n := range 70 {
		for _, kind := range []wire.Retry{wire.RetryYes, wire.RetrySlow} {
			if d := pauseFor(kind, n); d <= 0 || d > 2*maxPause {
				t.Errorf("pause %v before repeat %d of kind %s, want more than 0 and at most %v", d, n, kind, 2*maxPause)
			}
		}
	}
}
