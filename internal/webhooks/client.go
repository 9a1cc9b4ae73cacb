package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"rollcall/internal/records"
	"rollcall/webhook"
)

// Limits of a request.
const (
	faithfulTimeout = 2 * time.Second  // the vendor's (protocol-sessions.md §8.1)
	reliableTimeout = 15 * time.Second // the least that Standard Webhooks recommends
	verifyTimeout   = 8 * time.Second  // of a test of a reliable webhook, whose caller waits
	maxAnswer       = 64 << 10         // bytes of a response that are read
	maxHeader       = 64 << 10
	maxShownAnswer  = 1 << 10 // bytes of a response that are shown to a person
)

// A message is one webhook to send.
type message struct {
	id    string // the same in each attempt; "" without the headers of Standard Webhooks
	query webhook.Query
	body  []byte
}

// A result is the outcome of an attempt.
type result struct {
	status     int           // of HTTP; 0 without a response
	reason     string        // why it failed, one sentence; "" after a success
	took       time.Duration //
	retryAfter time.Duration // that the receiver asks for
	answer     string        // beginning of the response
}

func (r *result) ok() bool { return r.reason == "" }

// gone reports whether the receiver wants no more webhooks.
func (r *result) gone() bool { return r.status == http.StatusGone }

// send makes one attempt within its time.
func (s *Service) send(ctx context.Context, w *records.Webhook, m *message, timeout time.Duration) (r result) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begin := time.Now()
	defer func() { r.took = time.Since(begin) }()
	req, err := s.request(ctx, w, m)
	if err != nil {
		return result{reason: err.Error()}
	}
	client, err := s.clients.of(w)
	if err != nil {
		return result{reason: err.Error()}
	}
	resp, err := client.Do(req)
	if err != nil {
		return result{reason: s.refusal(w, err, timeout)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what follows is not read, which closes the connection
	r = result{status: resp.StatusCode, answer: string(body[:min(len(body), maxShownAnswer)]), retryAfter: retryAfter(resp.Header, time.Now())}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		r.reason = fmt.Sprintf("the receiver answered HTTP %d, a redirect, which is not followed; set the URL to which it leads", resp.StatusCode)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		r.reason = fmt.Sprintf("the receiver answered HTTP %d, not 2xx", resp.StatusCode)
	case err != nil:
		r.reason = "the response broke off: " + failure(err, timeout)
	}
	return r
}

// request returns the request of m.
func (s *Service) request(ctx context.Context, w *records.Webhook, m *message) (*http.Request, error) {
	base, err := ParseURL(w.URL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.query.URL(base, w.Token, now).String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, errors.New("no request can be made from the URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Rollcall")
	if m.id == "" || w.Secret == "" {
		return req, nil
	}
	signature, err := webhook.SignStandard(w.Secret, m.id, now, m.body)
	if err != nil {
		return nil, err
	}
	if w.OldSecret != "" && now.Before(w.OldUntil) {
		old, err := webhook.SignStandard(w.OldSecret, m.id, now, m.body)
		if err != nil {
			return nil, err
		}
		signature += " " + old
	}
	req.Header.Set(webhook.HeaderID, m.id)
	req.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(webhook.HeaderSignature, signature)
	return req, nil
}

// refusal is [failure] with what to do if the receiver has ended a TLS connection, as it does
// with a client that has no certificate of its CA.
func (s *Service) refusal(w *records.Webhook, err error, timeout time.Duration) string {
	reason := failure(err, timeout)
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" {
		return fmt.Sprintf("the receiver refused the TLS connection: %v; %s", e.Err, certificateAdvice(w, s.now()))
	}
	if u, e := url.Parse(w.URL); e == nil && u.Scheme == "https" && closed(err) {
		return reason + "; " + certificateAdvice(w, s.now())
	}
	return reason
}

// closed reports whether err is that of a connection which the receiver has closed.
func closed(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// failure says why there is no response. It does not contain the URL, whose query is signed.
func failure(err error, timeout time.Duration) string {
	if e, ok := errors.AsType[*guardError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return "the host has no address; correct the URL, or wait for DNS"
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate of the receiver cannot be verified: " + e.Err.Error()
	}
	if e, ok := errors.AsType[*url.Error](err); ok { // its text has the URL
		if e.Timeout() {
			return fmt.Sprintf("no response came within %v", timeout)
		}
		err = e.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no response came within %v", timeout)
	case errors.Is(err, context.Canceled):
		return "the server stopped before a response came"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the receiver refused the connection; start it, or correct host and port"
	case closed(err):
		return "the receiver closed the connection before its response was complete"
	}
	return "the request failed: " + err.Error()
}

// retryAfter returns the time that a header asks to wait for, 0 without one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
