package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxResponse is the maximum size of a response in bytes.
const maxResponse = 16 << 20

// A responseReader reads the responses of a connection that has one pending
// request at a time.
type responseReader struct {
	r   io.Reader
	buf []byte
}

// A response is an HTTP response. Its body is valid until the next response is
// read.
type response struct {
	status int
	body   []byte
	size   int // bytes of the whole response
}

// read reads one response.
func (r *responseReader) read() (response, error) {
	n := 0
	var h header
	for {
		m, err := r.r.Read(r.buf[n:])
		n += m
		if h.length == 0 && m > 0 {
			if h, err = parseHeader(r.buf[:n]); err != nil {
				return response{}, err
			}
		}
		if h.length > 0 {
			body, whole, bad := h.body(r.buf[h.length:n])
			if bad != nil || whole {
				return response{h.status, body, n}, bad
			}
		}
		if err != nil {
			return response{}, fmt.Errorf("reading a response: %w", err)
		}
		if err := r.grow(n); err != nil {
			return response{}, err
		}
	}
}

// grow makes the buffer larger than n bytes.
func (r *responseReader) grow(n int) error {
	if n < len(r.buf) {
		return nil
	}
	if n >= maxResponse {
		return fmt.Errorf("a response is larger than %d bytes", maxResponse)
	}
	r.buf = append(r.buf, make([]byte, n)...)
	return nil
}

// A header holds the relevant fields of a response header.
type header struct {
	length  int // bytes of the header; 0 until it has arrived completely
	status  int
	content int // Content-Length; -1 if there is none
	chunked bool
}

var (
	endOfHeader  = []byte("\r\n\r\n")
	endOfLine    = []byte("\r\n")
	lengthField  = []byte("content-length:")
	chunkedField = []byte("transfer-encoding: chunked")
)

var errNotHTTP = errors.New("the response of the server is not HTTP/1.1")

// parseHeader parses the header at the start of b.
func parseHeader(b []byte) (h header, err error) {
	end := bytes.Index(b, endOfHeader)
	if end < 0 {
		return header{}, nil
	}
	line, rest, _ := bytes.Cut(b[:end], endOfLine)
	if len(line) < 12 || string(line[:7]) != "HTTP/1." {
		return header{}, errNotHTTP
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return header{}, errNotHTTP
	}
	h.length, h.content = end+len(endOfHeader), -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, endOfLine)
		switch {
		case hasPrefixFold(line, lengthField):
			if h.content, err = strconv.Atoi(string(bytes.TrimSpace(line[len(lengthField):]))); err != nil {
				return header{}, errNotHTTP
			}
		case hasPrefixFold(line, chunkedField):
			h.chunked = true
		}
	}
	if h.content < 0 && !h.chunked {
		return header{}, errors.New("a response has neither a Content-Length nor chunks")
	}
	return h, nil
}

func hasPrefixFold(line, prefix []byte) bool {
	return len(line) >= len(prefix) && line[0]|0x20 == prefix[0] && bytes.EqualFold(line[:len(prefix)], prefix)
}

// body returns the body that begins with b, and whether it is complete.
func (h *header) body(b []byte) (body []byte, whole bool, err error) {
	if h.chunked {
		return joinChunks(b)
	}
	if len(b) < h.content {
		return nil, false, nil
	}
	return b[:h.content], true, nil
}

// joinChunks joins the chunks in b in place. It does so only when all chunks
// have arrived.
func joinChunks(b []byte) (body []byte, whole bool, err error) {
	if !bytes.HasSuffix(b, endOfHeader) { // the end of the last chunk; trailers do not occur
		return nil, false, nil
	}
	for rest := b; !whole; {
		var chunk []byte
		if chunk, rest, err = nextChunk(rest); chunk == nil || err != nil {
			return nil, false, err
		}
		whole = len(chunk) == 0
	}
	joined := 0
	for rest := b; ; {
		var chunk []byte
		if chunk, rest, _ = nextChunk(rest); len(chunk) == 0 {
			return b[:joined], true, nil
		}
		joined += copy(b[joined:], chunk)
	}
}

// nextChunk returns the first chunk of b and the bytes after it. The chunk is
// nil if it is incomplete, and empty if it is the last.
func nextChunk(b []byte) (chunk, rest []byte, err error) {
	size, after, ok := bytes.Cut(b, endOfLine)
	if !ok {
		return nil, nil, nil
	}
	n, err := strconv.ParseUint(string(size), 16, 31)
	if err != nil {
		return nil, nil, errNotHTTP
	}
	if len(after) < int(n)+len(endOfLine) {
		return nil, nil, nil
	}
	return after[:n], after[int(n)+len(endOfLine):], nil
}
