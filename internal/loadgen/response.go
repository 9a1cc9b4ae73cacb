package loadgen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 16 << 20

// An answerReader reads the answers of a connection on which one request is
// under way at a time.
type answerReader struct {
	r   io.Reader
	buf []byte
}

// An answer is an HTTP response. Its body is good until the next one is read.
type answer struct {
	status int
	body   []byte
	size   int // of the whole response
}

// read reads one answer.
func (a *answerReader) read() (answer, error) {
	n := 0
	var h header
	for {
		m, err := a.r.Read(a.buf[n:])
		n += m
		if h.length == 0 && m > 0 {
			if h, err = parseHeader(a.buf[:n]); err != nil {
				return answer{}, err
			}
		}
		if h.length > 0 {
			body, whole, bad := h.body(a.buf[h.length:n])
			if bad != nil || whole {
				return answer{h.status, body, n}, bad
			}
		}
		if err != nil {
			return answer{}, fmt.Errorf("reading an answer: %w", err)
		}
		if err := a.grow(n); err != nil {
			return answer{}, err
		}
	}
}

// grow makes room for more than n bytes.
func (a *answerReader) grow(n int) error {
	if n < len(a.buf) {
		return nil
	}
	if n >= maxAnswer {
		return fmt.Errorf("an answer is larger than %d bytes", maxAnswer)
	}
	a.buf = append(a.buf, make([]byte, n)...)
	return nil
}

// A header is what matters of the header of a response.
type header struct {
	length  int // in bytes; 0 if it has not arrived as a whole
	status  int
	content int // bytes of the body; -1 if they are not announced
	chunked bool
}

var (
	endOfHeader  = []byte("\r\n\r\n")
	endOfLine    = []byte("\r\n")
	lengthField  = []byte("content-length:")
	chunkedField = []byte("transfer-encoding: chunked")
)

var errNotHTTP = errors.New("the server does not answer in HTTP/1.1")

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
		return header{}, errors.New("an answer does not say how long it is")
	}
	return h, nil
}

func hasPrefixFold(line, prefix []byte) bool {
	return len(line) >= len(prefix) && line[0]|0x20 == prefix[0] && bytes.EqualFold(line[:len(prefix)], prefix)
}

// body returns the body that begins with b, and whether all of it is there.
func (h *header) body(b []byte) (body []byte, whole bool, err error) {
	if h.chunked {
		return joinChunks(b)
	}
	if len(b) < h.content {
		return nil, false, nil
	}
	return b[:h.content], true, nil
}

// joinChunks joins the chunks in b, in place and only when all are there.
func joinChunks(b []byte) (body []byte, whole bool, err error) {
	if !bytes.HasSuffix(b, endOfHeader) { // as after the last chunk; there are no trailers
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

// nextChunk returns the first chunk of b, which is nil if it is not all there
// and empty if it is the last, and what follows it.
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
