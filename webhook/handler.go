package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// MaxBody is the most bytes that a [Handler] reads of a body.
const MaxBody = 1 << 20

// A Handler receives the webhooks of one app. It must not be changed while it serves. Its
// responses are:
//
//   - 200 with the documented JSON, if Handle returned nil
//   - 401 if a signature is missing, wrong or too old
//   - 400 for another app, and for a malformed query or body
//   - 405 for a method other than POST, and 413 for a body above [MaxBody]
//   - 500 if Handle returned an error, so that a sender that retries sends the event again
//
// A response other than 200 has one line of text that says what is wrong. The text of an
// error of Handle is only logged.
//
// Without Token and Secret, a Handler accepts every request: anyone who knows the URL can
// invent events.
type Handler struct {
	// Token, if not empty, is the token of the app's webhook settings. Every request must
	// have a right Sign and RequestTime. They do not cover the body.
	Token string

	// Secret, if not empty, is the secret of Standard Webhooks, whsec_ and base64. Every
	// request must have a right signature of its body. The vendor does not sign bodies.
	Secret string

	// SDKAppID, if not 0, is the app whose webhooks are accepted.
	SDKAppID uint32

	// Handle handles an event. It may be called concurrently. Its context ends when the
	// sender closes the connection: the vendor waits for 2 seconds and does not retry, so
	// work that takes longer must go on elsewhere.
	Handle func(ctx context.Context, e *Event) error

	// Logger logs refused requests and errors of Handle. Nil means [slog.Default].
	Logger *slog.Logger

	// Now returns the time. Nil means [time.Now].
	Now func() time.Time
}

// ServeHTTP receives a webhook. It implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lg := cmp.Or(h.Logger, slog.Default())
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a webhook is a POST request", http.StatusMethodNotAllowed)
		return
	}
	e, err := h.Read(r)
	if err != nil {
		lg.WarnContext(r.Context(), "webhook refused", "from", r.RemoteAddr, "err", err)
		status := statusOf(err)
		text := err.Error()
		if status == http.StatusInternalServerError {
			text = "the receiver is not set up"
		}
		http.Error(w, text, status)
		return
	}
	if err := h.Handle(r.Context(), e); err != nil {
		lg.ErrorContext(r.Context(), "webhook not handled", "command", e.Command, "id", e.ID, "err", err)
		http.Error(w, "the receiver could not handle the event", http.StatusInternalServerError)
		return
	}
	WriteOK(w)
}

// Read verifies a request and returns its event, without writing a response and without a
// call of Handle. The error is one of this package, or says that Secret is malformed. After
// it, the body of r is read.
func (h *Handler) Read(r *http.Request) (*Event, error) {
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	query := r.URL.Query()
	if h.Token != "" {
		if err := VerifySign(h.Token, query, now()); err != nil {
			return nil, err
		}
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if h.Secret != "" {
		if err := VerifyStandard(h.Secret, r.Header, body, now()); err != nil {
			return nil, err
		}
	}
	e, err := Parse(query, body)
	if err != nil {
		return nil, err
	}
	if h.SDKAppID != 0 && e.SDKAppID != h.SDKAppID {
		return nil, fmt.Errorf("%w: SdkAppid is %d, and this receiver is for %d", ErrOtherApp, e.SDKAppID, h.SDKAppID)
	}
	e.ID = r.Header.Get(HeaderID)
	return e, nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%w: the body could not be read: %w", ErrMalformed, err)
	}
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, MaxBody)
	}
	return body, nil
}

// statusOf returns the status of the response to a request that Read refuses.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrSignature):
		return http.StatusUnauthorized
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrOtherApp), errors.Is(err, ErrMalformed):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// okBody is the documented body of a response (protocol-sessions.md §5).
const okBody = `{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}`

// WriteOK writes the response that says that the event was handled.
func WriteOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, okBody) // an error means that the sender is gone
}
