package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"rollcall/internal/linkwire"
	"rollcall/internal/wire"
)

// LinkOptions name the device of a link. BaseURL, SDKAppID, UserID, Sign and Platform are
// required.
type LinkOptions struct {
	// BaseURL is the address of a Rollcall server, such as "http://127.0.0.1:7580".
	BaseURL string

	// SDKAppID is the app's number.
	SDKAppID uint32

	// UserID is the account that logs in. The first login creates it.
	UserID string

	// Sign returns a UserSig of the account; see [KeySigner]. It is called again when the
	// UserSig is about to expire, or was refused.
	Sign Signer

	// Platform is the kind of the device: iPhone, iPad, Android, Web, MiniProgram, Windows,
	// Mac or Linux.
	Platform string

	// Instance is what the device calls itself, at most 64 bytes of printable ASCII. Two
	// links with the same instance and platform are those of one device: the second one
	// ends the first one. It is empty for a device that is a new one each time.
	Instance string

	// OnEvent is called with what happens to the link, one call after the other. The link
	// does not read meanwhile, so a call must not take more than a few seconds. It may call
	// SetStatus, but neither Logout nor Close. Optional.
	OnEvent func(LinkEvent)

	// HTTPClient opens the connections. If it is nil, the link uses an HTTP client of its
	// own. Redirects are never followed.
	HTTPClient *http.Client

	// Logger logs each attempt to connect again at level debug; nil logs nothing.
	Logger *slog.Logger
}

// A LinkEventKind is what has happened to a link.
type LinkEventKind string

// Kinds of events of a link.
const (
	LinkConnected LinkEventKind = "connected" // the device is logged in, for the first time or again
	LinkLost      LinkEventKind = "lost"      // the connection has ended; the link connects again
	LinkRefused   LinkEventKind = "refused"   // the server has refused a custom status, as Err says; or the device, and LinkOver follows
	LinkOver      LinkEventKind = "over"      // the link has ended, as Err says; nothing follows
)

// A LinkEvent is what has happened to a link.
type LinkEvent struct {
	Kind     LinkEventKind
	Device   uint64   // ID of the device, of LinkConnected
	Again    bool     // of LinkConnected: the device was still logged in, so the server reports no login
	Replaced []string // of LinkConnected: platforms of the devices that gave way to this one
	Err      error    // of the other kinds; nil after Logout and Close
}

// A LinkEndedError says that the server has ended the login session of a device, which must
// not connect again by itself.
type LinkEndedError struct {
	Reason string // "replaced", "kicked", "deleted" or "ended"
}

// Error implements error.
func (e *LinkEndedError) Error() string {
	return fmt.Sprintf("the server has ended the login session of the device: %s", e.Reason)
}

// Times of a link.
const (
	linkDialTime  = 10 * time.Second // for a connection with its login
	linkWriteTime = 10 * time.Second // for a frame
	linkSlack     = 10 * time.Second // for a ping that is late
	linkSpread    = 3                // doublings of the pause after the end of a server, whose devices all come back at once
)

// A Link is the login session of a device at a Rollcall server. It connects again by itself
// after a break, with growing random pauses, as the same device. It is safe for concurrent
// use.
type Link struct {
	o         LinkOptions
	transport *transport
	sigs      *sigCache
	stop      context.CancelFunc
	done      chan struct{} // closed when the link has ended

	mu     sync.Mutex
	conn   *websocket.Conn // nil while there is none
	device uint64
	leaves bool // Logout was called
	err    error
}

// DialLink logs in a device over a link. It tries again until ctx ends, unless the server
// refuses the login for good; then the error is an [*Error]. ctx has no influence on the link
// afterwards: call [Link.Logout] or [Link.Close] at its end.
func DialLink(ctx context.Context, o LinkOptions) (*Link, error) {
	l, err := newLink(o)
	if err != nil {
		return nil, err
	}
	first, err := l.connect(ctx, 0)
	if err != nil {
		return nil, err
	}
	var base context.Context
	base, l.stop = context.WithCancel(context.Background())
	l.use(first) // before the link is returned, which then can be used
	go l.run(base, first)
	return l, nil
}

// newLink checks o. Its errors name the option to correct.
func newLink(o LinkOptions) (*Link, error) {
	switch {
	case o.SDKAppID == 0:
		return nil, errors.New("client: SDKAppID is 0; give the app's number")
	case o.UserID == "":
		return nil, errors.New("client: UserID is empty; give the account that logs in")
	case o.Sign == nil:
		return nil, errors.New("client: Sign is nil; give a function that makes UserSigs, such as KeySigner")
	case o.Platform == "":
		return nil, errors.New("client: Platform is empty; give the kind of the device, such as Android")
	}
	t, err := newTransport(o.BaseURL, o.HTTPClient, "")
	if err != nil {
		return nil, err
	}
	if o.OnEvent == nil {
		o.OnEvent = func(LinkEvent) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Link{o: o, transport: t, sigs: newSigCache(o.Sign), done: make(chan struct{})}, nil
}

// A linkConn is one connection of a link.
type linkConn struct {
	*websocket.Conn
	ready *linkwire.Ready
	sig   string
	heard chan struct{} // has a token after a ping
}

// connect connects and logs in until it succeeds, ctx ends, or the server refuses it for good.
// n is the number of doublings of the first pause, of which there is none if n is 0.
func (l *Link) connect(ctx context.Context, n int) (*linkConn, error) {
	refused := "" // the UserSig that was refused
	for err := errNoConnect; ; n++ {
		if n > 0 {
			if err := wait(ctx, pauseFor(wire.RetryYes, n-1), err); err != nil {
				return nil, err
			}
		}
		c, sig, failed := l.attempt(ctx, refused)
		if failed == nil {
			return c, nil
		}
		err = failed
		l.o.Logger.LogAttrs(ctx, slog.LevelDebug, "a link could not connect", slog.Any("error", err))
		e, _ := errors.AsType[*Error](err)
		switch {
		case e != nil && refused == "" && (e.Code == CodeSigExpired || e.Code == CodeSigKicked):
			refused = sig
		case ctx.Err() != nil || !canHelp(err):
			return nil, err
		}
	}
}

// errNoConnect is the error of a link that had no time for an attempt.
var errNoConnect = errors.New("the link had no time to connect")

// canHelp reports whether another attempt can succeed after err.
func canHelp(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Retryable
	}
	e, ok := errors.AsType[*TransportError](err)
	return ok && (e.Temporary() || e.Status == http.StatusTooManyRequests)
}

// attempt connects and logs in once, with a UserSig other than refused.
func (l *Link) attempt(ctx context.Context, refused string) (_ *linkConn, sig string, err error) {
	ctx, cancel := context.WithTimeout(ctx, linkDialTime)
	defer cancel()
	if sig, err = l.sigs.get(ctx, refused); err != nil {
		return nil, "", err
	}
	c := &linkConn{sig: sig, heard: make(chan struct{}, 1)}
	conn, resp, err := websocket.Dial(ctx, l.transport.base.JoinPath(linkwire.Path).String(), &websocket.DialOptions{
		HTTPClient: l.transport.http,
		OnPingReceived: func(context.Context, []byte) bool {
			c.hear()
			return true
		},
	})
	if err != nil {
		failed := &TransportError{Op: "link", Err: withoutURL(err)}
		if resp != nil {
			failed.Status = resp.StatusCode
		}
		return nil, sig, failed
	}
	c.Conn = conn
	if err := l.greet(ctx, c); err != nil {
		_ = c.CloseNow() // it is of no use
		return nil, sig, err
	}
	return c, sig, nil
}

// greet logs in the device over a new connection.
func (l *Link) greet(ctx context.Context, c *linkConn) error {
	c.SetReadLimit(linkwire.MaxFrame)
	hello := linkwire.Hello{
		Type: linkwire.TypeHello, SDKAppID: l.o.SDKAppID, UserID: l.o.UserID, UserSig: c.sig,
		Platform: l.o.Platform, Instance: l.o.Instance, Device: l.Device(),
	}
	if err := c.Write(ctx, websocket.MessageText, linkwire.Encode(hello)); err != nil {
		return &TransportError{Op: "link", Err: broken(ctx, err)}
	}
	frame, err := c.next(ctx)
	if err != nil {
		return &TransportError{Op: "link", Err: err}
	}
	switch f := frame.(type) {
	case *linkwire.Ready:
		c.ready = f
		return nil
	case *linkwire.Error:
		_, err := c.next(ctx) // its code says whether it can help to try again
		return refusedBy(f, websocket.CloseStatus(err) == linkwire.CloseBusy)
	case *linkwire.KickedFrame:
		return &LinkEndedError{f.Reason}
	}
	return &TransportError{Op: "link", Err: errors.New("the server did not answer the login")}
}

// refusedBy returns the error of a frame.
func refusedBy(f *linkwire.Error, retryable bool) *Error {
	return &Error{Command: "link", Code: Code(f.Code), Info: f.Info, Retryable: retryable}
}

// next returns the next frame that is known.
func (c *linkConn) next(ctx context.Context) (any, error) {
	for {
		_, b, err := c.Read(ctx)
		if err != nil {
			return nil, broken(ctx, err)
		}
		c.hear()
		if frame, err := linkwire.DecodeServer(b); err != nil || frame != nil {
			return frame, err
		}
	}
}

// A brokenError is the end of a connection, in plain words. The library of WebSockets tells
// which of its steps has failed.
type brokenError struct {
	text  string
	cause error
}

func (e *brokenError) Error() string { return e.text }
func (e *brokenError) Unwrap() error { return e.cause }

// broken returns the error of a connection that was used with ctx and has failed with err.
func broken(ctx context.Context, err error) error {
	code, root := websocket.CloseStatus(err), err
	for errors.Unwrap(root) != nil {
		root = errors.Unwrap(root)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case code >= 0:
		return &brokenError{fmt.Sprintf("the server has closed the link with the code %d", code), err}
	case errors.Is(err, io.EOF):
		return &brokenError{"the connection was closed without a reason", err}
	}
	return &brokenError{"the connection was lost: " + root.Error(), err}
}

// hear notes that the server lives.
func (c *linkConn) hear() {
	select {
	case c.heard <- struct{}{}:
	default:
	}
}

// run keeps the link until it ends. c is its first connection.
func (l *Link) run(ctx context.Context, c *linkConn) {
	defer close(l.done)
	var err error
	for err == nil {
		next := 1
		if l.use(c) {
			l.o.OnEvent(LinkEvent{Kind: LinkConnected, Device: c.ready.Device, Again: c.ready.Again, Replaced: c.ready.Replaced})
			next, err = l.serve(ctx, c)
		}
		l.drop(c)
		if ctx.Err() != nil || l.leaving() {
			err = nil
			break
		}
		if err != nil {
			break
		}
		c, err = l.connect(ctx, next)
	}
	if ctx.Err() != nil {
		err = nil
	}
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	l.stop()
	l.o.OnEvent(LinkEvent{Kind: LinkOver, Err: err})
}

// use makes c the connection of the link. It returns false if the link ends.
func (l *Link) use(c *linkConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn, l.device = c.Conn, c.ready.Device
	return !l.leaves
}

// drop ends the connection c. The server sees its end, unless it knows it already.
func (l *Link) drop(c *linkConn) {
	l.mu.Lock()
	l.conn = nil
	l.mu.Unlock()
	_ = c.CloseNow()
}

func (l *Link) leaving() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leaves
}

// serve reads frames until the connection ends. next is the number of doublings of the pause
// before another one. An error ends the link.
func (l *Link) serve(ctx context.Context, c *linkConn) (next int, err error) {
	watched, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { c.watch(watched, cancel) })
	defer watch.Wait()
	defer cancel(nil)
	next = 1
	var refused error
	for {
		frame, err := c.next(watched)
		if websocket.CloseStatus(err) == linkwire.CloseRefused && refused != nil {
			return 0, refused
		}
		if err != nil {
			if !l.leaving() && ctx.Err() == nil {
				l.o.OnEvent(LinkEvent{Kind: LinkLost, Err: err})
			}
			return next, nil
		}
		switch f := frame.(type) {
		case *linkwire.Error:
			refused = refusedBy(f, false)
			l.o.OnEvent(LinkEvent{Kind: LinkRefused, Err: refused})
		case *linkwire.Going:
			next = 1 + linkSpread
		case *linkwire.Expired:
			l.sigs.forget(ctx, c.sig)
		case *linkwire.KickedFrame:
			if !f.Reconnect {
				return 0, &LinkEndedError{f.Reason}
			}
		}
	}
}

// errSilent is the error of a link whose server says nothing more.
var errSilent = errors.New("the server was silent for too long")

// watch ends the connection if nothing is heard of the server for much longer than the time
// between two pings.
func (c *linkConn) watch(ctx context.Context, end context.CancelCauseFunc) {
	limit := 2*time.Duration(c.ready.PingS)*time.Second + linkSlack
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.heard:
			timer.Reset(limit)
		case <-timer.C:
			end(errSilent)
			return
		}
	}
}

// Device returns the ID of the device, its Instid in the status queries.
func (l *Link) Device() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.device
}

// ErrNoConnection is returned while a link has no connection.
var ErrNoConnection = errors.New("the link has no connection at the moment; wait for LinkConnected")

// SetStatus sets the custom status of the account, at most 100 bytes of UTF-8. An empty text
// clears it. It ends when no device of the account is online, so a program sets it after each
// LinkConnected. If the server refuses it, there is an event LinkRefused. The error is
// [ErrNoConnection] or that of the connection.
func (l *Link) SetStatus(ctx context.Context, text string) error {
	return l.write(ctx, linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: text})
}

func (l *Link) write(ctx context.Context, frame any) error {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn == nil {
		return ErrNoConnection
	}
	ctx, cancel := context.WithTimeout(ctx, linkWriteTime)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, linkwire.Encode(frame)); err != nil {
		return broken(ctx, err)
	}
	return nil
}

// Logout ends the login session of the device and the link. Without a connection it ends the
// link alone, and returns [ErrNoConnection]. If ctx ends before the server has answered, the
// link ends and the outcome is unknown.
func (l *Link) Logout(ctx context.Context) error {
	l.mu.Lock()
	l.leaves = true
	l.mu.Unlock()
	err := l.write(ctx, linkwire.Logout{Type: linkwire.TypeLogout})
	if err == nil {
		select {
		case <-l.done:
			return nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	l.Close()
	return err
}

// Close ends the link without a logout, as the end of the process does. It returns when
// nothing of the link is left.
func (l *Link) Close() {
	l.stop()
	<-l.done
}

// Wait returns when the link has ended: nil after Logout or Close, a [*LinkEndedError] if the
// server has ended it, an [*Error] if the app no longer admits the device, and otherwise why it
// cannot connect again.
func (l *Link) Wait() error {
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
