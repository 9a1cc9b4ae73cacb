package link

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/gate"
	"rollcall/internal/httpx"
	"rollcall/internal/linkwire"
	"rollcall/internal/session"
)

// Options are the options of [New]. Directory, Auth and Answer are required.
type Options struct {
	Directory *directory.Directory
	Auth      *auth.Authenticator

	// Answer returns the code and the text with which the account API answers an error.
	Answer func(error) (code int, info string)

	// AppLimit and AddressLimit are the largest numbers of links of an app, and from an
	// address or an IPv6 network of 64 bits. 0 is no limit.
	AppLimit, AddressLimit int

	// Ping is the time between two pings; 0 is [DefaultPing].
	Ping time.Duration

	// Origins are origins of pages that may use links of every app, beside that of the
	// server, such as "https://app.example.com"; "*" stands for all.
	Origins []string

	// Observer counts what happens. Optional.
	Observer Observer
}

// An Observer counts what happens to links. Its methods must not wait.
type Observer interface {
	LinkLogin(code int)     // a login, with the code of the account API; 0 is a success
	LinkEnded(cause string) // the end of a link that was logged in; see [Causes]
}

// DefaultPing is the usual time between two pings of a link.
const DefaultPing = 25 * time.Second

// Times and limits of a link.
const (
	helloTime = 10 * time.Second // for the first frame
	loginTime = 5 * time.Second  // for the store at a login
	pongTime  = 10 * time.Second // for the answer to a ping
	writeTime = 10 * time.Second // for a frame
	closeTime = 2 * time.Second  // for the last frame and the answer to the close
	storeTime = 5 * time.Second  // for one attempt to store the end of a link
	admitTime = time.Second      // for the app, before a ping

	queued       = 16 // frames that wait for a device that does not read
	frameRate    = 10 // frames of a device in a second
	frameBurst   = 20
	retryPause   = time.Second
	maxRetryWait = 30 * time.Second
)

// A Server serves links. It is safe for concurrent use.
type Server struct {
	o         Options
	apps      *limit[account.AppID]
	addresses *limit[netip.Prefix]

	mu      sync.Mutex
	links   map[uint64]*link         // by their ID
	watched map[<-chan struct{}]bool // channels that goroutines of watch wait for
}

// New returns a Server. Its caller passes the ends of links to [Server.Ended].
func New(o Options) *Server {
	if o.Ping == 0 {
		o.Ping = DefaultPing
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Server{
		o: o, apps: newLimit[account.AppID](o.AppLimit), addresses: newLimit[netip.Prefix](o.AddressLimit),
		links: map[uint64]*link{}, watched: map[<-chan struct{}]bool{},
	}
}

type nobody struct{}

func (nobody) LinkLogin(int)    {}
func (nobody) LinkEnded(string) {}

// Len returns the number of links that are logged in, or about to.
func (s *Server) Len() int { return s.apps.len() }

// Serve serves a link. It is an [httpx.HandlerFunc].
func (s *Server) Serve(w http.ResponseWriter, r *http.Request) error {
	from := gate.Source(r)
	if !s.addresses.enter(sourceOf(from)) {
		http.Error(w, "too many links from this address; close some, or raise link_address_limit", http.StatusTooManyRequests)
		return nil
	}
	up := &upgrade{ResponseWriter: w}
	conn, err := websocket.Accept(up, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // see link.mayUse
	if err != nil {
		s.addresses.leave(sourceOf(from))
		if _, busy := errors.AsType[*httpx.BusyError](up.err); busy {
			http.Error(w, "too many links on this server; try again later, or use another server", http.StatusServiceUnavailable)
			return nil
		}
		return up.err // with nil the response says why, or the client has gone
	}
	conn.SetReadLimit(linkwire.MaxFrame)
	l := s.open(r, from, conn, up.conn)
	goesOn := false
	defer func() {
		if !goesOn {
			l.finish()
		}
	}()
	if goesOn = l.read(context.WithoutCancel(r.Context())); !goesOn { // the first frame is the login
		return nil
	}
	return httpx.GoOn(w, func() error {
		defer l.finish()
		l.serve()
		return nil
	})
}

// open returns a link with the connection of a request. Raw is the connection of conn.
func (s *Server) open(r *http.Request, from netip.Addr, conn *websocket.Conn, raw net.Conn) *link {
	l := &link{
		s: s, conn: conn, raw: raw, host: r.Host, origin: r.Header.Get("Origin"), from: from, event: httpx.EventFrom(r.Context()),
		id: 1 + rand.Uint64N(1<<53-1), ending: httpx.Ending(r.Context()), frames: rate.NewLimiter(frameRate, frameBurst),
	}
	l.late = time.AfterFunc(helloTime, func() { l.end(refused, nil, linkwire.CloseNoHello) })
	l.mu.Lock() // the first ping needs pinger
	l.pinger = time.AfterFunc(s.o.Ping, l.ping)
	l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.id] = l
	if l.ending != nil && !s.watched[l.ending] {
		s.watched[l.ending] = true
		go s.watch(l.ending)
	}
	return l
}

// watch ends the links of a server that shuts down.
func (s *Server) watch(ending <-chan struct{}) {
	<-ending
	s.mu.Lock()
	delete(s.watched, ending)
	s.mu.Unlock()
	s.tellGoing(shutdown, func(l *link) bool { return l.ending == ending })
}

// tellGoing ends links. Their devices should connect again.
func (s *Server) tellGoing(why cause, which func(*link) bool) {
	s.mu.Lock()
	var all []*link
	for _, l := range s.links {
		if which(l) {
			all = append(all, l)
		}
	}
	s.mu.Unlock()
	for _, l := range all {
		l.end(why, linkwire.Going{Type: linkwire.TypeGoing}, linkwire.CloseGoing)
	}
}

// remove removes l from s and from all counts.
func (s *Server) remove(l *link) {
	s.mu.Lock()
	delete(s.links, l.id)
	s.mu.Unlock()
	s.addresses.leave(sourceOf(l.from))
	if l.counts {
		s.apps.leave(account.AppID(l.app.Load()))
	}
}

// Ended ends a link whose login session, or whose place in it, has ended. It does not wait.
func (s *Server) Ended(e session.End) {
	s.mu.Lock()
	l := s.links[e.Link.ID]
	s.mu.Unlock()
	if l != nil {
		l.told(e.Reason)
	}
}

// Lost ends all links of a node whose lease was lost. Their devices should connect again.
func (s *Server) Lost(node string) {
	s.tellGoing(lost, func(l *link) bool { return l.node.Load() == node })
}

// Run renews the lease of the node of s and passes on the ends of links, until ctx ends.
func (s *Server) Run(ctx context.Context) error { return s.o.Directory.RunNode(ctx, s.Lost) }

// store stores the end of a link, and tries again until it succeeds, the server shuts down, or
// there is nothing to store. Otherwise the device would stay online as long as the server.
func (s *Server) store(l *link, change directory.DeviceChange) {
	for pause := retryPause; ; pause = min(2*pause, maxRetryWait) {
		err := s.storeOnce(l, change)
		switch account.CodeOf(err) {
		case account.Unavailable, account.Unknown, account.Internal:
		default:
			return
		}
		l.event.Add(slog.String("store_err", err.Error()))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-l.ending:
			timer.Stop()
			return
		}
	}
}

func (s *Server) storeOnce(l *link, change directory.DeviceChange) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	return s.o.Directory.ChangeDevices(ctx, account.AppID(l.app.Load()), l.user, func(ctx context.Context, all *session.Sessions, at session.Target) error {
		at.Link = l.link()
		return change(ctx, all, at)
	})
}
