package auth

import (
	"context"
	"runtime"
	"time"

	"rollcall/internal/account"
	"rollcall/usersig"
)

// A queue bounds the cost of verifying ECDSA signatures, because anyone can
// send one that takes a third of a millisecond to refuse. At most half of the
// processors verify at the same time, and each pauses after a refusal; see
// [pauseAfterFailure]. Other callers wait in order. A cached UserSig needs no
// verification, so it never waits.
type queue struct{ slots chan struct{} }

func newQueue() *queue {
	return &queue{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a slot to verify in. Codes: Unavailable if ctx ends first.
func (q *queue) enter(ctx context.Context) error {
	select {
	case q.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return account.Ended(ctx)
	}
}

func (q *queue) leave() { <-q.slots }

// pauseAfterFailure verifies a UserSig. After a refusal it sleeps for as long
// as the verification took, so forgeries keep a processor busy for at most half
// of the time. The pause is at most about a millisecond. It does not end with
// the call, because a client that hangs up could then avoid it.
func pauseAfterFailure(text string, r usersig.Request) (*usersig.Sig, error) {
	start := time.Now()
	sig, err := usersig.Verify(text, r)
	if err != nil {
		time.Sleep(time.Since(start))
	}
	return sig, err
}
