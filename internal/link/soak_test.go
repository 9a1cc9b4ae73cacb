package link_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall/internal/account"
	"rollcall/internal/linkwire"
)

var (
	soakLinks = flag.Int("soak-links", 100, "links of TestSoak at once")
	soakTime  = flag.Duration("soak-time", 3*time.Second, "length of TestSoak")
)

// TestSoak keeps a number of links open while they end in all ways and come back. At the end,
// no more goroutines and no more memory must be in use than in the middle, and afterwards no
// goroutine. The links pass no network, so their number is not limited by open files:
//
//	go test ./internal/link -run Soak -soak-links 20000 -soak-time 10m -timeout 20m -v
func TestSoak(t *testing.T) {
	before := runtime.NumGoroutine()
	s := &soak{life: *soakTime / 4, doors: make(chan struct{}, 64)}
	s.bench = &bench{T: t, forgets: true}
	s.run(nil, func(*bench) {
		if err := s.dir.KeepSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var users sync.WaitGroup
		for i := range *soakLinks {
			users.Go(func() { s.user(ctx, fmt.Sprint("u", i)) })
		}
		time.Sleep(*soakTime / 2)
		middle := s.look()
		time.Sleep(*soakTime / 2)
		end := s.look()
		cancel()
		users.Wait()
		if end.bytes > middle.bytes*6/5+4<<20 || end.goroutines > middle.goroutines*11/10+10 {
			t.Error("more is in use at the end than in the middle")
		}
		t.Logf("%d logins and %d ends: in the middle %+v, at the end %+v", s.logins.Load(), s.ends.Load(), middle, end)
	})
	for begun := time.Now(); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
	}
}

// A soak lets links end and come back.
type soak struct {
	*bench
	life         time.Duration // of a link, at most
	doors        chan struct{} // has a token for each login under way: clients do not come all at once
	logins, ends atomic.Int64
	calm         sync.RWMutex // held for writing while no link may end
	refusal      atomic.Value // string: the newest answer to a login that failed
}

// A usage is what is in use at a moment.
type usage struct {
	goroutines int
	bytes      uint64 // of the heap and of stacks
}

// look waits until all links are there, and returns what is in use.
func (s *soak) look() usage {
	s.calm.Lock()
	defer s.calm.Unlock()
	for begun := time.Now(); s.links.Len() < *soakLinks; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 2*time.Minute {
			s.Errorf("%d of %d links are there; the newest refusal is %v", s.links.Len(), *soakLinks, s.refusal.Load())
			break
		}
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{runtime.NumGoroutine(), m.HeapAlloc + m.StackInuse}
}

// user keeps a link of an account until ctx ends.
func (s *soak) user(ctx context.Context, user string) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.pipes.dial}}
	for ctx.Err() == nil {
		s.doors <- struct{}{}
		hello := linkwire.Encode(s.hello(user, account.Android)) // a kick refuses the UserSig before
		conn, _, err := websocket.Dial(ctx, "ws://rollcall.example.com/link", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			<-s.doors
			continue // ctx has ended, or the server is busy
		}
		in := s.logIn(ctx, conn, hello)
		<-s.doors
		if in {
			s.hold(ctx, conn, account.UserID(user), hello)
		}
		_ = conn.CloseNow()
		s.ends.Add(1)
	}
}

// logIn logs in, and reports whether that has succeeded.
func (s *soak) logIn(ctx context.Context, conn *websocket.Conn, hello []byte) bool {
	if err := conn.Write(ctx, websocket.MessageText, hello); err != nil {
		return false
	}
	_, answer, err := conn.Read(ctx)
	if err != nil {
		return false
	}
	frame, _ := linkwire.DecodeServer(answer)
	if _, ok := frame.(*linkwire.Ready); !ok {
		s.refusal.Store(string(answer))
		return false
	}
	s.logins.Add(1)
	return true
}

// hold ends a link in one of the ways after a random time.
func (s *soak) hold(ctx context.Context, conn *websocket.Conn, user account.UserID, hello []byte) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		for err := error(nil); err == nil; { // it also answers pings
			_, _, err = conn.Read(ctx)
		}
	}()
	select {
	case <-over:
		return
	case <-time.After(rand.N(s.life)):
	}
	for !s.calm.TryRLock() {
		select {
		case <-over:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
	defer s.calm.RUnlock()
	switch rand.IntN(5) {
	case 0: // the connection breaks
		return
	case 1:
		_ = conn.Write(ctx, websocket.MessageText, linkwire.Encode(linkwire.Logout{Type: linkwire.TypeLogout}))
	case 2:
		_ = conn.Write(ctx, websocket.MessageText, []byte("no frame"))
	case 3:
		if app, err := s.dir.App(ctx, appID); err == nil {
			_ = s.dir.Kick(ctx, app, user)
		}
	case 4:
		s.replace(ctx, hello)
	}
	select {
	case <-over:
	case <-time.After(10 * time.Second): // the call has failed, because the machine is busy
	}
}

// replace logs in another device of the same platform for a moment.
func (s *soak) replace(ctx context.Context, hello []byte) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.pipes.dial}}
	conn, _, err := websocket.Dial(ctx, "ws://rollcall.example.com/link", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	if err := conn.Write(ctx, websocket.MessageText, hello); err == nil {
		_, _, _ = conn.Read(ctx)
	}
}
