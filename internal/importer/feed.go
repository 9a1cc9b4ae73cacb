package importer

import (
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/client"
)

// Limits of the rows that are kept until they are durable. A server takes some thousands at
// once.
const (
	streamChunks = 128
	streamBytes  = 8 << 20
)

// A feeder feeds the bodies of requests, one after the other, and keeps the rows that are not
// judged yet. One goroutine calls feed, and another one the rest.
type feeder struct {
	pause  *Pause
	chunks <-chan *chunk // only for the goroutine of feed
	room   chan struct{} // contains one after a chunk was judged
	rotate atomic.Bool   // the key shall end
	at     atomic.Int64  // position in the input
	number atomic.Int64  // of the last row that was read

	mu      sync.Mutex
	window  []*chunk
	taken   int // rows of window[0] that are judged
	bytes   int // of the texts in window
	over    bool
	fileErr error // with which the files end
}

// next removes the first row from the window. It returns nil if there is none up to last.
func (f *feeder) next(last int64) *row {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.window) == 0 || f.window[0].rows[f.taken].number > last {
		return nil
	}
	c := f.window[0]
	r := &c.rows[f.taken]
	if f.taken++; f.taken == len(c.rows) {
		f.window[0] = nil
		f.window, f.taken = f.window[1:], 0
		f.bytes -= c.size
		select {
		case f.room <- struct{}{}:
		default:
		}
	}
	return r
}

// finished reports whether every row of the files was judged, with the error with which the
// files end.
func (f *feeder) finished() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.window) > 0 || !f.over {
		return false, nil
	}
	return true, f.fileErr
}

// looked reports whether the files are read to their end, and whether there are rows that are
// not judged.
func (f *feeder) looked() (over, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over, len(f.window) > 0
}

// full reports whether rows must be judged before others are read.
func (f *feeder) full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.window) >= streamChunks || f.bytes >= streamBytes
}

// from returns the first chunk of the window with rows from a number on, or nil.
func (f *feeder) from(number int64) *chunk {
	f.mu.Lock()
	defer f.mu.Unlock()
	var first *chunk
	for i := len(f.window) - 1; i >= 0 && f.window[i].last() >= number; i-- {
		first = f.window[i]
	}
	return first
}

// last returns the number of the last row.
func (c *chunk) last() int64 { return c.rows[len(c.rows)-1].number }

// keep adds a chunk to the window.
func (f *feeder) keep(c *chunk) {
	f.at.Store(c.at)
	if len(c.rows) > 0 {
		f.number.Store(c.last())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(c.rows) > 0 {
		f.window = append(f.window, c)
		f.bytes += c.size
	}
	if c.end {
		f.over, f.fileErr = true, c.err
	}
}

// feed writes the rows from a number on into body: those of the window, then new ones. At
// their end it closes body, which ends the key. When stop is closed, or when the body takes no
// more, it returns.
func (f *feeder) feed(body *io.PipeWriter, number int64, stop <-chan struct{}) {
	var text []byte
	for {
		c := f.from(number)
		if c == nil {
			switch f.read(body, stop) {
			case goOn:
				continue
			case atEnd:
				_ = body.Close() // never fails
			}
			return
		}
		for f.pause.paused() {
			if !f.idle(body, f.pause.changed(), stop) {
				return
			}
		}
		text = text[:0]
		for i := range c.rows {
			if c.rows[i].number >= number {
				text = appendRow(text, &c.rows[i])
			}
		}
		if _, err := body.Write(text); err != nil {
			return
		}
		number = c.last() + 1
	}
}

// Results of read.
const (
	goOn = iota
	atEnd
	stopped
)

// read reads a chunk into the window when there is room.
func (f *feeder) read(body *io.PipeWriter, stop <-chan struct{}) int {
	f.mu.Lock()
	over := f.over
	f.mu.Unlock()
	if over || f.rotate.Load() {
		return atEnd
	}
	chunks := f.chunks
	if f.full() {
		chunks = nil
	}
	timer := time.NewTimer(keepAlive)
	defer timer.Stop()
	select {
	case c, ok := <-chunks:
		if !ok {
			return stopped // the run was stopped
		}
		f.keep(c)
	case <-f.room:
	case <-timer.C:
		if !alive(body) {
			return stopped
		}
	case <-stop:
		return stopped
	}
	return goOn
}

// idle waits until wake is closed, and keeps the request alive. It returns false when the
// request has ended.
func (f *feeder) idle(body *io.PipeWriter, wake, stop <-chan struct{}) bool {
	timer := time.NewTimer(keepAlive)
	defer timer.Stop()
	select {
	case <-wake:
		return true
	case <-timer.C:
		return alive(body)
	case <-stop:
		return false
	}
}

// alive writes a blank before the next row, which has no meaning.
func alive(body *io.PipeWriter) bool {
	_, err := body.Write([]byte(" "))
	return err == nil
}

// appendRow appends a row as a line of NDJSON. A faulty row is an empty line, so that the
// server counts it.
func appendRow(b []byte, r *row) []byte {
	if r.faulty {
		return append(b, '\n')
	}
	b = append(b, `{"userid":`...)
	b = appendText(b, r.id)
	if r.nick != "" {
		b = appendText(append(b, `,"nick":`...), r.nick)
	}
	if r.faceURL != "" {
		b = appendText(append(b, `,"face_url":`...), r.faceURL)
	}
	for i, f := range r.tags {
		if i == 0 {
			b = append(b, `,"profile":{`...)
		} else {
			b = append(b, ',')
		}
		b = appendField(b, f)
	}
	if len(r.tags) > 0 {
		b = append(b, '}')
	}
	return append(b, '}', '\n')
}

func appendField(b []byte, f client.Field) []byte {
	b = append(appendText(b, f.Tag), ':')
	if f.IsNumber {
		return strconv.AppendUint(b, f.Number, 10)
	}
	return appendText(b, f.Text)
}

// appendText appends a text as JSON. Sources yield valid UTF-8 only.
func appendText(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
