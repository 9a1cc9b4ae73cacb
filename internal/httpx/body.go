package httpx

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
)

const (
	// newBuffer is the size of a new buffer. A batch of a hundred accounts, the
	// most common large body, fits.
	newBuffer = 16 << 10

	// keepBuffer is the size of the largest buffer that is kept for another
	// request. Without this limit a few huge bodies would occupy their memory
	// for ever.
	keepBuffer = 256 << 10
)

// buffers is a pool of *[]byte of length 0.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, newBuffer)
	return &b
}}

// A BodyTooLargeError reports a body of more than Limit bytes.
type BodyTooLargeError struct {
	Limit int64 // in bytes
}

// Error implements error.
func (e *BodyTooLargeError) Error() string {
	return fmt.Sprintf("request body is larger than %d bytes", e.Limit)
}

// A Body is the complete body of a request in memory.
type Body struct {
	buf *[]byte // nil after Free
}

// ReadBody reads the body of r, which may have at most limit bytes. It adds the
// length to the [Event] of r.
//
// The error is one of these:
//   - A [*BodyTooLargeError] for a larger body. If its Content-Length says so,
//     nothing is read.
//   - The wrapped error of net/http, for a body that ends early, is badly
//     chunked, or does not arrive in time.
//
// Memory grows with the bytes that arrive, not with the Content-Length.
//
// The caller must call [Body.Free] when it no longer needs the bytes.
func ReadBody(r *http.Request, limit int64) (*Body, error) {
	if r.ContentLength > limit {
		return nil, &BodyTooLargeError{Limit: limit}
	}
	b := &Body{buf: buffers.Get().(*[]byte)}
	if err := b.fill(r.Body, limit); err != nil {
		b.Free()
		return nil, err
	}
	event := EventFrom(r.Context())
	event.bytesIn += len(*b.buf)
	event.turn.receive()
	return b, nil
}

// Bytes returns the bytes of the body. They are valid until [Body.Free].
func (b *Body) Bytes() []byte { return *b.buf }

// Free returns the memory of the body to a pool. Nothing may refer to its bytes
// any more. Further calls do nothing.
func (b *Body) Free() {
	buf := b.buf
	b.buf = nil
	if buf == nil || cap(*buf) > keepBuffer {
		return
	}
	*buf = (*buf)[:0]
	buffers.Put(buf)
}

// fill reads src to its end.
func (b *Body) fill(src io.Reader, limit int64) error {
	buf := *b.buf
	defer func() { *b.buf = buf }()
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf))
		}
		n, err := src.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return &BodyTooLargeError{Limit: limit}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request body: %w", err)
		}
	}
}
