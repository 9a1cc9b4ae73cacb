package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// Limits of the bodies that are sent in one piece with their header, in bytes.
// Net/http never splits a body of at most minWhole, because it fits into its
// first buffer. For a body over maxWhole one more system call does not matter.
const (
	minWhole = 2 << 10
	maxWhole = 64 << 10
)

// A wholeWrite sends in one write a response that net/http would send in two,
// through its buffer of 4 KiB. When net/http writes the first part of the
// response, the rest is already known, so both are sent at once. When net/http
// writes the rest, it is dropped. A wholeWrite belongs to the goroutine that
// writes the response.
type wholeWrite struct {
	body []byte // the complete body of the response, while a handler writes it
	sent int    // how many of the next bytes have already been sent
}

// begin records that a handler is about to write body. It does nothing if body
// is not the complete body according to its Content-Length, or if its size is
// outside the limits.
func (w *wholeWrite) begin(h http.Header, body []byte) {
	if len(body) <= minWhole || len(body) > maxWhole {
		return
	}
	if length := h["Content-Length"]; len(length) == 1 && length[0] == strconv.Itoa(len(body)) {
		w.body = body
	}
}

// end records that the handler has written the body.
func (w *wholeWrite) end() { w.body = nil }

// write writes p to dst, together with the rest of the body if it is known. It
// drops bytes that have already been sent.
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

// writeAll writes p and the rest of the body, if p consists of the header and
// the first bytes of the body.
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
