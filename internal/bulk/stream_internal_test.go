package bulk

import (
	"io"
	"os"
	"testing"
)

// TestFollowStopped ends a stream by a shutdown, which also breaks its body off. Both are
// known at the same time. The shutdown is the reason, unless the body has ended.
func TestFollowStopped(t *testing.T) {
	for _, tt := range []struct{ body, want error }{
		{os.ErrDeadlineExceeded, errStopped},
		{io.EOF, nil},
	} {
		stop := make(chan struct{})
		close(stop)
		c := &chunker{chunks: make(chan *chunk), err: tt.body}
		close(c.chunks)
		for range 100 { // follow chooses at random
			if got := new(run).follow(t.Context(), c, stop); got != tt.want && got != errStopped {
				t.Fatalf("the body ends with %v: %v, want %v", tt.body, got, tt.want)
			}
		}
	}
}
