package client

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/linkwire"
)

// TestLinkSilent lets a server fall silent. The connection ends, and its error says why.
func TestLinkSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &linkConn{ready: &linkwire.Ready{PingS: 1}, heard: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancelCause(t.Context())
		go c.watch(ctx, cancel)
		for range 3 {
			time.Sleep(11 * time.Second)
			c.hear()
		}
		synctest.Wait()
		if ctx.Err() != nil {
			t.Fatal("the connection ended although the server lives")
		}
		time.Sleep(13 * time.Second)
		if err := broken(ctx, io.EOF); err != errSilent {
			t.Errorf("the connection ended with %v", err)
		}
	})
}
