package listening

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds of a forwarded webhook.
const (
	forwardTimeout = 30 * time.Second
	maxAnswer      = 64 << 10 // bytes of the body of a response that are passed on
)

// hopHeaders are headers of one connection, which are not forwarded (RFC 9110 §7.6.1).
var hopHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// A response is the response to a webhook.
type response struct {
	status int
	header http.Header
	body   []byte
}

func textResponse(status int, text string) *response {
	return &response{status, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(text + "\n")}
}

func (r *response) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // an error means that the sender is gone
}

// newTransport returns a transport that changes neither requests nor responses.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = maxWebhooks
	t.DisableCompression = true
	return t
}

// forward sends a webhook to target, with its query behind that of target, and returns
// the response. It does not follow redirects.
func forward(r *http.Request, body []byte, target *url.URL, transport http.RoundTripper) (*response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), forwardTimeout, errors.New("no response within "+forwardTimeout.String()))
	defer cancel()
	u := *target
	u.RawQuery = strings.Trim(u.RawQuery+"&"+r.URL.RawQuery, "&")
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header.Clone()
	dropHopHeaders(req.Header)
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{""} // the transport would add its own
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, causeOf(ctx, err)
	}
	dropHopHeaders(resp.Header)
	resp.Header.Del("Content-Length") // the body may be cut
	return &response{resp.StatusCode, resp.Header, answer}, nil
}

// causeOf returns the reason why ctx has ended, or else err.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func dropHopHeaders(h http.Header) {
	for _, line := range h.Values("Connection") {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopHeaders {
		h.Del(name)
	}
}
