package api

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
	"rollcall/usersig"
)

// Maximum sizes in bytes of the buffers that are kept for another call.
const (
	keepResponse = 64 << 10 // enough for a batch of 100
	keepQuery    = 4 << 10
)

// A call is one request while it is served.
type call struct {
	*endpoint
	app   *account.App
	event *httpx.Event

	explain []reason // why items failed
	failed  failedItems

	observed
	injected

	body *httpx.Body // nil until it is read; texts of the request may share its memory
	memory
}

// An observed is what the record of a call needs; see [Server.record].
type observed struct {
	test     bool         // the app is a test app, on a server that allows them
	kept     bool         // the call is recorded even if it succeeds
	sig      *usersig.Sig // nil if it was not found genuine
	caller   account.UserID
	peer     netip.Addr
	refused  refusal
	failures []calls.Failure // if kept
	shadow   wire.Code       // code that would have refused the call if limits were enforced
}

// An injected is what goes wrong on purpose with a call of a test app.
type injected struct {
	fault  *faults.Injection // nil if nothing goes wrong
	doomed []int             // indexes of the items that the fault fails, in order
}

// A memory holds the buffers of a call that are reused, so that the busiest
// commands do not allocate. It belongs to one call at a time. Between calls it
// is cleared and refers to none of them.
type memory struct {
	query    []byte // unescaped parameters of the URL
	decoder  wire.Decoder
	userIDs  []account.UserID
	items    []account.Upsert
	imports  []directory.Result
	checks   []directory.CheckResult
	presence []directory.PresenceResult
	status   wire.OnlineStatusResponse
	imported wire.MultiImportResponse
	checked  wire.CheckResponse
	response []byte
}

var callPool = sync.Pool{New: func() any { return new(call) }}

// newCall returns a call for r, with the event of r.
func newCall(r *http.Request) *call {
	c := callPool.Get().(*call)
	c.event = httpx.EventFrom(r.Context())
	return c
}

// free returns c to the pool. Nothing may refer to its request or its response
// any more. A call that panics is not freed.
func (c *call) free() {
	if c.body != nil {
		c.body.Free()
	}
	m := &c.memory
	m.decoder.Reset()
	m.userIDs, m.items = emptied(m.userIDs), emptied(m.items)
	m.imports, m.checks = emptied(m.imports), emptied(m.checks)
	m.presence = emptied(m.presence)
	m.status = wire.OnlineStatusResponse{QueryResult: emptied(m.status.QueryResult), ErrorList: emptied(m.status.ErrorList)}
	m.imported = wire.MultiImportResponse{}
	m.checked = wire.CheckResponse{ResultItem: emptied(m.checked.ResultItem)}
	m.query = m.query[:0]
	if cap(m.response) > keepResponse {
		m.response = nil
	}
	if cap(m.query) > keepQuery {
		m.query = nil
	}
	c.endpoint, c.app, c.event, c.explain, c.body = nil, nil, nil, nil, nil
	c.failed, c.observed, c.injected = failedItems{}, observed{}, injected{}
	callPool.Put(c)
}

// emptied returns the memory of s, cleared and with length 0.
func emptied[T any](s []T) []T {
	clear(s)
	return s[:0]
}

// sized returns a slice of n zero items. It uses the memory of s, which must be
// all zero, if that is large enough.
func sized[T any](s []T, n int) []T {
	if n > cap(s) {
		return make([]T, n)
	}
	return s[:n]
}

// encode encodes resp. If resp cannot be encoded, it encodes an error response
// instead.
func (c *call) encode(h http.Header, resp any) []byte {
	b, err := wire.Append(c.response[:0], resp)
	if err != nil {
		b, _ = wire.Append(b, c.fail(h, err))
	}
	c.response = b
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

// lengths are the header values for short responses, which most are.
var lengths = func() (l [256][]string) {
	for n := range l {
		l[n] = []string{strconv.Itoa(n)}
	}
	return l
}()
