package api

import (
	"net/http"
	"strconv"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// The largest buffers that are kept for another call, in bytes.
const (
	keepAnswer = 64 << 10 // room for a batch of a hundred
	keepQuery  = 4 << 10
)

// A call is one request on its way.
type call struct {
	*endpoint
	app   *account.App
	event *httpx.Event

	explain []reason // what became of the items that failed
	failed  failedItems

	body *httpx.Body // nil until it was read; texts of the request may live in it
	memory
}

// A memory holds what the commands that come by the thousand each second would
// else ask for anew. It serves one call after the other, and between them it
// refers to nothing of either.
type memory struct {
	query    []byte // parameters of the URL that were escaped
	decoder  wire.Decoder
	userIDs  []account.UserID
	items    []account.Upsert
	imports  []directory.Result
	checks   []directory.CheckResult
	imported wire.MultiImportResponse
	checked  wire.CheckResponse
	answer   []byte
}

var calls = sync.Pool{New: func() any { return new(call) }}

// newCall returns a call with the event of its request.
func newCall(r *http.Request) *call {
	c := calls.Get().(*call)
	c.event = httpx.EventFrom(r.Context())
	return c
}

// free ends c. Nothing may refer to its request or its answer any more. A call
// that panics is not freed.
func (c *call) free() {
	if c.body != nil {
		c.body.Free()
	}
	m := &c.memory
	m.decoder.Reset()
	m.userIDs, m.items = emptied(m.userIDs), emptied(m.items)
	m.imports, m.checks = emptied(m.imports), emptied(m.checks)
	m.imported = wire.MultiImportResponse{}
	m.checked = wire.CheckResponse{ResultItem: emptied(m.checked.ResultItem)}
	m.query = m.query[:0]
	if cap(m.answer) > keepAnswer {
		m.answer = nil
	}
	if cap(m.query) > keepQuery {
		m.query = nil
	}
	c.endpoint, c.app, c.event, c.explain, c.body = nil, nil, nil, nil, nil
	c.failed = failedItems{}
	calls.Put(c)
}

// emptied returns the memory of s, cleared and with length 0.
func emptied[T any](s []T) []T {
	clear(s)
	return s[:0]
}

// sized returns a slice of n zero items that lives in s, which is all zero, if
// it fits.
func sized[T any](s []T, n int) []T {
	if n > cap(s) {
		return make([]T, n)
	}
	return s[:n]
}

// encode returns the answer resp, or one that says that resp does not encode.
func (c *call) encode(h http.Header, resp any) []byte {
	b, err := wire.Append(c.answer[:0], resp)
	if err != nil {
		b, _ = wire.Append(b, c.fail(h, err))
	}
	c.answer = b
	return b
}

// setLength sets Content-Length to n.
func setLength(h http.Header, n int) {
	if n < len(lengths) {
		h["Content-Length"] = lengths[n]
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(n)}
}

// lengths are header values for short answers, which most are.
var lengths = func() (l [256][]string) {
	for n := range l {
		l[n] = []string{strconv.Itoa(n)}
	}
	return l
}()
