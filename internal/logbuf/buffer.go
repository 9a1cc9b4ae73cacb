package logbuf

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	// delay is the longest that a line waits.
	delay = 100 * time.Millisecond

	// enough bytes are written without further delay: some hundred lines.
	enough = 32 << 10

	// room is the most bytes that wait.
	room = 1 << 20

	// patience is how long the end of a process waits for a reader that is
	// stuck.
	patience = time.Second
)

// A buffer collects lines. Each line is one Write, which never blocks; then
// settle writes those whose time has come.
type buffer struct {
	out io.Writer

	mu      sync.Mutex
	pending []byte
	spare   []byte        // the other of two, or nil
	timer   *time.Timer   // calls tick; nil before the first line
	resting bool          // the timer runs: something was written less than delay ago
	urgent  bool          // what is pending must not wait
	closed  bool          // nor what follows
	writing bool          // a goroutine is in drain, or about to be
	failed  bool          // the last write did
	dropped int           // lines
	drained chan struct{} // closed when drain ends; made by close
}

// Write keeps a line, or drops it if there is no room. It never fails.
func (b *buffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending)+len(line) > room {
		b.dropped++
	} else {
		b.pending = append(b.pending, line...)
	}
	return len(line), nil
}

// lost returns how many lines were dropped since it was asked last, or 0 as long
// as there is no sense in saying so.
func (b *buffer) lost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dropped == 0 || b.failed || len(b.pending) > room/2 {
		return 0
	}
	n := b.dropped
	b.dropped = 0
	return n
}

// settle has what is pending written if its time has come, or all of it if it is
// urgent. One goroutine writes at a time; if there is none, settle starts it. No
// caller writes, for a write may take for ever.
func (b *buffer) settle(urgent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.urgent = b.urgent || urgent
	if !b.writing && b.due() {
		b.writing = true
		go b.drain()
	}
}

// due reports whether there is something to write now. The caller holds b.mu.
func (b *buffer) due() bool {
	return len(b.pending) > 0 && (!b.resting || b.urgent || b.closed || len(b.pending) >= enough)
}

// drain writes until nothing is due, and ends. It holds b.mu but during writes.
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

// rest makes lines that are not urgent wait for a while. The caller holds b.mu.
func (b *buffer) rest() {
	b.resting = true
	if b.timer == nil {
		b.timer = time.AfterFunc(delay, b.tick)
		return
	}
	b.timer.Reset(delay)
}

// tick ends a rest.
func (b *buffer) tick() {
	b.mu.Lock()
	b.resting = false
	b.mu.Unlock()
	b.settle(false)
}

// close writes what waits and makes later lines urgent.
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
	case <-time.After(patience):
	}
}
