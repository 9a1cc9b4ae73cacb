package pebble

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// hold keeps the committer of s busy until release is called. The calls that are made
// meanwhile share its next group.
func hold(t rapid.TB, s *Store) (release func()) {
	t.Helper()
	began, held, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.commits.submit(context.Background(), 0, func(*group) error { close(began); <-held; return nil })
	}()
	<-began
	return func() {
		t.Helper()
		close(held)
		must(t, <-done)
	}
}

// enqueue begins a call and waits until the call is in the queue of the committer, or has
// ended.
func enqueue(t rapid.TB, s *Store, call func() error) (end <-chan error) {
	t.Helper()
	n, ended := len(s.commits.queue), make(chan error, 1)
	go func() { ended <- call() }()
	eventually(t, "call in the queue", func() bool { return len(s.commits.queue) > n || len(ended) > 0 })
	return ended
}

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
