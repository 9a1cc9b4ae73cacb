package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
)

const (
	// maxSilence is how long a client may send nothing.
	maxSilence = time.Minute

	// extendPart is the part of maxSilence that is between two extensions of deadlines.
	extendPart = 12

	// maxZstdWindow limits the memory of decompression. Zstd needs more only with --ultra or
	// --long.
	maxZstdWindow = 8 << 20
)

// A Conn is the connection of a stream. Its methods can be called by several goroutines.
type Conn interface {
	// Begin is called before the body is read. An error refuses the stream.
	Begin() error

	// Extend lets the connection wait for the client for a duration from now.
	Extend(time.Duration)

	// Interrupt ends a Read of the body that is under way, and each one after it.
	Interrupt()
}

// A Stream is a request that sends rows of an import.
type Stream struct {
	App      account.AppID
	Key      string
	Actor    string
	From     int64     // the row of the first line, from 1
	Body     io.Reader // NDJSON
	Encoding string    // content encoding of the body: "", gzip or zstd
	Conn     Conn
	Ending   <-chan struct{} // closed when the server begins to shut down
}

// Stream imports the rows of q and returns the import. The body's clean end finishes the
// import; any other end leaves it open, and the error says which row comes next.
//
// Codes: NoApp, BadParameter, Conflict if another task works on the import or if rows before
// From are missing, Unavailable, Malformed if the body breaks off.
func (s *Service) Stream(ctx context.Context, q Stream) (*adminapi.Import, error) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return nil, errManyStreams
	}
	if q.From > 1 { // it does not begin an import
		if _, err := s.find(ctx, q.App, q.Key); err == errNoImport {
			return nil, missing(q.From, 1)
		}
	}
	i, err := s.begin(ctx, caller{q.Actor, q.App, q.Key}, nil, newID())
	if err != nil {
		return nil, err
	}
	if i.Ended != "" {
		return s.show(ctx, i)
	}
	if i.Job != nil {
		return nil, &account.Error{Code: account.Conflict, Detail: "the import is a job, which reads a file; choose another key for a stream"}
	}
	stop := make(chan struct{})
	r, err := s.start(ctx, i, stop)
	if errors.Is(err, errEnded) {
		return s.Import(ctx, q.App, q.Key)
	}
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a commit is not ended by a client that hangs up
	defer r.end(ctx)
	if next := r.progress.Row + 1; q.From > next {
		return nil, missing(q.From, next)
	}
	if err := q.Conn.Begin(); err != nil {
		return nil, err
	}
	return r.stream(ctx, q, stop)
}

var errManyStreams error = &account.Error{
	Code: account.Unavailable, Detail: fmt.Sprintf("the server takes %d streams and uploads at once; try again when one has ended", maxStreams),
}

// missing returns the error of a body that begins with the row from when next comes next.
func missing(from, next int64) error {
	return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("row %d comes next, and the body begins with row %d; send the rows between them first", next, from)}
}

// stream imports the rows of q. It closes stop if the server shuts down.
func (r *run) stream(ctx context.Context, q Stream, stop chan struct{}) (*adminapi.Import, error) {
	conn := &connection{conn: q.Conn, silence: r.s.silence}
	r.alive = conn.alive
	body := &bodyReader{body: q.Body, encoding: q.Encoding, conn: conn}
	quit := make(chan struct{})
	rows := newChunker(q.From, r.progress.Row+1, quit, func() int { return int(r.maxRows.Load()) })
	ahead := newBlockReader(body, quit, rows.send)
	var wg sync.WaitGroup
	wg.Go(ahead.run)
	wg.Go(func() { rows.readLines(ahead) })
	done := make(chan struct{})
	wg.Go(func() {
		select {
		case <-q.Ending:
			close(stop)
			conn.interrupt()
		case <-done:
		}
	})
	err := r.follow(ctx, rows, stop)
	close(done)
	close(quit)
	if err != nil {
		conn.interrupt()
	}
	wg.Wait()
	body.close()
	q.Conn.Extend(r.s.silence) // for the response
	if err == nil {
		if err = rows.err; err == io.EOF {
			err = r.finish(ctx, adminapi.ImportDone, "")
		}
	}
	if err == nil || errors.Is(err, errEnded) {
		return r.s.Import(ctx, q.App, q.Key)
	}
	return nil, r.explain(err)
}

// follow commits the chunks of rows until there are no more. It returns an error if no more are
// wanted. Stop also breaks a body off, so it is the reason then.
func (r *run) follow(ctx context.Context, rows *chunker, stop <-chan struct{}) error {
	look := time.NewTicker(leaseRenew / 2)
	defer look.Stop()
	for {
		select {
		case c, ok := <-rows.chunks:
			if !ok {
				return rows.ended(stop)
			}
			if err := r.commit(ctx, c); err != nil {
				return err
			}
			rows.free <- c
		case <-stop:
			return errStopped
		case <-r.wake:
			if err := r.refresh(ctx); err != nil {
				return err
			}
		case <-look.C:
			if err := r.refresh(ctx); err != nil {
				return err
			}
		}
	}
}

// explain returns the error of a stream that did not reach its end.
func (r *run) explain(err error) error {
	var e *account.Error
	next := fmt.Sprintf("rows up to %d are durable; go on from row %d with the same key", r.progress.Row, r.progress.Row+1)
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, errStopped):
		return &account.Error{Code: account.Unavailable, Detail: "the server shuts down; " + next}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &account.Error{Code: account.Malformed, Detail: fmt.Sprintf("no bytes of the body came for %v; %s", r.s.silence, next)}
	case errors.Is(err, errEncoding):
		return &account.Error{Code: account.Malformed, Detail: "the body cannot be decompressed to its end; " + next, Err: err}
	}
	return &account.Error{Code: account.Malformed, Detail: "the body broke off; " + next, Err: err}
}

// A connection extends the deadlines of a Conn until it is interrupted.
type connection struct {
	conn     Conn
	silence  time.Duration
	mu       sync.Mutex
	extended time.Time
	ended    bool
}

// alive extends the deadlines, unless that was done a short time ago.
func (c *connection) alive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); !c.ended && now.Sub(c.extended) > c.silence/extendPart {
		c.extended = now
		c.conn.Extend(c.silence)
	}
}

// interrupt ends reading.
func (c *connection) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.conn.Interrupt()
}

// interrupted reports whether interrupt was called.
func (c *connection) interrupted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// watch interrupts c when ending is closed. unwatch ends that.
func (c *connection) watch(ending <-chan struct{}) (unwatch func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-ending:
			c.interrupt()
		case <-done:
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// A bodyReader decompresses a body.
type bodyReader struct {
	body     io.Reader
	encoding string
	conn     *connection
	from     io.Reader // of the decompressor; nil before the first Read
	freeing  func()
	begun    atomic.Bool // whether the body has bytes
	failed   atomic.Bool // whether the body itself had an error
}

// errEncoding is wrapped by errors of decompression.
var errEncoding = errors.New("the compressed body is damaged")

// Read implements [io.Reader].
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.from == nil {
		if err := b.open(); err != nil {
			return 0, b.because(err)
		}
	}
	n, err := b.from.Read(p)
	switch {
	case err == io.EOF && b.encoding != "" && !b.begun.Load():
		err = b.because(io.ErrUnexpectedEOF) // nothing at all is no compressed body
	case err != nil && err != io.EOF:
		err = b.because(err)
	}
	return n, err
}

// because returns err, or errEncoding if the body itself arrived well.
func (b *bodyReader) because(err error) error {
	if b.encoding == "" || b.failed.Load() {
		return err
	}
	return fmt.Errorf("%w: %w", errEncoding, err)
}

func (b *bodyReader) open() (err error) {
	raw := rawBody{b}
	switch b.encoding {
	case "gzip":
		b.from, err = gzip.NewReader(raw)
	case "zstd":
		var z *zstd.Decoder
		z, err = zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err == nil {
			b.from, b.freeing = z, z.Close
		}
	default:
		b.from = raw
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // without even a header
	}
	return err
}

// close frees the decompressor.
func (b *bodyReader) close() {
	if b.freeing != nil {
		b.freeing()
	}
}

// A rawBody is the body as it arrives.
type rawBody struct{ b *bodyReader }

// Read implements [io.Reader].
func (r rawBody) Read(p []byte) (int, error) {
	r.b.conn.alive()
	n, err := r.b.body.Read(p)
	if n > 0 {
		r.b.begun.Store(true)
	}
	if err != nil && err != io.EOF {
		r.b.failed.Store(true)
	}
	return n, err
}
