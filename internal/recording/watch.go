package recording

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// Reasons why a body is not recorded.
const (
	tooLong    = "it has more than 2 MiB"
	compressed = "it is compressed"
	cutShort   = "it was cut off"
)

// A call is a call under way that is being recorded. It is written at the end of the
// response, before the client has all of it: the client's next call comes after it.
type call struct {
	recorder *Recorder
	arrived  time.Time
	request  *http.Request // as it arrived
	sent     []byte        // at most maxBody and one
	response *http.Response
	received copied
	done     bool
}

// A copied is the beginning of a body that is being forwarded.
type copied struct {
	b       []byte
	over    bool  // the body has more than maxBody bytes
	missing int64 // bytes that are still to come; negative if unknown
	whole   bool
}

// add adds what a Read returned.
func (c *copied) add(p []byte, err error) {
	if c.over = c.over || len(c.b)+len(p) > maxBody; !c.over {
		c.b = append(c.b, p...)
	}
	if c.missing >= 0 {
		c.missing -= int64(len(p))
	}
	c.whole = c.whole || err == io.EOF || c.missing == 0
}

// callKey is the key of the *call in the context of a request.
type callKey struct{}

// watch reads the body of req, up to maxBody, and returns a request with the same body.
// The body must be read before: many calls are refused without a look at it, and then a
// part of it would never be read.
func (r *Recorder) watch(req *http.Request) (*http.Request, error) {
	c := &call{recorder: r, arrived: time.Now(), request: req}
	out := req.WithContext(context.WithValue(req.Context(), callKey{}, c))
	if req.Body == nil || req.Body == http.NoBody {
		return out, nil
	}
	b, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	c.sent = b
	out.Body = readCloser{io.MultiReader(bytes.NewReader(b), req.Body), req.Body}
	return out, nil
}

// A readCloser reads from one and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// watchResponse replaces the body of resp by one that records the call at its end.
func watchResponse(resp *http.Response) error {
	if c, ok := resp.Request.Context().Value(callKey{}).(*call); ok {
		c.response, c.received.missing = resp, resp.ContentLength
		resp.Body = &receiving{resp.Body, c}
	}
	return nil
}

// A receiving is the body of a response that is being forwarded.
type receiving struct {
	io.ReadCloser
	call *call
}

// Read implements [io.Reader].
func (r *receiving) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.call.received.add(p[:n], err); r.call.received.whole {
		r.call.end()
	}
	return n, err
}

// Close implements [io.Closer].
func (r *receiving) Close() error {
	err := r.ReadCloser.Close()
	r.call.end() // unless all of it was read
	return err
}

// end records the call once.
func (c *call) end() {
	if c.done {
		return
	}
	c.done = true
	r := c.recorder
	h := newHider(r.o.Names)
	e := &Exchange{
		At:      c.arrived.Sub(r.start).Milliseconds(),
		Took:    time.Since(c.arrived).Milliseconds(),
		Request: c.hiddenRequest(h),
	}
	h.response = true
	e.Response = c.hiddenResponse(h)
	r.record(e)
}

func (c *call) hiddenRequest(h *hider) Request {
	req := Request{
		Method: h.name(c.request.Method), Path: h.path(c.request.URL.EscapedPath()),
		ContentType: h.mediaType(c.request.Header.Get("Content-Type")),
	}
	req.Query, req.UserSig = h.query(c.request.URL.RawQuery, c.arrived)
	req.Body = h.body(c.sent, c.request.Header.Get("Content-Encoding"))
	return req
}

func (c *call) hiddenResponse(h *hider) Response {
	resp := Response{
		Status: c.response.StatusCode, Proto: c.response.Proto,
		ContentType: h.mediaType(c.response.Header.Get("Content-Type")),
	}
	switch {
	case c.received.over:
		resp.Omitted = tooLong
	case !c.received.whole:
		resp.Omitted = cutShort
	default:
		resp.Body = h.body(c.received.b, c.response.Header.Get("Content-Encoding"))
	}
	return resp
}

// body returns what is recorded of a body with a Content-Encoding.
func (h *hider) body(b []byte, encoding string) Body {
	if len(b) > maxBody {
		return Body{Omitted: tooLong}
	}
	switch strings.ToLower(encoding) {
	case "", "identity":
	case "gzip":
		if !h.response {
			return Body{Omitted: compressed} // a compressed request is an experiment of its own
		}
		plain, why := unzip(b)
		if why != "" {
			return Body{Omitted: why}
		}
		b = plain
	default:
		return Body{Omitted: compressed}
	}
	return newBody(rewrite(b, h))
}

// unzip decompresses b, or says why it does not.
func unzip(b []byte) (plain []byte, why string) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, compressed
	}
	plain, err = io.ReadAll(io.LimitReader(z, maxBody+1))
	switch {
	case err != nil:
		return nil, compressed
	case len(plain) > maxBody:
		return nil, tooLong
	}
	return plain, ""
}
