package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// Bounds of the bodies that are sent in one piece with their header, in bytes.
// net/http never splits one of at most leastWhole: it fits the first of its buffers.
// A system call more does not matter for one over mostWhole.
const (
	leastWhole = 2 << 10
	mostWhole  = 64 << 10
)

// A wholeWrite sends a response in one write that net/http would send in two: that
// writes through a buffer of 4 KiB. When the first part of the response arrives, the
// rest is already known, so both are sent at once. The rest is dropped when net/http
// writes it. A wholeWrite belongs to the goroutine that writes the response.
type wholeWrite struct {
	body []byte // what a handler is writing: the whole body of its response
	sent int    // how many of the bytes that come next were sent already
}

// begin notes that a handler is about to write body. It has no effect unless body
// is the whole body, as its Content-Length says, and of a size that matters.
func (w *wholeWrite) begin(h http.Header, body []byte) {
	if len(body) <= leastWhole || len(body) > mostWhole {
		return
	}
	if length := h["Content-Length"]; len(length) == 1 && length[0] == strconv.Itoa(len(body)) {
		w.body = body
	}
}

// end notes that the handler has written the body.
func (w *wholeWrite) end() { w.body = nil }

// write writes p to dst with what belongs to it, or nothing if it was written before.
func (w *wholeWrite) write(dst io.Writer, p []byte) (int, error) {
	if w.body != nil {
		return w.writeAll(dst, p)
	}
	if w.sent == 0 {
		return dst.Write(p)
	}
	n := min(w.sent, len(p))
	w.sent -= n
	if n == len(p) {
		return n, nil
	}
	m, err := dst.Write(p[n:])
	return n + m, err
}

// writeAll writes p and the rest of the body, if p is the header and the first bytes
// of the body.
func (w *wholeWrite) writeAll(dst io.Writer, p []byte) (int, error) {
	body := w.body
	w.body = nil
	_, first, ok := bytes.Cut(p, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(body, first) {
		return dst.Write(p)
	}
	buf := buffers.Get().(*[]byte)
	defer func() { (&Body{buf}).Free() }()
	*buf = append(append(*buf, p...), body[len(first):]...)
	n, err := dst.Write(*buf)
	if err != nil {
		return min(n, len(p)), err
	}
	w.sent = len(body) - len(first)
	return len(p), nil
}
