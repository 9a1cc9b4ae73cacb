package link

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
	"rollcall/internal/linkwire"
	"rollcall/internal/session"
)

// A cause is why a link has ended, for the log and the metrics.
type cause string

// Causes of the end of a link, beside those of [session.EndReason].
const (
	closed   cause = "closed"     // the end of the connection was seen
	silent   cause = "silent"     // no answer to a ping, or no room for a frame
	logout   cause = "logout"     // the device logged out
	badInput cause = "bad_frame"  // a frame was not understood, or there were too many
	refused  cause = "refused"    // the login was refused, or there was none
	shutdown cause = "shutdown"   // of the server
	lost     cause = "lost_lease" // of the node
)

// Causes returns all causes with which [Observer.LinkEnded] is called.
func Causes() []string {
	all := []string{string(closed), string(silent), string(logout), string(badInput), string(shutdown), string(lost)}
	for _, r := range []session.EndReason{session.Replaced, session.Superseded, session.Kicked, session.Deleted, session.LoggedOut, session.Expired, session.Dropped} {
		all = append(all, string(r))
	}
	return all
}

// A link is the WebSocket of one device.
type link struct {
	s      *Server
	conn   *websocket.Conn
	host   string // Host header of its request
	origin string // Origin header of its request
	from   netip.Addr
	event  *httpx.Event
	id     uint64
	out    chan outgoing
	done   chan struct{}   // closed with the first end
	cut    func()          // breaks the connection off
	ending <-chan struct{} // closed when the server shuts down; nil for never
	pings  sync.WaitGroup

	node atomic.Value // string, from the login on

	// Only the goroutine of serve uses these.
	app      *account.App
	user     account.UserID
	stored   bool   // the device may be stored
	ready    bool   // the device was told so
	leaveApp func() // nil before the login

	once  sync.Once
	cause cause // valid when done is closed
}

// An outgoing is a frame to write. With a code the link is closed after it.
type outgoing struct {
	frame any // nil for none
	code  int
}

// link returns what tells l apart from all other links.
func (l *link) link() session.Link {
	node, _ := l.node.Load().(string)
	return session.Link{Node: node, ID: l.id}
}

// serve serves l until it has ended and its end is stored, even after a panic. leaveAddress
// gives its place up.
func (l *link) serve(ctx context.Context, leaveAddress func()) {
	var writer sync.WaitGroup
	writer.Go(func() { l.write(ctx) })
	late := time.AfterFunc(helloTime, func() { l.end(refused, nil, linkwire.CloseNoHello) })
	defer func() {
		late.Stop()
		l.end(closed, nil, 0)
		writer.Wait()
		l.cut()
		l.pings.Wait()
		_ = l.conn.CloseNow() // it is closed, or of no use any more
		l.s.remove(l)
		leaveAddress()
		if l.leaveApp != nil {
			l.leaveApp()
		}
		l.event.Add(slog.String("end", string(l.cause)))
		if l.ready {
			l.s.o.Observer.LinkEnded(string(l.cause))
		}
		l.settle()
	}()
	err := l.read(ctx, late)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		l.end(silent, nil, 0) // the server gave it up, because a frame could not be written
	}
}

// read reads the frames of the device until the link ends. It returns why the connection
// cannot be read any more, or nil.
func (l *link) read(ctx context.Context, late *time.Timer) error {
	frames := rate.NewLimiter(frameRate, frameBurst)
	for {
		kind, b, err := l.conn.Read(ctx)
		if err != nil {
			return err
		}
		if !frames.Allow() {
			l.refuse(badInput, &account.Error{Code: account.BadParameter, Detail: "too many frames in a second; send fewer"}, linkwire.CloseTooMany)
			return nil
		}
		frame, err := linkwire.DecodeClient(b)
		if kind != websocket.MessageText {
			err = errBinary
		}
		if err != nil {
			l.refuse(badInput, badFrame(err), linkwire.CloseBadFrame)
			return nil
		}
		if !l.handle(ctx, frame, late) {
			return nil
		}
	}
}

var errBinary = errors.New("the frame is a binary message; send text")

// handle carries out a frame. It returns false if the link has ended.
func (l *link) handle(ctx context.Context, frame any, late *time.Timer) (more bool) {
	switch f := frame.(type) {
	case *linkwire.Hello:
		if l.stored {
			l.refuse(badInput, badFrame(errors.New("the device is logged in; send hello once")), linkwire.CloseBadFrame)
			return false
		}
		if !late.Stop() {
			return false
		}
		return l.hello(ctx, f)
	case *linkwire.Status:
		if l.ready {
			return l.setStatus(f.CustomStatus)
		}
	case *linkwire.Logout:
		if l.ready {
			l.end(logout, nil, linkwire.CloseLoggedOut)
			return false
		}
	}
	l.refuse(badInput, badFrame(errors.New("the device is not logged in; send hello first")), linkwire.CloseBadFrame)
	return false
}

// hello logs in the device.
func (l *link) hello(ctx context.Context, h *linkwire.Hello) bool {
	in, err := l.login(ctx, h)
	if err != nil {
		frame, code := l.refused(err)
		l.count(frame.Code)
		l.end(refused, frame, code)
		return false
	}
	l.count(0)
	l.ready = true
	replaced := make([]string, len(in.Replaced))
	for i := range in.Replaced {
		replaced[i] = string(in.Replaced[i].Platform)
	}
	return l.send(outgoing{frame: linkwire.Ready{
		Type: linkwire.TypeReady, Device: in.Device.ID, Again: in.Again, Replaced: replaced, PingS: int(l.s.o.Ping.Seconds()),
	}})
}

func (l *link) count(code int) {
	l.event.SetCode(code)
	l.s.o.Observer.LinkLogin(code)
}

// setStatus sets the custom status. An error does not end the link.
func (l *link) setStatus(text string) bool {
	err := l.s.storeOnce(l, func(ctx context.Context, all *session.Sessions, at session.Target) error {
		return all.SetStatus(ctx, at, text)
	})
	if err == nil {
		return true
	}
	frame, _ := l.refused(err)
	return l.send(outgoing{frame: frame})
}

// refuse ends the link with an error.
func (l *link) refuse(why cause, err error, code int) {
	frame, _ := l.refused(err)
	l.end(why, frame, code)
}

// told ends the link, whose login session has ended.
func (l *link) told(why session.EndReason) {
	switch why {
	case session.Expired:
		l.end(cause(why), linkwire.Expired{Type: linkwire.TypeExpired}, linkwire.CloseExpired)
	case session.Replaced, session.Superseded:
		l.kicked(why, linkwire.Replaced)
	case session.Kicked:
		l.kicked(why, linkwire.Kicked)
	case session.Deleted:
		l.kicked(why, linkwire.Deleted)
	default:
		l.kicked(why, linkwire.Ended)
	}
}

func (l *link) kicked(why session.EndReason, reason string) {
	l.end(cause(why), linkwire.KickedFrame{Type: linkwire.TypeKicked, Reason: reason, Reconnect: why == session.Dropped}, linkwire.CloseEnded)
}

// end ends the link, unless it has ended. The device receives the frame, if it is not nil,
// and then the code. Without a code the connection is of no use any more. It does not wait.
func (l *link) end(why cause, frame any, code int) {
	l.once.Do(func() {
		l.cause = why
		close(l.done)
		if code == 0 {
			l.cut()
			return
		}
		select {
		case l.out <- outgoing{frame, code}:
		default:
			l.cut() // the device does not read
		}
	})
}

// send sends a frame. It returns false if the link has ended. A device that does not read has
// no link.
func (l *link) send(o outgoing) bool {
	select {
	case <-l.done:
		return false
	case l.out <- o:
		return true
	default:
		l.end(silent, nil, 0)
		return false
	}
}

// write writes frames, and pings, until the link has ended. Then it closes the connection.
func (l *link) write(ctx context.Context) {
	pings := time.NewTicker(l.s.o.Ping)
	defer pings.Stop()
	ending := l.ending
	for {
		select {
		case o := <-l.out:
			if !l.writeOne(ctx, o) {
				return
			}
		case <-pings.C:
			l.ping(ctx)
		case <-ending:
			ending = nil
			l.end(shutdown, linkwire.Going{Type: linkwire.TypeGoing}, linkwire.CloseGoing)
		case <-ctx.Done():
			return
		}
	}
}

// writeOne writes a frame, and closes the link if it is the last one. It returns false at the
// end. A device that takes no frames has gone unseen.
func (l *link) writeOne(ctx context.Context, o outgoing) (more bool) {
	limit := writeTime
	if o.code != 0 {
		limit = closeTime
	}
	stuck := time.AfterFunc(limit, func() {
		l.end(silent, nil, 0)
		l.cut()
	})
	defer stuck.Stop()
	if o.frame != nil {
		if err := l.conn.Write(ctx, websocket.MessageText, linkwire.Encode(o.frame)); err != nil {
			return false // the goroutine that reads notices, too
		}
	}
	if o.code == 0 {
		return true
	}
	_ = l.conn.Close(websocket.StatusCode(o.code), "") // an error means that the device has gone
	return false
}

// ping sends a ping, whose answer the goroutine of serve reads. A device that does not
// answer has gone unseen. The frames of the link do not wait for the answer.
func (l *link) ping(ctx context.Context) {
	l.pings.Go(func() {
		late := time.AfterFunc(pongTime, func() { l.end(silent, nil, 0) })
		defer late.Stop()
		_ = l.conn.Ping(ctx) // an error is noticed by its time or by the goroutine that reads
	})
}

// settle stores the end of the link, unless the store knows it. A device is left as it is
// when the server shuts down: the lease of the node ends with it.
func (l *link) settle() {
	if !l.stored {
		return
	}
	switch l.cause {
	case closed, badInput:
		l.s.store(l, func(ctx context.Context, all *session.Sessions, at session.Target) error { return all.Drop(ctx, at, 0) })
	case silent:
		l.s.store(l, func(ctx context.Context, all *session.Sessions, at session.Target) error {
			return all.Silence(ctx, at, 0, session.Unreachable)
		})
	case logout, refused:
		l.s.store(l, func(ctx context.Context, all *session.Sessions, at session.Target) error {
			return all.Logout(ctx, at, 0)
		})
	case shutdown, lost:
	}
}
