package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall/client"
	"rollcall/internal/linkwire"
	"rollcall/internal/wire"
	"rollcall/rollcalltest"
	"rollcall/usersig"
)

// A linked is a link of a test with its events.
type linked struct {
	*client.Link
	t      *testing.T
	events chan client.LinkEvent
}

// options returns the options of a device of alice, which signs by the clock of the app.
func linkOptions(srv *rollcalltest.Server) client.LinkOptions {
	return client.LinkOptions{
		BaseURL: srv.URL, SDKAppID: srv.SDKAppID, UserID: "alice", Platform: "Android",
		Sign: func(context.Context) (string, time.Time, error) {
			now := srv.Now()
			sig, err := usersig.Sign(usersig.HMACKey(srv.Key), usersig.Claims{SDKAppID: srv.SDKAppID, Identifier: "alice", IssuedAt: now, Validity: time.Hour})
			return sig, time.Now().Add(time.Hour), err
		},
	}
}

func dialLink(t *testing.T, o client.LinkOptions) *linked {
	t.Helper()
	l := &linked{t: t, events: make(chan client.LinkEvent, 100)}
	o.OnEvent = func(e client.LinkEvent) { l.events <- e }
	var err error
	if l.Link, err = client.DialLink(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// next returns the next event, which must be of that kind.
func (l *linked) next(kind client.LinkEventKind) client.LinkEvent {
	l.t.Helper()
	e := <-l.events
	if e.Kind != kind {
		l.t.Fatalf("the event %+v, want %s", e, kind)
	}
	return e
}

// becomes waits until alice has a state.
func becomes(t *testing.T, srv *rollcalltest.Server, want string) {
	t.Helper()
	for {
		if got := presence(t, srv); got == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func presence(t *testing.T, srv *rollcalltest.Server) string {
	t.Helper()
	d := srv.Devices("alice")
	return strings.TrimSpace(d.State + " " + d.CustomStatus)
}

func TestLink(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	l := dialLink(t, linkOptions(srv))
	if l.Device() == 0 {
		t.Error("a new link has no device")
	}
	first := l.next(client.LinkConnected)
	if first.Device == 0 || first.Device != l.Device() {
		t.Errorf("%+v, device %d", first, l.Device())
	}
	becomes(t, srv, "Online")
	if err := l.SetStatus(t.Context(), "busy"); err != nil {
		t.Error(err)
	}
	becomes(t, srv, "Online busy")
	if err := l.SetStatus(t.Context(), strings.Repeat("x", 101)); err != nil {
		t.Error(err)
	}
	if e := l.next(client.LinkRefused); codeOf(e.Err) != client.CodeBadParameter {
		t.Errorf("a long status: %v", e.Err)
	}
	if err := l.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	l.next(client.LinkOver)
	if err := l.Wait(); err != nil {
		t.Error(err)
	}
	becomes(t, srv, "Offline")
	if err := l.SetStatus(t.Context(), "x"); !errors.Is(err, client.ErrNoConnection) {
		t.Errorf("after the logout: %v", err)
	}
}

// TestLinkClose ends the process of a device.
func TestLinkClose(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	l := dialLink(t, linkOptions(srv))
	l.next(client.LinkConnected)
	l.Close()
	l.next(client.LinkOver)
	becomes(t, srv, "PushOnline")
}

// TestLinkReconnect breaks a link, and lets its UserSig expire. It comes back as the same
// device.
func TestLinkReconnect(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	l := dialLink(t, linkOptions(srv))
	first := l.next(client.LinkConnected)
	if _, err := srv.AdminClient.ChangeDevice(t.Context(), srv.SDKAppID, "alice", first.Device, client.DropLink); err != nil {
		t.Fatal(err)
	}
	if e := l.next(client.LinkLost); e.Err.Error() != "the server has closed the link with the code 4004" {
		t.Errorf("the link was lost by: %v", e.Err)
	}
	if e := l.next(client.LinkConnected); e.Device != first.Device {
		t.Errorf("it came back as %d, not %d", e.Device, first.Device)
	}
	srv.AdvanceClock(2 * time.Hour)
	l.next(client.LinkLost)
	if e := l.next(client.LinkConnected); e.Device != first.Device {
		t.Errorf("with a new UserSig it came back as %d, not %d", e.Device, first.Device)
	}
	becomes(t, srv, "Online")
}

// fakeLink returns a link at a server that logs in the device, and then does what after does.
// The events of the link say whether the server could do so.
func fakeLink(t *testing.T, after func(context.Context, *websocket.Conn)) *linked {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		if _, _, err := conn.Read(r.Context()); err == nil {
			write(r.Context(), conn, linkwire.Ready{Type: linkwire.TypeReady, Device: 1})
			after(r.Context(), conn)
		}
	}))
	t.Cleanup(srv.Close)
	return dialLink(t, client.LinkOptions{
		BaseURL: srv.URL, SDKAppID: 1, UserID: "alice", Platform: "Android",
		Sign: func(context.Context) (string, time.Time, error) { return "sig", time.Now().Add(time.Hour), nil },
	})
}

func write(ctx context.Context, conn *websocket.Conn, frame any) {
	_ = conn.Write(ctx, websocket.MessageText, linkwire.Encode(frame)) // the device may have gone
}

// TestLinkBroken ends connections after the login. The link connects again.
func TestLinkBroken(t *testing.T) {
	for want, end := range map[string]func(context.Context, *websocket.Conn){
		"the connection was closed without a reason":        func(context.Context, *websocket.Conn) {},
		"the server has closed the link with the code 1013": func(_ context.Context, c *websocket.Conn) { _ = c.Close(linkwire.CloseBusy, "") },
		"the frame is no JSON object": func(ctx context.Context, c *websocket.Conn) {
			_ = c.Write(ctx, websocket.MessageText, []byte("ready"))
			_, _, _ = c.Read(ctx) // until the device has read it
		},
	} {
		l := fakeLink(t, end)
		l.next(client.LinkConnected)
		if e := l.next(client.LinkLost); !strings.HasPrefix(e.Err.Error(), want) {
			t.Errorf("the link was lost by %q, want %q", e.Err, want)
		}
		l.next(client.LinkConnected)
		l.Close()
	}
}

// TestLinkNotAdmitted ends the link of a device that the app no longer admits. The link does
// not come back.
func TestLinkNotAdmitted(t *testing.T) {
	l := fakeLink(t, func(ctx context.Context, c *websocket.Conn) {
		write(ctx, c, linkwire.Error{Type: linkwire.TypeError, Code: int(wire.AppDisabled)})
		_ = c.Close(linkwire.CloseRefused, "")
	})
	l.next(client.LinkConnected)
	l.next(client.LinkRefused)
	l.next(client.LinkOver)
	if err := l.Wait(); codeOf(err) != client.Code(wire.AppDisabled) {
		t.Errorf("the link ended with %v", err)
	}
}

// TestLinkEnded kicks the account. The link does not come back.
func TestLinkEnded(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	l := dialLink(t, linkOptions(srv))
	l.next(client.LinkConnected)
	if err := srv.Client.Kick(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	e := l.next(client.LinkOver)
	if ended, ok := errors.AsType[*client.LinkEndedError](l.Wait()); !ok || ended.Reason != "kicked" || !errors.Is(e.Err, ended) {
		t.Errorf("the link ended with %v and the event %v", l.Wait(), e.Err)
	}
	becomes(t, srv, "Offline")
}

// TestLinkRefused logs in what the server refuses for good.
func TestLinkRefused(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for want, change := range map[client.Code]func(*client.LinkOptions){
		client.CodeAppNotFound:  func(o *client.LinkOptions) { o.SDKAppID++ },
		client.CodeBadParameter: func(o *client.LinkOptions) { o.Platform = "tv" },
		client.CodeSigExpired: func(o *client.LinkOptions) {
			o.Sign = func(context.Context) (string, time.Time, error) {
				sig, err := usersig.Sign(usersig.HMACKey(srv.Key), usersig.Claims{SDKAppID: srv.SDKAppID, Identifier: "alice", Validity: -time.Hour})
				return sig, time.Now().Add(time.Hour), err
			}
		},
	} {
		o := linkOptions(srv)
		change(&o)
		if _, err := client.DialLink(t.Context(), o); codeOf(err) != want {
			t.Errorf("%v, want %d", err, want)
		}
	}
}

// TestLinkOptions leaves out what is required, and calls a server without links.
func TestLinkOptions(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	ok := client.LinkOptions{
		BaseURL: other.URL, SDKAppID: 1, UserID: "alice", Platform: "Web",
		Sign: func(context.Context) (string, time.Time, error) { return "sig", time.Now().Add(time.Hour), nil },
	}
	for want, change := range map[string]func(*client.LinkOptions){
		"SDKAppID is 0":     func(o *client.LinkOptions) { o.SDKAppID = 0 },
		"UserID is empty":   func(o *client.LinkOptions) { o.UserID = "" },
		"Sign is nil":       func(o *client.LinkOptions) { o.Sign = nil },
		"Platform is empty": func(o *client.LinkOptions) { o.Platform = "" },
		"BaseURL":           func(o *client.LinkOptions) { o.BaseURL = "rollcall" },
		"no key today": func(o *client.LinkOptions) {
			o.Sign = func(context.Context) (string, time.Time, error) { return "", time.Time{}, errors.New("no key today") }
		},
		"HTTP status 404": func(*client.LinkOptions) {},
	} {
		o := ok
		change(&o)
		if _, err := client.DialLink(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	ok.BaseURL = "http://127.0.0.1:1"
	if _, err := client.DialLink(ctx, ok); err == nil {
		t.Error("nothing listens there")
	}
}

func ExampleDialLink() {
	link, err := client.DialLink(context.Background(), client.LinkOptions{
		BaseURL:  "http://127.0.0.1:7580",
		SDKAppID: 1400000000,
		UserID:   "alice",
		Platform: "Android",
		Sign:     client.KeySigner(usersig.HMACKey("the app's secret key"), 1400000000, "alice"),
		OnEvent:  func(e client.LinkEvent) { fmt.Println(e.Kind) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer link.Close()
	fmt.Println(link.Wait())
}
