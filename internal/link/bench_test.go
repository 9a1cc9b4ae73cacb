package link_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
	"rollcall/internal/link"
	"rollcall/internal/linkwire"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/checked"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID   account.AppID = 1400000001
	testKey               = "rollcall-test-key"
)

// A pipes is a listener of connections in memory, which pass no time in a synctest bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "192.0.2.1:1" }

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

// A pipeConn is the server's end of a pipe, with an address.
type pipeConn struct {
	net.Conn
	hole *atomic.Bool // what is written is lost, as on a network that is gone
}

func (c pipeConn) Write(b []byte) (int, error) {
	if c.hole.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (pipeConn) RemoteAddr() net.Addr { return pipeAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	return p.connect(new(atomic.Bool))
}

func (p *pipes) connect(hole *atomic.Bool) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- pipeConn{theirs, hole}:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// A flaky is a store that can be away.
type flaky struct {
	account.Engine
	away   atomic.Bool
	hangs  atomic.Bool            // when the records of apps are read
	during atomic.Pointer[func()] // called with each commit
}

func (f *flaky) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if f.away.Load() {
		return 0, &account.Error{Code: account.Unavailable, Detail: "the store is away; try again"}
	}
	if during := f.during.Load(); during != nil {
		(*during)()
	}
	return f.Engine.Commit(ctx, c)
}

// Changes lets nothing be known of the apps while they cannot be read.
func (f *flaky) Changes(kind account.Kind) uint64 {
	if f.hangs.Load() && records.KindName(kind) == "apps" {
		return rand.Uint64()
	}
	return f.Engine.Changes(kind)
}

func (f *flaky) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	if f.hangs.Load() && records.KindName(q.Kind) == "apps" {
		<-ctx.Done()
		return account.RecordPage{}, account.Ended(ctx)
	}
	return f.Engine.Records(ctx, q)
}

func (f *flaky) Unwrap() account.Engine { return f.Engine }

// A bench is a server of links in a synctest bubble.
type bench struct {
	*testing.T
	dir   *directory.Directory
	store *flaky
	links *link.Server
	pipes *pipes
	stop  context.CancelFunc // of the address
	ended chan error         // of the address

	mu     sync.Mutex
	events []string
	logins []int
	ends   []string
	hook   func(account.Event) // called with each event of a login session

	forgets bool        // nothing is noted
	places  int         // of connections; 0 for any number
	tls     *tls.Config // nil for none
	panics  atomic.Bool // of note
}

func (b *bench) LinkLogin(code int) {
	b.note(func() { b.logins = append(b.logins, code) })
}

func (b *bench) LinkEnded(cause string) {
	b.note(func() { b.ends = append(b.ends, cause) })
}

func (b *bench) note(what func()) {
	if b.panics.Load() {
		panic("a fault of the observer")
	}
	if b.forgets {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	what()
}

// bubble runs fn with a server in a synctest bubble. Everything ends before it returns.
func bubble(t *testing.T, change func(*account.App, *link.Options), fn func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { (&bench{T: t}).run(change, fn) })
}

// run runs fn with a server. Everything ends before it returns.
func (b *bench) run(change func(*account.App, *link.Options), fn func(*bench)) {
	t := b.T
	b.pipes, b.ended = &pipes{conns: make(chan net.Conn), done: make(chan struct{})}, make(chan error, 1)
	testutil.Secret(t, testKey)
	b.store = &flaky{Engine: checked.New(new(mem.Store))}
	b.dir = directory.New(directory.Options{
		Engine: b.store, AllowTestApps: true, Logger: b.logger(),
		LinkEnded: func(e session.End) { b.links.Ended(e) },
	})
	b.dir.Listen(account.EventState, func(e account.Event) {
		if b.forgets {
			return
		}
		b.mu.Lock()
		for _, item := range e.Items {
			text := fmt.Sprintf("%s %s/%s", item.ID, item.State.Action, item.State.Reason)
			if len(item.State.Replaced) > 0 {
				text += fmt.Sprint(item.State.Replaced)
			}
			b.events = append(b.events, text)
		}
		hook := b.hook
		b.mu.Unlock()
		if hook != nil {
			hook(e)
		}
	})
	app := account.App{ID: appID, Edition: account.Development, Test: true, Keys: []account.Key{{ID: "k", Kind: account.HMACKey, Secret: testKey}}}
	o := link.Options{Directory: b.dir, Auth: auth.New(b.dir), Answer: api.Answer, Observer: b}
	if change != nil {
		change(&app, &o)
	}
	if _, err := b.dir.CreateApp(t.Context(), "test", app); err != nil {
		t.Fatal(err)
	}
	b.links = link.New(o)
	background, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = b.dir.RunSessions(background) })
	wg.Go(func() { _ = b.links.Run(background) })
	b.serve()
	fn(b)
	b.stop()
	if err := <-b.ended; err != nil {
		t.Error(err)
	}
	cancel()
	wg.Wait()
	if n := b.links.Len(); n > 0 {
		t.Errorf("%d links are left", n)
	}
}

func (b *bench) logger() *slog.Logger {
	if b.forgets {
		return slog.New(slog.DiscardHandler)
	}
	return testutil.Logger(b.T)
}

func (b *bench) serve() {
	lg := b.logger()
	o := httpx.ListenerOptions{FaultResponse: func(httpx.Fault) (http.Header, []byte) { return nil, nil }, Logger: lg}
	if b.places > 0 {
		o.Conns = httpx.NewConnLimit(b.places)
	}
	o.TLS = b.tls
	l := httpx.NewListener(b.pipes, o)
	srv := &http.Server{Handler: httpx.Handler(lg, b.links.Serve, nil), ReadHeaderTimeout: time.Minute}
	var ctx context.Context
	ctx, b.stop = context.WithCancel(context.Background())
	go func() { b.ended <- l.Run(ctx, srv, 10*time.Second, func(err error) { b.Error(err) }) }()
}

// mustHear checks the events since the last call.
func (b *bench) mustHear(want ...string) {
	b.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := b.events; !slices.Equal(got, want) {
		b.Errorf("events are %q, want %q", got, want)
	}
	b.events = nil
}

// state returns the state of an account.
func (b *bench) state(user account.UserID) string {
	b.Helper()
	synctest.Wait()
	d, err := b.dir.Devices(b.Context(), appID, user)
	if account.CodeOf(err) == account.NoAccount {
		return "none"
	}
	if err != nil {
		b.Fatal(err)
	}
	return d.State()
}

func (b *bench) mustBe(user account.UserID, want string) {
	b.Helper()
	if got := b.state(user); got != want {
		b.Errorf("%s is %s, want %s", user, got, want)
	}
}

// sign returns a UserSig that is valid for an hour.
func (b *bench) sign(user string) string {
	b.Helper()
	sig, err := usersig.Sign(usersig.HMACKey(testKey), usersig.Claims{SDKAppID: uint32(appID), Identifier: user, Validity: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	return sig
}

func (b *bench) hello(user string, p account.Platform) linkwire.Hello {
	b.Helper()
	return linkwire.Hello{Type: linkwire.TypeHello, SDKAppID: uint32(appID), UserID: user, UserSig: b.sign(user), Platform: string(p)}
}

// A device is the client's end of a link.
type device struct {
	*testing.T
	conn *websocket.Conn
	raw  net.Conn
	hole atomic.Bool // see pipeConn

	mu     sync.Mutex
	frames []any
	err    error
	over   chan struct{} // closed when nothing more comes
}

// dial opens a link. It reads what comes unless deaf is set.
func (b *bench) dial(deaf bool, header http.Header) *device {
	b.Helper()
	d := &device{T: b.T, over: make(chan struct{})}
	t := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (c net.Conn, err error) {
		d.raw, err = b.pipes.connect(&d.hole)
		return d.raw, err
	}}
	url := "ws://rollcall.example.com/link"
	if b.tls != nil {
		url, t.TLSClientConfig = "wss://rollcall.example.com/link", &tls.Config{InsecureSkipVerify: true}
	}
	var err error
	d.conn, _, err = websocket.Dial(b.Context(), url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: t}, HTTPHeader: header})
	if err != nil {
		b.Fatal(err)
	}
	if deaf {
		close(d.over)
		return d
	}
	go d.receive()
	return d
}

func (d *device) receive() {
	defer close(d.over)
	for {
		_, b, err := d.conn.Read(context.Background())
		if err != nil {
			d.mu.Lock()
			d.err = err
			d.mu.Unlock()
			return
		}
		frame, err := linkwire.DecodeServer(b)
		if err != nil {
			d.Errorf("%s: %v", b, err)
		}
		d.mu.Lock()
		d.frames = append(d.frames, frame)
		d.mu.Unlock()
	}
}

func (d *device) send(frame any) { d.sendText(string(linkwire.Encode(frame))) }

func (d *device) sendText(text string) {
	d.Helper()
	if err := d.conn.Write(context.Background(), websocket.MessageText, []byte(text)); err != nil && !errors.Is(err, net.ErrClosed) {
		d.Logf("send: %v", err)
	}
}

// got returns the frames since the last call, and the code of the close.
func (d *device) got() string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	var parts []string
	for _, f := range d.frames {
		switch f := f.(type) {
		case *linkwire.Ready:
			parts = append(parts, "ready")
		case *linkwire.KickedFrame:
			parts = append(parts, fmt.Sprintf("kicked %s %t", f.Reason, f.Reconnect))
		case *linkwire.Expired:
			parts = append(parts, "expired")
		case *linkwire.Going:
			parts = append(parts, "going")
		case *linkwire.Error:
			parts = append(parts, fmt.Sprintf("error %d", f.Code))
		}
	}
	d.frames = nil
	if d.err != nil {
		parts = append(parts, fmt.Sprint(int(websocket.CloseStatus(d.err))))
	}
	return strings.Join(parts, " ")
}

func (d *device) mustGet(want string) {
	d.Helper()
	if got := d.got(); got != want {
		d.Errorf("the device got %q, want %q", got, want)
	}
}

// kill ends the connection as the end of a process does.
func (d *device) kill() { _ = d.raw.Close() }

// login opens a link and logs in a device.
func (b *bench) login(user string, p account.Platform) (*device, *linkwire.Ready) {
	b.Helper()
	return b.loginWith(b.hello(user, p))
}

func (b *bench) loginWith(h linkwire.Hello) (*device, *linkwire.Ready) {
	b.Helper()
	d := b.dial(false, nil)
	d.send(h)
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.frames) == 1 {
		if r, ok := d.frames[0].(*linkwire.Ready); ok {
			d.frames = nil
			return d, r
		}
	}
	b.Fatalf("a login: frames %+v, %v", d.frames, d.err)
	return nil, nil
}
