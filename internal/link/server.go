package link

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/coder/websocket"

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

	queued       = 16 // frames that wait for a device that does not read
	frameRate    = 10 // frames of a device in a second
	frameBurst   = 20
	retryPause   = time.Second
	maxRetryWait = 30 * time.Second
)

// A Server serves links. It is safe for concurrent use.
type Server struct {
	o      Options
	limits limits

	mu    sync.Mutex
	links map[uint64]*link // that are logged in, or about to, by their ID
}

// New returns a Server. Its caller passes the ends of links to [Server.Ended].
func New(o Options) *Server {
	if o.Ping == 0 {
		o.Ping = DefaultPing
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Server{o: o, limits: newLimits(o.AppLimit, o.AddressLimit), links: map[uint64]*link{}}
}

type nobody struct{}

func (nobody) LinkLogin(int)    {}
func (nobody) LinkEnded(string) {}

// Len returns the number of links that are logged in, or about to.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.links)
}

// Serve serves a link. It is an [httpx.HandlerFunc].
func (s *Server) Serve(w http.ResponseWriter, r *http.Request) error {
	from := gate.Source(r)
	leave, ok := s.limits.enterAddress(from)
	if !ok {
		http.Error(w, "too many links from this address; close some, or raise link_address_limit", http.StatusTooManyRequests)
		return nil
	}
	kept := &keeper{ResponseWriter: w}
	conn, err := websocket.Accept(kept, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // see link.mayUse
	if err != nil {
		leave()
		if busy, ok := errors.AsType[*httpx.BusyError](err); ok {
			return busy
		}
		return nil // the response says why
	}
	conn.SetReadLimit(linkwire.MaxFrame)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	taken := kept.conn
	l := s.newLink(r, from, conn, func() {
		cancel()
		_ = taken.Close() // also while it is closing
	})
	return httpx.GoOn(w, func() error {
		defer cancel()
		l.serve(ctx, leave)
		return nil
	})
}

// newLink returns a link with the connection of a request. cut breaks it off.
func (s *Server) newLink(r *http.Request, from netip.Addr, conn *websocket.Conn, cut func()) *link {
	return &link{
		s: s, conn: conn, host: r.Host, origin: r.Header.Get("Origin"), from: from, event: httpx.EventFrom(r.Context()),
		id: 1 + rand.Uint64N(1<<53-1), out: make(chan outgoing, queued), done: make(chan struct{}),
		ending: httpx.Ending(r.Context()), cut: cut,
	}
}

// A keeper keeps the connection that is taken over.
type keeper struct {
	http.ResponseWriter
	conn net.Conn
}

// bufferSize is the size of both buffers of a link. Frames are short, and few.
const bufferSize = 512

// Hijack implements [http.Hijacker]. It replaces the buffers of net/http by small ones.
func (k *keeper) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(k.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	k.conn = conn
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // frames that came with the request
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), max(bufferSize, len(early)))
	_, _ = r.Peek(len(early)) // Accept expects them in the buffer
	return conn, bufio.NewReadWriter(r, bufio.NewWriterSize(conn, bufferSize)), nil
}

// add lets s know l before its login, so that no end of it is missed.
func (s *Server) add(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[l.id] = l
}

func (s *Server) remove(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, l.id)
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
	s.mu.Lock()
	var all []*link
	for _, l := range s.links {
		if l.node.Load() == node {
			all = append(all, l)
		}
	}
	s.mu.Unlock()
	for _, l := range all {
		l.end(lost, linkwire.Going{Type: linkwire.TypeGoing}, linkwire.CloseGoing)
	}
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
	return s.o.Directory.ChangeDevices(ctx, l.app.ID, l.user, func(ctx context.Context, all *session.Sessions, at session.Target) error {
		at.Link = l.link()
		return change(ctx, all, at)
	})
}
