package auth

import (
	"context"
	"runtime"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// A queue bounds what verifying ECDSA signatures costs: anybody can send one that
// takes a third of a millisecond to refuse. At most half of the processors verify
// at once, and each rests after a refusal; see [restAfterFailure]. Other callers wait
// in order. A UserSig that is remembered needs no verification, so it never waits.
type queue struct{ places chan struct{} }

func newQueue() *queue {
	return &queue{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a place to verify.
// Codes: Unavailable if ctx ends before.
func (q *queue) enter(ctx context.Context) error {
	select {
	case q.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

func (q *queue) leave() { <-q.places }

// restAfterFailure verifies a UserSig. After a refusal it rests for as long as that
// took, so that forgeries keep a processor busy half of the time at most. The end of
// the call does not cut the rest short, or a client that hangs up would spare itself
// the wait; the rest is about a millisecond at most.
func restAfterFailure(text string, r usersig.Request) (*usersig.Sig, error) {
	start := time.Now()
	sig, err := usersig.Verify(text, r)
	if err != nil {
		time.Sleep(time.Since(start))
	}
	return sig, err
}
