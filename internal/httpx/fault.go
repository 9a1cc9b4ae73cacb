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

// PlainOnTLS is the Reason of a request that came without TLS to a port of TLS.
const PlainOnTLS = "plain HTTP on a port of TLS"

// A Fault is a request that net/http refused before any handler saw it.
type Fault struct {
	// RequestID is the value of [RequestIDHeader] in the answer.
	RequestID string
	// Status is the HTTP status net/http would have sent, such as 400.
	Status int
	// Reason is the text net/http would have sent. It is one of a few constant
	// texts and holds nothing from the request.
	Reason string
}

// libraryFault recognises the beginning of an answer that net/http wrote by
// itself: an error status, a whole head, and no request id in it.
//
// The head of a fault is always in one piece, because the library writes it at
// once. A head that does not end in p is a long one of ours.
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

// A faultWriter writes the answers to faults and logs them.
type faultWriter struct {
	lg   *slog.Logger
	bad  badLines
	body func(Fault) (http.Header, []byte)
}

// answer returns the answer to f as it goes over the wire. Version is that of
// the library's answer, "HTTP/1.1" or "HTTP/1.0".
func (w *faultWriter) answer(version string, f Fault) []byte {
	f.RequestID = newRequestID()
	w.log(f)
	header, body := w.body(f)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s 200 OK\r\n", version)
	fmt.Fprintf(&b, "Content-Type: application/json\r\n")
	fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	fmt.Fprintf(&b, "Date: %s\r\n", time.Now().UTC().Format(http.TimeFormat))
	fmt.Fprintf(&b, "Connection: close\r\n")
	_ = header.Write(&b) // a buffer takes everything
	fmt.Fprintf(&b, "%s: %s\r\n\r\n", RequestIDHeader, f.RequestID)
	b.Write(body)
	return b.Bytes()
}

// log logs f, or counts it where there are many.
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
