package httpx

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// handshakeTimeout limits the duration of one handshake. A [ConnLimit] limits
// the number of handshakes. It closes the oldest connection, so clients that
// send nothing cannot keep others out.
const handshakeTimeout = 10 * time.Second

// A handshaker is a listener whose connections are of type [*tls.Conn] and have
// completed their handshake. Each handshake runs in its own goroutine, so a
// slow client does not delay others.
type handshaker struct {
	net.Listener
	config *tls.Config
	faults *faultWriter

	failures failures

	accepted chan acceptResult // unbuffered, so nothing is lost on Close
	done     chan struct{}     // closed by Close

	start      sync.Once // starts the loop, or prevents its start
	stop       sync.Once
	wg         sync.WaitGroup // of the loop
	handshakes sync.WaitGroup
}

// An acceptResult is the result of one call of Accept.
type acceptResult struct {
	conn *tls.Conn
	err  error
}

// newHandshaker returns a handshaker that accepts from inner.
func newHandshaker(inner net.Listener, config *tls.Config, w *faultWriter) *handshaker {
	config = config.Clone()
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	return &handshaker{
		Listener: inner,
		config:   config,
		faults:   w,
		accepted: make(chan acceptResult),
		done:     make(chan struct{}),
	}
}

// Accept implements [net.Listener].
func (h *handshaker) Accept() (net.Conn, error) {
	h.start.Do(func() { h.wg.Go(h.acceptLoop) })
	select {
	case a := <-h.accepted:
		if a.err != nil {
			return nil, a.err
		}
		return a.conn, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener] and waits for all goroutines.
func (h *handshaker) Close() error {
	err := net.ErrClosed
	h.stop.Do(func() {
		h.start.Do(func() {}) // prevents a start after Close
		close(h.done)
		err = h.Listener.Close()
		h.wg.Wait()
		h.handshakes.Wait()
	})
	return err
}

// acceptLoop accepts connections until Close. If the inner listener is closed
// before, Accept still returns the connections that have been accepted.
func (h *handshaker) acceptLoop() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel() // ends the running handshakes
	for {
		c, err := h.Listener.Accept()
		if err == nil {
			h.handshakes.Go(func() { h.handshake(ctx, c) })
			continue
		}
		if errors.Is(err, net.ErrClosed) && !h.awaitHandshakes() || !h.deliver(acceptResult{err: err}) {
			return
		}
	}
}

// awaitHandshakes waits for the running handshakes. It returns false after Close.
func (h *handshaker) awaitHandshakes() bool {
	over := make(chan struct{})
	go func() {
		defer close(over)
		h.handshakes.Wait()
	}()
	select {
	case <-over:
		return true
	case <-h.done:
		return false
	}
}

// deliver passes a to a caller of Accept. It returns false after Close.
func (h *handshaker) deliver(a acceptResult) bool {
	select {
	case h.accepted <- a:
		return true
	case <-h.done:
		return false
	}
}

// handshake performs the TLS handshake on raw and delivers the connection. It
// closes raw on failure.
func (h *handshaker) handshake(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	c := tls.Server(raw, h.config)
	if err := c.HandshakeContext(ctx); err != nil {
		h.reject(ctx, raw, err)
		return
	}
	if !h.deliver(acceptResult{conn: c}) {
		raw.Close()
	}
}

// reject closes a connection whose handshake failed with err. A client that
// sends plain HTTP gets a response that it can read.
func (h *handshaker) reject(ctx context.Context, raw net.Conn, err error) {
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	defer raw.Close()
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && looksLikeHTTP(e.RecordHeader[:]) {
		f := Fault{Status: http.StatusBadRequest, Reason: PlainOnTLS}
		err = newConn(raw, h.faults).refuse("HTTP/1.1", f)
	}
	if err != nil {
		h.logFailure(ctx, raw.RemoteAddr(), err)
	}
}

// failureInterval is the minimum time between two warnings of failed
// handshakes. Each client that does not trust the certificate causes many.
const failureInterval = time.Minute

// logFailure logs a failed handshake. Once per interval it is a warning with
// the number of failures since the last warning. The others are logged at level
// Debug. A connection that was closed or sent nothing is never a warning,
// because health checks do that.
func (h *handshaker) logFailure(ctx context.Context, remote net.Addr, err error) {
	level, unseen := slog.LevelDebug, 0
	if ctx.Err() == nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
		level, unseen = h.failures.next(time.Now())
	}
	h.faults.lg.LogAttrs(ctx, level, "tls handshake failed",
		slog.String("remote", remote.String()), slog.String("err", err.Error()), slog.Int("unseen", unseen))
}

// failures decides the level at which failed handshakes are logged.
type failures struct {
	mu     sync.Mutex
	warned time.Time
	unseen int // failures since warned
}

func (f *failures) next(now time.Time) (level slog.Level, unseen int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.warned.IsZero() && now.Sub(f.warned) < failureInterval {
		f.unseen++
		return slog.LevelDebug, 0
	}
	unseen, f.warned, f.unseen = f.unseen, now, 0
	return slog.LevelWarn, unseen
}

// looksLikeHTTP reports whether b, the first bytes of a connection, begins an
// HTTP/1 request. TLS begins with a byte below 0x20.
func looksLikeHTTP(b []byte) bool {
	for _, method := range []string{"POST ", "GET ", "HEAD ", "PUT ", "OPTIO", "DELET", "PATCH"} {
		if bytes.HasPrefix(b, []byte(method)) {
			return true
		}
	}
	return false
}
