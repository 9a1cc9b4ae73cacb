package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
	"rollcall/usersig"
)

const linkKey = "rollcall-test-key-of-links"

// A linkServer is a server that runs until stop is called.
type linkServer struct {
	*Server
	t     *testing.T
	app   *account.App
	stop  context.CancelFunc
	ended chan error
	outs  chan account.Event // time-outs
	deny  atomic.Bool        // devices get no further UserSig
}

// startLinks starts a server with the settings of c. The app of links is created in its
// store unless it exists.
func startLinks(t *testing.T, c config.Config) *linkServer {
	t.Helper()
	testutil.Secret(t, linkKey)
	s, err := openWith(t, Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	nameSecrets(t, s)
	l := &linkServer{Server: s, t: t, ended: make(chan error, 1)}
	const id = 1400000077
	_, err = s.dir.CreateApp(t.Context(), "test", account.App{
		ID: id, Name: "links", Edition: account.Development, Keys: []account.Key{{ID: "k", Kind: account.HMACKey, Secret: linkKey}},
	})
	if err != nil && account.CodeOf(err) != account.Exists {
		t.Fatal(err)
	}
	if l.app, err = s.dir.App(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	l.outs = make(chan account.Event, 100)
	s.dir.Listen(account.EventState, func(e account.Event) {
		if e.Items[0].State.Reason == account.ReasonTimeOut {
			l.outs <- e
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { l.ended <- s.Run(ctx) }()
	t.Cleanup(l.end)
	return l
}

// end stops the server.
func (l *linkServer) end() {
	if l.stop == nil {
		return
	}
	l.stop()
	l.stop = nil
	if err := <-l.ended; err != nil {
		l.t.Error(err)
	}
}

// dial logs in a device of alice, and returns its link and its events.
func (l *linkServer) dial() (*client.Link, chan client.LinkEvent) {
	l.t.Helper()
	events := make(chan client.LinkEvent, 100)
	sign := client.KeySigner(usersig.HMACKey(linkKey), uint32(l.app.ID), "alice")
	link, err := client.DialLink(l.t.Context(), client.LinkOptions{
		BaseURL: "http://" + l.Addr().String(), SDKAppID: uint32(l.app.ID), UserID: "alice", Platform: client.Android,
		Sign: func(ctx context.Context) (string, time.Time, error) {
			if l.deny.Load() {
				return "", time.Time{}, errors.New("denied")
			}
			sig, _, err := sign(ctx)
			return sig, time.Now(), err // ask again each time
		},
		OnEvent: func(e client.LinkEvent) { events <- e },
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(link.Close)
	if e := <-events; e.Kind != client.LinkConnected {
		l.t.Fatalf("%+v", e)
	}
	return link, events
}

func (l *linkServer) state() string {
	l.t.Helper()
	d, err := l.dir.Devices(l.t.Context(), l.app.ID, "alice")
	if err != nil {
		l.t.Fatal(err)
	}
	return d.State()
}

// becomes waits until alice has a state.
func (l *linkServer) becomes(want string) {
	l.t.Helper()
	for l.state() != want {
		time.Sleep(5 * time.Millisecond)
	}
}

// TestLinkOfServer holds a link at a server, and then stops the server.
func TestLinkOfServer(t *testing.T) {
	l := startLinks(t, config.Config{})
	link, events := l.dial()
	if got := l.state(); got != "Online" {
		t.Errorf("alice is %s", got)
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{"\nrollcall_links 1\n", `rollcall_link_logins_total{code="0"} 1`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the metrics have no %q, %v", want, err)
		}
	}
	l.end()
	if e := <-events; e.Kind != client.LinkLost || link.Device() == 0 {
		t.Errorf("%+v", e)
	}
}

// TestLinkRestart starts a server again with the store of an earlier one. The link of the
// earlier one is lost, and PushOnline stays after a second restart.
func TestLinkRestart(t *testing.T) {
	for _, kind := range anystore.Kinds(t, anystore.Pebble) {
		if kind == anystore.Mem || kind == anystore.Postgres || kind == anystore.Pooled {
			t.Skip("other servers may use the store")
		}
		c := config.Config{Store: anystore.Spec(t, kind), Data: t.TempDir()}
		l := startLinks(t, c)
		link, _ := l.dial()
		l.end()
		link.Close()
		for range 2 {
			l = startLinks(t, c)
			if got := l.state(); got != "PushOnline" {
				t.Errorf("after a restart alice is %s", got)
			}
			for n := 1; n > 0; {
				all, err := l.records.Nodes(t.Context())
				if n = len(all); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Millisecond)
			}
			l.end()
		}
	}
}

// TestLinkNodes ends links from another server of the same database.
func TestLinkNodes(t *testing.T) {
	spec := anystore.Spec(t, anystore.Postgres)
	seal := t.TempDir() + "/seal.keys"
	first := startLinks(t, config.Config{Store: spec, Data: t.TempDir(), SealKeys: seal})
	second := startLinks(t, config.Config{Store: spec, Data: t.TempDir(), SealKeys: seal})
	link, _ := first.dial()
	if got := second.state(); got != "Online" {
		t.Errorf("the other server sees %s", got)
	}
	if err := second.dir.Kick(t.Context(), second.app, "alice"); err != nil {
		t.Fatal(err)
	}
	if ended, ok := errors.AsType[*client.LinkEndedError](link.Wait()); !ok || ended.Reason != "kicked" {
		t.Errorf("the link ended with %v", link.Wait())
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // a UserSig after the kick
	link, _ = first.dial()
	other, _ := second.dial() // another Android
	if ended, ok := errors.AsType[*client.LinkEndedError](link.Wait()); !ok || ended.Reason != "replaced" {
		t.Errorf("the link ended with %v", link.Wait())
	}
	other.Close()
	first.becomes("PushOnline")
	link, _ = first.dial()
	first.deny.Store(true) // it does not come back
	// The process of the first server is killed: nobody renews its lease, and it ends.
	own, err := first.dir.Node(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := second.records.NodeAt(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	n.Until = time.Now().UnixMilli()
	if err := second.records.PutNode(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	select { // the first server is alive, so it can also notice that its lease was lost
	case <-first.outs:
	case <-second.outs:
	}
	if got := second.state(); got != "PushOnline" {
		t.Errorf("after the end of the node alice is %s", got)
	}
	if link.Wait() == nil {
		t.Error("the link of the lost node lives")
	}
}
