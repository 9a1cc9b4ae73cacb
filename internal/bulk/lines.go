package bulk

import (
	"bytes"
	"errors"
	"io"
	"time"

	"rollcall/internal/source"
)

const (
	blockSize  = 128 << 10
	blocks     = 3                     // of a stream, in memory
	chunksHeld = 3                     // of a stream, in memory
	idleFlush  = 50 * time.Millisecond // rows wait for further ones so long
)

// A block is a piece of a body.
type block struct {
	data []byte
	err  error // after data; io.EOF at the end of the body
}

// A lineReader divides a body into lines and decodes them into chunks.
type lineReader struct {
	body    io.Reader
	quit    chan struct{} // closed when no chunk is wanted any more
	blocks  chan block
	used    chan []byte // memory of blocks
	chunks  chan *chunk // closed after the last one
	free    chan *chunk
	maxRows func() int
	err     error // why the body ended; io.EOF if it is complete; valid when chunks is closed

	parser  *source.LineParser
	chunk   *chunk
	skip    int64  // lines to skip, because their rows are durable already
	partial []byte // the beginning of a line that ends in a later block
	long    bool   // the rest of a line that is too long is skipped
}

// newLineReader returns a reader of a body whose first line is the row from. It skips the
// rows before next.
func newLineReader(body io.Reader, from, next int64, maxRows func() int) *lineReader {
	l := &lineReader{
		body: body, quit: make(chan struct{}), maxRows: maxRows, skip: next - from,
		blocks: make(chan block), used: make(chan []byte, blocks), chunks: make(chan *chunk), free: make(chan *chunk, chunksHeld),
	}
	l.parser, _ = source.NewLineParser(source.Options{}) // options alone have errors
	for range blocks {
		l.used <- make([]byte, blockSize)
	}
	for range chunksHeld {
		l.free <- new(chunk)
	}
	l.chunk = <-l.free
	l.chunk.reset(next)
	return l
}

// read reads the body until it ends or quit is closed.
func (l *lineReader) read() {
	defer close(l.blocks)
	for {
		select {
		case <-l.quit:
			return
		case buf := <-l.used:
			n, err := readSome(l.body, buf)
			select {
			case l.blocks <- block{buf[:n], err}:
			case <-l.quit:
				return
			}
			if err != nil {
				return
			}
		}
	}
}

// readSome is a Read that returns bytes or an error.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// errQuit says that no chunk is wanted any more.
var errQuit = errors.New("no more rows are wanted")

// parse sends the chunks of the body and then closes chunks.
func (l *lineReader) parse() {
	defer close(l.chunks)
	idle := time.NewTimer(idleFlush)
	defer idle.Stop()
	for {
		b, ok := l.next(idle)
		if !ok {
			l.err = errQuit
			return
		}
		err := l.add(b.data)
		if err == nil && b.err != nil {
			if b.err == io.EOF {
				err = l.last()
			}
			if err == nil && !l.chunk.empty() {
				err = l.send()
			}
			if err == nil {
				err = b.err
			}
		}
		if err != nil {
			l.err = err
			return
		}
		l.used <- b.data[:cap(b.data)]
	}
}

// next returns the next block. If none comes for a while, it sends the rows before it.
func (l *lineReader) next(idle *time.Timer) (b block, ok bool) {
	select {
	case b, ok = <-l.blocks:
		return b, ok
	default:
	}
	if !l.chunk.empty() {
		idle.Reset(idleFlush)
		select {
		case b, ok = <-l.blocks:
			return b, ok
		case <-idle.C:
			if l.send() != nil {
				return b, false
			}
		}
	}
	b, ok = <-l.blocks
	return b, ok
}

// add divides data into lines. The rest of data is the beginning of the next line.
func (l *lineReader) add(data []byte) error {
	for {
		n := bytes.IndexByte(data, '\n')
		if n < 0 {
			l.keep(data)
			return nil
		}
		line := data[:n]
		data = data[n+1:]
		if len(l.partial) > 0 || l.long {
			l.keep(line)
			line = l.partial
		}
		err := l.line(line)
		l.partial, l.long = l.partial[:0], false
		if err != nil {
			return err
		}
	}
}

// keep adds a part to the line that is not complete.
func (l *lineReader) keep(part []byte) {
	if len(l.partial)+len(part) > source.MaxRecord+1 { // with a CR
		l.long = true
		l.partial = l.partial[:0]
	}
	if !l.long {
		l.partial = append(l.partial, part...)
	}
}

// last adds the line at the end of the body, which need not have an end.
func (l *lineReader) last() error {
	if len(l.partial) == 0 && !l.long {
		return nil
	}
	return l.line(l.partial)
}

// line adds one row.
func (l *lineReader) line(line []byte) error {
	if l.skip > 0 {
		l.skip--
		return nil
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	switch {
	case l.long || len(line) > source.MaxRecord:
		l.chunk.add(&source.Row{Fault: tooLong})
	case len(line) == 0 || line[0] <= ' ' && len(bytes.TrimSpace(line)) == 0:
		l.chunk.skip()
	default:
		row := l.parser.Parse(line)
		l.chunk.add(&row)
	}
	if l.chunk.full(l.maxRows()) {
		return l.send()
	}
	return nil
}

// send sends the chunk and begins the next one.
func (l *lineReader) send() error {
	next := l.chunk.last + 1
	select {
	case l.chunks <- l.chunk:
	case <-l.quit:
		return errQuit
	}
	select {
	case l.chunk = <-l.free:
	case <-l.quit:
		return errQuit
	}
	l.chunk.reset(next)
	return nil
}
