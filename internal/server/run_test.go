package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/config"
	"rollcall/internal/directory"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/link"
	"rollcall/internal/metrics"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

// A pipe is a listener in memory that can fail.
type pipe struct {
	name   string
	conns  chan net.Conn
	broken chan error
	once   sync.Once
	done   chan struct{}
}

func newPipe(name string) *pipe {
	return &pipe{name: name, conns: make(chan net.Conn), broken: make(chan error, 1), done: make(chan struct{})}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case err := <-p.broken:
		return nil, err
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipe) Addr() net.Addr  { return p }
func (p *pipe) Network() string { return "pipe" }
func (p *pipe) String() string  { return p.name }

// get sends a request and waits for the response or the end of the connection.
func (p *pipe) get() error {
	client, server := net.Pipe()
	defer client.Close()
	p.conns <- server
	if _, err := io.WriteString(client, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	b, err := io.ReadAll(client)
	if err == nil && !strings.HasPrefix(string(b), "HTTP/1.0 200") {
		return errors.New("no answer")
	}
	return err
}

func (p *pipe) isClosed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// newPipes returns a server without a store on two addresses. A request takes the time
// first at one address and the time second at the other.
func newPipes(t *testing.T, first, second time.Duration) (s *Server, a, b *pipe) {
	s = &Server{o: Options{Config: config.Config{ShutdownTimeout: 10 * time.Second}, Logger: testutil.Logger(t)}}
	s.prepareComponents()
	a, b = newPipe("address one"), newPipe("address two")
	for i, took := range []time.Duration{first, second} {
		p := []*pipe{a, b}[i]
		s.listeners = append(s.listeners, &listener{
			Listener: httpx.NewListener(p, httpx.ListenerOptions{Logger: s.o.Logger, Conns: httpx.NewConnLimit(1)}),
			srv:      &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(took) })},
		})
	}
	return s, a, b
}

// prepareComponents gives a server without a store what its components need.
func (s *Server) prepareComponents() {
	engine := new(mem.Store)
	s.dir, s.records = directory.New(directory.Options{Engine: engine}), records.New(engine, nil)
	s.metrics = metrics.New(metrics.Options{Logger: s.o.Logger})
	s.imports, s.figures, s.webhooks = s.newImports(), s.newFigures(), s.newWebhooks()
	s.devices = link.New(link.Options{Directory: s.dir})
}

// TestShutdownAtOnce shuts down a server with a request that hangs at one address. Both
// addresses close at once, and the request at the other address gets its response.
func TestShutdownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b := newPipes(t, 12*time.Second, 9*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := a.get(); err == nil {
				t.Error("the request that hangs was answered")
			}
		})
		wg.Go(func() {
			if err := b.get(); err != nil {
				t.Errorf("the request at the other address: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !a.isClosed() || !b.isClosed() {
			t.Errorf("closed: %v and %v, want both", a.isClosed(), b.isClosed())
		}
		start := time.Now()
		err := <-done
		if took := time.Since(start); took != 12*time.Second {
			t.Errorf("shutdown took %v, want 12s, until the handler ends that was cut off", took)
		}
		want := "requests in flight on address one were cut off after 10s"
		if err == nil || err.Error() != want {
			t.Errorf("Run = %v, want %s", err, want)
		}
		wg.Wait()
	})
}

// TestBrokenListener has an address that fails. The error of Run names it, and the
// request at the other address gets its response.
func TestBrokenListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b := newPipes(t, time.Second, time.Second)
		done := make(chan error)
		go func() { done <- s.Run(t.Context()) }()
		answered := make(chan error)
		go func() { answered <- a.get() }()
		synctest.Wait()
		b.broken <- errors.New("the cable is out")
		if err := <-answered; err != nil {
			t.Errorf("the request in flight: %v", err)
		}
		err := <-done
		if want := "cannot serve address two any more: the cable is out"; err == nil || err.Error() != want {
			t.Errorf("Run = %v, want %s", err, want)
		}
	})
}

// TestBrokenListenerAndStuckHandler has an address that fails while a handler hangs at
// another one. The shutdown begins at once. Run returns at its limit, and its error names
// the component that has not ended.
func TestBrokenListenerAndStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a, b := newPipes(t, time.Hour, 0)
		log := new(testutil.Buffer)
		s.o.Logger = slog.New(slog.NewTextHandler(log, nil))
		done := make(chan error, 1)
		go func() { done <- s.Run(t.Context()) }()
		go func() { _ = a.get() }()
		synctest.Wait()
		b.broken <- errors.New("the cable is out")
		synctest.Wait()
		if !strings.Contains(log.String(), `msg="shutting down" err="cannot serve address two any more: the cable is out"`) {
			t.Errorf("log %q, want why the server shuts down", log)
		}
		time.Sleep(s.o.ShutdownTimeout + cutTime)
		synctest.Wait()
		select {
		case err := <-done:
			if want := "cannot serve address two any more: the cable is out\naddresses not ended after 15s; "; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("Run = %v, want %s", err, want)
			}
		default:
			t.Error("Run has not returned")
		}
		time.Sleep(time.Hour) // until the handler has ended too
	})
}

// A slow engine uses all the time of its context.
type slow struct{ account.Engine }

func (slow) Upsert(ctx context.Context, _ account.AppID, _ []account.Upsert, _ account.UpsertPolicy) ([]account.UpsertResult, error) {
	<-ctx.Done()
	return nil, account.Ended(ctx)
}

// TestAnswerInTime makes more calls than the server runs at once, on a store that hangs.
// Every call gets a response within 3 seconds, whether or not it gets its turn.
func TestAnswerInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := importTarget(t)
		store := new(mem.Store)
		app := account.App{
			ID: demoApp, Edition: account.Development, Keys: []account.Key{{ID: "1", Kind: account.HMACKey, Secret: "secret"}},
			Settings: account.Settings{RateMode: account.RateOff},
		}
		if _, err := directory.New(directory.Options{Engine: store}).CreateApp(t.Context(), "test", app); err != nil {
			t.Fatal(err)
		}
		lg := testutil.Logger(t)
		s := &Server{o: Options{Logger: lg}, metrics: metrics.New(metrics.Options{Logger: lg}), figures: figures.New(figures.Options{})}
		dir := directory.New(directory.Options{Engine: slow{store}})
		s.api = api.New(api.Options{Directory: dir, Auth: auth.New(dir)})
		h := s.vendorHandler()
		call := func() {
			start := time.Now()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", target, strings.NewReader(`{"UserID":"alice"}`)))
			if took := time.Since(start); took > 3*time.Second || !strings.Contains(w.Body.String(), "70169") {
				t.Errorf("after %v: %s, want a time-out within 3s", took, w.Body)
			}
		}
		var wg sync.WaitGroup
		for range 1024 {
			wg.Go(call)
		}
		synctest.Wait()
		wg.Go(call) // never gets its turn
		time.Sleep(api.Timeout - api.MaxWait + time.Millisecond)
		wg.Go(call) // gets its turn at the last moment
		wg.Wait()
	})
}

func importTarget(t *testing.T) string {
	t.Helper()
	sig, err := usersig.Sign(usersig.HMACKey("secret"), usersig.Claims{
		SDKAppID: uint32(demoApp), Identifier: "administrator", Validity: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Secret(t, sig)
	return "/v4/im_open_login_svc/account_import?sdkappid=1400000001&identifier=administrator&usersig=" + sig
}
