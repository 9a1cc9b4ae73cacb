package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// maxResponse is the largest size of a response in bytes. It is many times the size of
// the profiles of 100 accounts with the longest value of every tag.
const maxResponse = 16 << 20

// A transport sends requests to one server and reads their responses.
type transport struct {
	base      *url.URL
	http      *http.Client
	userAgent string
	attempt   time.Duration // limit of one request
}

// newTransport checks base, and copies hc to follow no redirects, because the requests
// contain credentials for this server only.
func newTransport(base string, hc *http.Client, userAgent string) (*transport, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("client: BaseURL %q is not of the form https://host", base)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("client: BaseURL has more than scheme, host and path; leave the rest out")
	}
	if hc == nil {
		hc = &http.Client{Transport: defaultTransport()}
	}
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if userAgent == "" {
		userAgent = "rollcall-client"
	}
	return &transport{base: u, http: &own, userAgent: userAgent}, nil
}

// defaultTransport returns the transport of net/http with a larger pool of connections to
// one host.
func defaultTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return t
}

// A request is one request to send.
type request struct {
	op, method, path string // op names the request in errors
	query            url.Values
	header           http.Header
	body             []byte    // JSON; nil for none
	stream           io.Reader // a body of any length instead, sent without a limit of time
}

// A response is a response with its whole body.
type response struct {
	status int
	header http.Header
	body   []byte
}

// send sends r once. Every error is a *TransportError, and none contains the query.
func (t *transport) send(ctx context.Context, r *request) (*response, error) {
	if r.stream == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.attempt)
		defer cancel()
	}
	req, err := t.newRequest(ctx, r)
	if err != nil {
		return nil, &TransportError{Op: r.op, Err: withoutURL(err)}
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, &TransportError{Op: r.op, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, &TransportError{Op: r.op, Err: err}
	}
	if len(body) > maxResponse {
		return nil, &TransportError{Op: r.op, Status: resp.StatusCode, Err: fmt.Errorf("the answer is over %d bytes", maxResponse)}
	}
	return &response{resp.StatusCode, resp.Header, body}, nil
}

func (t *transport) newRequest(ctx context.Context, r *request) (*http.Request, error) {
	u := t.base.JoinPath(r.path)
	u.RawQuery = r.query.Encode()
	var body io.Reader
	switch {
	case r.stream != nil:
		body = r.stream
	case r.body != nil:
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.header)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", t.userAgent)
	return req, nil
}

// withoutURL returns the cause of an error of package net/http. The text of the error
// itself would contain the URL and with it the signature.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// untrusted reports whether the certificate of the server is not trusted. A retry cannot
// change that.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}
