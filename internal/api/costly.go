package api

import (
	"context"
	"runtime"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// A costly bounds what verifying ECDSA signatures costs: anybody can send one that
// takes a third of a millisecond to refuse. At most half of the processors verify
// at once, and each rests after a refusal; see [restAfterFailure]. The others wait
// in order. A UserSig that was genuine before needs no verification, so its calls
// go on.
type costly struct{ places chan struct{} }

func newCostly() *costly {
	return &costly{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a place to verify.
// Codes: Unavailable if ctx ends before.
func (b *costly) enter(ctx context.Context) error {
	select {
	case b.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

func (b *costly) leave() { <-b.places }

// restAfterFailure verifies a UserSig, and if it is refused, rests for as long as
// that took, so that forgeries keep a processor busy half of the time at most.
func restAfterFailure(text string, r usersig.Request) (*usersig.Sig, error) {
	start := time.Now()
	sig, err := usersig.Verify(text, r)
	if err != nil {
		time.Sleep(time.Since(start))
	}
	return sig, err
}
