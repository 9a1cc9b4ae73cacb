package bulk

import (
	"errors"
	"io"
	"iter"
	"time"

	"rollcall/internal/source"
)

const (
	blockSize  = 128 << 10
	blocksHeld = 3                     // of a stream, in memory
	chunksHeld = 3                     // of an import, in memory
	idleFlush  = 50 * time.Millisecond // rows wait for further ones so long
)

// A block is a piece of a body.
type block struct {
	data []byte
	err  error // after data; io.EOF at the end of the body
}

// A blockReader reads a body ahead, in a goroutine of its own.
type blockReader struct {
	body   io.Reader
	quit   <-chan struct{} // closed when no more is wanted
	blocks chan block
	used   chan []byte // memory of blocks
	idle   func() error
	timer  *time.Timer
	block  block // being read
	rest   []byte
}

// newBlockReader returns a reader of body. While no bytes come, it calls idle, whose error
// ends reading.
func newBlockReader(body io.Reader, quit <-chan struct{}, idle func() error) *blockReader {
	b := &blockReader{body: body, quit: quit, blocks: make(chan block), used: make(chan []byte, blocksHeld), idle: idle}
	for range blocksHeld {
		b.used <- make([]byte, blockSize)
	}
	b.timer = time.NewTimer(idleFlush)
	return b
}

// run reads the body until it ends or quit is closed.
func (b *blockReader) run() {
	defer close(b.blocks)
	for {
		select {
		case <-b.quit:
			return
		case buf := <-b.used:
			n, err := b.body.Read(buf)
			select {
			case b.blocks <- block{buf[:n], err}:
			case <-b.quit:
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// errQuit says that no more rows are wanted.
var errQuit = errors.New("no more rows are wanted")

// Read implements [io.Reader].
func (b *blockReader) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.block.err != nil {
			return 0, b.block.err
		}
		if b.block.data != nil {
			b.used <- b.block.data[:cap(b.block.data)]
			b.block.data = nil
		}
		if err := b.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// next waits for the next block.
func (b *blockReader) next() error {
	b.timer.Reset(idleFlush)
	for {
		select {
		case next, ok := <-b.blocks:
			if !ok {
				return errQuit
			}
			b.block, b.rest = next, next.data
			return nil
		case <-b.timer.C:
			if err := b.idle(); err != nil {
				return err
			}
		}
	}
}

// A chunker puts rows into chunks.
type chunker struct {
	quit    <-chan struct{} // closed when no chunk is wanted any more
	chunks  chan *chunk     // closed after the last one
	free    chan *chunk
	maxRows func() int
	chunk   *chunk // is being filled
	lines   bool   // a row without an id and without a fault is an empty line
	skip    int64  // rows to skip, because they are durable already
	err     error  // why there are no more chunks; io.EOF if that is all; valid when chunks is closed
}

// newChunker returns a chunker of the rows from from on. It skips those before next.
func newChunker(from, next int64, quit <-chan struct{}, maxRows func() int) *chunker {
	c := &chunker{quit: quit, chunks: make(chan *chunk), free: make(chan *chunk, chunksHeld), maxRows: maxRows, skip: next - from}
	for range chunksHeld {
		c.free <- new(chunk)
	}
	c.chunk = <-c.free
	c.chunk.reset(next)
	return c
}

// add adds the next row.
func (c *chunker) add(r *source.Row) error {
	if c.skip > 0 {
		c.skip--
		return nil
	}
	if c.lines && r.UserID == nil && r.Fault == "" {
		c.chunk.skip()
	} else {
		c.chunk.add(r)
	}
	if c.chunk.full(c.maxRows()) {
		return c.send()
	}
	return nil
}

// send sends the chunk, unless it is empty, and begins the next one.
func (c *chunker) send() error {
	if c.chunk.empty() {
		return nil
	}
	next := c.chunk.last + 1
	select {
	case c.chunks <- c.chunk:
	case <-c.quit:
		return errQuit
	}
	select {
	case c.chunk = <-c.free:
	case <-c.quit:
		return errQuit
	}
	c.chunk.reset(next)
	return nil
}

// ended returns errStopped if rows are missing because the task must stop.
func (c *chunker) ended(stop <-chan struct{}) error {
	select {
	case <-stop:
		if c.err != io.EOF {
			return errStopped
		}
	default:
	}
	return nil
}

// readLines adds the lines of a body, and ends c.
func (c *chunker) readLines(body io.Reader) {
	c.lines = true
	c.read(func(yield func(*source.Row, error) bool) {
		for row, err := range source.Lines(body, source.Options{}) {
			if err == nil {
				row.Line = 0 // its number in this body means nothing to anybody
			}
			if !yield(row, err) {
				return
			}
		}
	})
}

// read adds rows, and ends c. The rows before an error count.
func (c *chunker) read(rows iter.Seq2[*source.Row, error]) {
	defer close(c.chunks)
	c.err = io.EOF
	for row, err := range rows {
		if err == nil {
			err = c.add(row)
		}
		if err != nil {
			c.err = err
			break
		}
	}
	if err := c.send(); err != nil {
		c.err = err
	}
}
