package logbuf

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	// delay is the maximum time that a line waits.
	delay = 100 * time.Millisecond

	// enough is the number of pending bytes that are written without further
	// delay: some hundred lines.
	enough = 32 << 10

	// maxPending is the maximum number of pending bytes.
	maxPending = 1 << 20

	// closeTimeout is how long the end of a process waits for a writer that is
	// blocked.
	closeTimeout = time.Second
)

// A buffer collects lines. Each line is one Write, which never blocks. After a
// Write the caller calls settle, which starts writing the lines that are due.
type buffer struct {
	out io.Writer

	mu      sync.Mutex
	pending []byte
	spare   []byte        // the other one of two buffers, or nil
	timer   *time.Timer   // calls tick; nil before the first write
	resting bool          // whether the timer runs, because the last write is less than delay ago
	urgent  bool          // whether pending lines are due at once
	closed  bool          // whether all later lines are due at once
	writing bool          // whether a goroutine runs drain or is about to
	failed  bool          // whether the last write failed
	dropped int           // number of dropped lines
	drained chan struct{} // created by close; closed when drain ends
}

// Write stores a line, or drops it if the buffer is full. It never fails.
func (b *buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending)+len(line) > maxPending {
		b.dropped++
	} else {
		b.pending = append(b.pending, line...)
	}
	return len(line), nil
}

// lost returns the number of lines dropped since its last call. It returns 0
// while a note about them could be lost too, because writes fail or the buffer
// is half full.
func (b *buffer) lost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dropped == 0 || b.failed || len(b.pending) > maxPending/2 {
		return 0
	}
	n := b.dropped
	b.dropped = 0
	return n
}

// settle starts writing the pending lines if they are due, or all of them if
// urgent. One goroutine writes at a time, and settle starts it if it does not
// run. The caller itself never writes, because a write may block for ever.
func (b *buffer) settle(urgent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.urgent = b.urgent || urgent
	if !b.writing && b.due() {
		b.writing = true
		go b.drain()
	}
}

// due reports whether there is something to write now. The caller has locked
// b.mu.
func (b *buffer) due() bool {
	return len(b.pending) > 0 && (!b.resting || b.urgent || b.closed || len(b.pending) >= enough)
}

// drain writes until nothing is due, and then ends. It holds the lock of b.mu
// except during writes.
func (b *buffer) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.due() {
		block := b.pending
		b.pending, b.spare, b.urgent = b.spare[:0], nil, false
		b.rest()
		b.mu.Unlock()
		n, err := b.out.Write(block)
		b.mu.Lock()
		if b.failed = err != nil; b.failed {
			b.dropped += bytes.Count(block[n:], []byte("\n"))
		}
		if cap(block) <= 2*enough {
			b.spare = block
		}
	}
	b.writing = false
	if b.drained != nil {
		close(b.drained)
		b.drained = nil
	}
}

// rest delays lines that are not urgent. The caller has locked b.mu.
func (b *buffer) rest() {
	b.resting = true
	if b.timer == nil {
		b.timer = time.AfterFunc(delay, b.tick)
		return
	}
	b.timer.Reset(delay)
}

// tick ends the delay of rest.
func (b *buffer) tick() {
	b.mu.Lock()
	b.resting = false
	b.mu.Unlock()
	b.settle(false)
}

// close writes the pending lines and makes later lines urgent. It waits at most
// closeTimeout.
func (b *buffer) close() {
	b.mu.Lock()
	b.closed = true
	if !b.writing && !b.due() {
		b.mu.Unlock()
		return
	}
	drained := make(chan struct{})
	b.drained = drained
	b.mu.Unlock()
	b.settle(true)
	select {
	case <-drained:
	case <-time.After(closeTimeout):
	}
}
