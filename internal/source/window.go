package source

import (
	"bytes"
	"errors"
	"io"
)

// windowSize is a compromise: few reads, and little memory.
const windowSize = 4 * MaxRecord

// errTooLong says that a record does not end within [MaxRecord].
var errTooLong = errors.New("the record is too long")

// A window is the part of a file that is in memory. It begins with the record that is
// being read.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int
	line       int // of buf[start], from 1
	err        error
}

func newWindow(r io.Reader) *window { return &window{r: r, buf: make([]byte, windowSize), line: 1} }

// data returns what is in memory. It is valid until more is called.
func (w *window) data() []byte { return w.buf[w.start:w.end] }

// more reads on, so that data gets longer. It returns io.EOF at the end of the file and
// errTooLong if data is longer than a record may be.
func (w *window) more() error {
	if w.err != nil {
		return w.err
	}
	if w.end-w.start > MaxRecord {
		return errTooLong
	}
	w.end = copy(w.buf, w.buf[w.start:w.end])
	w.start = 0
	n, err := readSome(w.r, w.buf[w.end:])
	w.end += n
	w.err = err
	if n > 0 {
		return nil
	}
	return err
}

// readSome is a Read that returns bytes or an error, also of a reader that returns neither.
func readSome(r io.Reader, p []byte) (int, error) {
	for range 100 {
		if n, err := r.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// take moves the beginning of the window behind n bytes, which contain a number of ends of
// lines.
func (w *window) take(n, lines int) {
	w.start += n
	w.line += lines
}

// find returns the position of c in data, from a position on.
func (w *window) find(from int, c byte) (int, error) {
	for {
		if i := bytes.IndexByte(w.data()[from:], c); i >= 0 {
			return from + i, nil
		}
		from = len(w.data())
		if err := w.more(); err != nil {
			return from, err
		}
	}
}

// peek returns the byte at a position, or false at the end of the file. An error other
// than io.EOF is returned.
func (w *window) peek(at int) (c byte, ok bool, err error) {
	for at >= len(w.data()) {
		if err := w.more(); err == io.EOF {
			return 0, false, nil
		} else if err != nil {
			return 0, false, err
		}
	}
	return w.data()[at], true, nil
}

// lineEnd returns the length of the line at the beginning of the window without its end,
// and with it. It returns errTooLong if the line is longer than a record may be, also if
// its end is in memory.
func (w *window) lineEnd() (text, whole int, err error) {
	n, err := w.find(0, '\n')
	if err == io.EOF && n > 0 {
		return trimCR(w.data()[:n]), n, tooLong(n)
	}
	if err != nil {
		return 0, 0, err
	}
	return trimCR(w.data()[:n]), n + 1, tooLong(n)
}

func tooLong(n int) error {
	if n > MaxRecord {
		return errTooLong
	}
	return nil
}

// trimCR returns the length of a line without the CR at its end.
func trimCR(line []byte) int {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return n - 1
	}
	return len(line)
}

// nothing is a function for skipLine.
func nothing([]byte) {}

// skipLine moves the window behind the line at its beginning, however long it is. It calls
// see with each part of the line.
func (w *window) skipLine(see func(part []byte)) error {
	for {
		if i := bytes.IndexByte(w.data(), '\n'); i >= 0 {
			see(w.data()[:i])
			w.take(i+1, 1)
			return nil
		}
		see(w.data())
		w.take(len(w.data()), 0)
		if err := w.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
