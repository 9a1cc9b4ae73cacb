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

	notAdmitted cause = "not_admitted" // by the app any more; see [link.admitAgain]
)

// Causes returns all causes with which [Observer.LinkEnded] is called.
func Causes() []string {
	all := []string{string(closed), string(silent), string(logout), string(badInput), string(notAdmitted), string(shutdown), string(lost)}
	for _, r := range []session.EndReason{session.Replaced, session.Superseded, session.Kicked, session.Deleted, session.LoggedOut, session.Expired, session.Dropped} {
		all = append(all, string(r))
	}
	return all
}

// A link is the WebSocket of one device.
type link struct {
	s      *Server
	conn   *websocket.Conn
	raw    net.Conn // the connection of conn; its Close breaks the link off
	host   string   // Host header of its request
	origin string   // Origin header of its request
	from   netip.Addr
	event  *httpx.Event
	id     uint64
	ending <-chan struct{} // closed when the server shuts down; nil for never
	frames *rate.Limiter   // of the frames of the device
	pinger *time.Timer     // of the next ping

	mu      sync.Mutex
	queue   []outgoing // frames that wait to be written
	writing bool       // a goroutine writes them
	broken  bool       // no frame can be written any more
	ended   bool
	cause   cause          // of the end
	writes  sync.WaitGroup // goroutines that write
	pings   sync.WaitGroup // goroutines of pings

	app  atomic.Uint32 // SDKAppID, from the hello on
	node atomic.Value  // string, from the login on

	// Only the goroutine that serves the link uses these.
	late   *time.Timer // ends the link if no hello comes
	user   account.UserID
	counts bool // it is counted as a link of its app
	stored bool // the device may be stored
	ready  bool // the device was told so
}

// link returns what tells l apart from all other links.
func (l *link) link() session.Link {
	node, _ := l.node.Load().(string)
	return session.Link{Node: node, ID: l.id}
}

// serve reads the frames of the device until the link has ended.
func (l *link) serve() {
	for l.read(context.Background()) {
	}
}

// finish ends l, which nothing serves any more, and stores its end.
func (l *link) finish() {
	l.late.Stop()
	l.end(closed, nil, 0)
	l.writes.Wait()
	_ = l.raw.Close()     // the connection is of no use any more
	_ = l.conn.CloseNow() // ends a ping
	l.pings.Wait()
	l.pinger.Stop()
	l.s.remove(l)
	l.event.Add(slog.String("end", string(l.cause)))
	defer l.settle()
	if l.ready {
		l.s.o.Observer.LinkEnded(string(l.cause))
	}
}

// read reads a frame of the device, and carries it out. ctx is for a login, which is the first
// frame. It returns false if the link has ended, or if the connection cannot be read any more.
func (l *link) read(ctx context.Context) (more bool) {
	kind, b, err := l.conn.Read(context.Background()) // the end of the link closes the connection
	if err != nil {
		if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
			l.end(silent, nil, 0) // the server gave it up, because a frame could not be written
		}
		return false
	}
	if !l.frames.Allow() {
		l.refuse(badInput, &account.Error{Code: account.BadParameter, Detail: "too many frames in a second; send fewer"}, linkwire.CloseTooMany)
		return false
	}
	frame, err := linkwire.DecodeClient(b)
	if kind != websocket.MessageText {
		err = errBinary
	}
	if err != nil {
		l.refuse(badInput, badFrame(err), linkwire.CloseBadFrame)
		return false
	}
	return l.handle(ctx, frame)
}

var errBinary = errors.New("the frame is a binary message; send text")

// handle carries out a frame. It returns false if the link has ended.
func (l *link) handle(ctx context.Context, frame any) (more bool) {
	switch f := frame.(type) {
	case *linkwire.Hello:
		if l.stored {
			l.refuse(badInput, badFrame(errors.New("the device is logged in; send hello once")), linkwire.CloseBadFrame)
			return false
		}
		if !l.late.Stop() {
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
	return l.sendReady(linkwire.Ready{
		Type: linkwire.TypeReady, Device: in.Device.ID, Again: in.Again, Replaced: replaced, PingS: int(l.s.o.Ping.Seconds()),
	})
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
	return l.send(frame)
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

// settle stores the end of the link, unless the store knows it. A device is left as it is
// when the server shuts down: the lease of the node ends with it.
func (l *link) settle() {
	if !l.stored {
		return
	}
	switch l.cause {
	case closed, badInput, notAdmitted:
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
