package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestHeldCallBesideFlush sends a call of the flusher while a call is held because it is
// too large for its group, and another large one behind it. All are decided.
func TestHeldCallBesideFlush(t *testing.T) {
	s := open(t, Options{FS: vfs.NewMem()})
	defer func() { must(t, s.Close()) }()
	c := s.commits
	results := make(chan error, 5)
	call := func(size int, decide func()) {
		go func() {
			results <- c.submit(t.Context(), size, func(*group) error { decide(); return nil })
		}()
	}
	queued := func(n int) { eventually(t, "calls in the queue", func() bool { return len(c.queue) == n }) }
	block := func() (decide func(), began, release chan struct{}) {
		began, release = make(chan struct{}), make(chan struct{})
		return func() { close(began); <-release }, began, release
	}
	decideFirst, firstBegan, firstRelease := block()
	decideSecond, secondBegan, secondRelease := block()
	call(1, decideFirst)
	<-firstBegan
	call(1, decideSecond)
	queued(1)
	call(maxGroupBytes+1, func() {}) // held
	queued(2)
	close(firstRelease)
	<-secondBegan
	call(maxGroupBytes+1, func() {})
	queued(1)
	go func() { results <- c.submitFlush(func(*group) error { return nil }) }()
	eventually(t, "call of the flusher", func() bool { return len(c.flushes) == 1 })
	close(secondRelease)
	for range cap(results) {
		must(t, <-results)
	}
}
