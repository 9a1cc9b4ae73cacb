package httpx

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// PlainOnTLS is the Reason of a request that arrived without TLS at a TLS port.
const PlainOnTLS = "plain HTTP on a port of TLS"

// A Fault is a request that net/http refused before any handler saw it.
type Fault struct {
	// RequestID is the value of [RequestIDHeader] in the response.
	RequestID string
	// Status is the HTTP status that net/http would have sent, such as 400.
	Status int
	// Reason is the text that net/http would have sent. It is one of a few
	// constant texts and contains nothing of the request.
	Reason string
}

// libraryFault recognizes the beginning of a response that net/http wrote by
// itself. Such a response has an error status, a complete head, and no request
// id.
//
// Net/http writes such a head in one piece. A head that does not end in p
// therefore belongs to a handler.
func libraryFault(p []byte) (version string, f Fault, ok bool) {
	const shape = "HTTP/1.1 400"
	if len(p) < len(shape) || string(p[:7]) != "HTTP/1." || p[9] != '4' && p[9] != '5' {
		return "", Fault{}, false
	}
	head, _, whole := strings.Cut(string(p), "\r\n\r\n")
	if !whole || strings.Contains(head, "\r\n"+RequestIDHeader+": ") {
		return "", Fault{}, false
	}
	line, _, _ := strings.Cut(head, "\r\n")
	version, line, _ = strings.Cut(line, " ")
	code, reason, _ := strings.Cut(line, " ")
	status, err := strconv.Atoi(code)
	return version, Fault{Status: status, Reason: reason}, err == nil
}

// A faultWriter builds the responses to faults and logs the faults.
type faultWriter struct {
	lg   *slog.Logger
	bad  badLines
	body func(Fault) (http.Header, []byte)
}

// response returns the bytes of the response to f. Version is that of the
// response of net/http, "HTTP/1.1" or "HTTP/1.0".
func (w *faultWriter) response(version string, f Fault) []byte {
	f.RequestID = newRequestID()
	w.log(f)
	header, body := w.body(f)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s 200 OK\r\n", version)
	fmt.Fprintf(&b, "Content-Type: application/json\r\n")
	fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "Connection: close\r\n")
	_ = header.Write(&b) // a write to a buffer never fails
	fmt.Fprintf(&b, "%s: %s\r\n\r\n", RequestIDHeader, f.RequestID)
	b.Write(body)
	return b.Bytes()
}

// log logs f, or counts it if there are too many.
func (w *faultWriter) log(f Fault) {
	ctx := context.Background()
	if !w.bad.allow(ctx, w.lg, slog.LevelWarn, time.Now()) {
		return
	}
	w.lg.LogAttrs(ctx, slog.LevelWarn, "request",
		slog.String("request_id", f.RequestID),
		slog.Int("fault", f.Status),
		slog.String("reason", f.Reason),
	)
}
