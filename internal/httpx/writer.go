package httpx

import "net/http"

// A responseWriter records what is sent through it. [http.ResponseController]
// reaches the writer below it.
type responseWriter struct {
	http.ResponseWriter
	x       *exchange
	status  int // 0 until the response has begun
	written int64
}

// Unwrap returns the writer below w, for [http.ResponseController].
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *responseWriter) WriteHeader(status int) {
	switch {
	case status >= http.StatusOK:
		w.begin(status)
	case status == http.StatusSwitchingProtocols && w.status == 0:
		w.status = status // the handler takes the connection over
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	if c := w.x.event.turn.http1; c != nil {
		c.whole.begin(w.Header(), p)
		defer c.whole.end()
	}
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	return n, err
}

// FlushError sends what has been written so far. [http.ResponseController]
// calls it.
func (w *responseWriter) FlushError() error {
	w.begin(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// begin records that the response begins. Its status is status unless another
// one was set.
func (w *responseWriter) begin(status int) {
	if w.status == 0 {
		w.status = status
		w.x.event.turn.respond(w.ResponseWriter, w.x.r)
	}
}

// begun reports whether a part of the response may have reached the client.
func (w *responseWriter) begun() bool { return w.status != 0 }

// statusSent returns the status of a finished response. If a handler wrote
// nothing, net/http sends 200.
func (w *responseWriter) statusSent() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
