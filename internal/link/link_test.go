package link_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/link"
	"rollcall/internal/linkwire"
	"rollcall/internal/session"
	"rollcall/internal/testutil"
)

// TestEnds is the table of protocol-sessions.md §1.2, with links.
func TestEnds(t *testing.T) {
	logout := func(_ *bench, d *device) { d.send(linkwire.Logout{Type: linkwire.TypeLogout}) }
	kill := func(_ *bench, d *device) { d.kill() }
	leave := func(_ *bench, d *device) { _ = d.conn.Close(websocket.StatusGoingAway, "") }
	kick := func(b *bench, _ *device) {
		if err := b.dir.KickAccount(b.Context(), "test", appID, "alice"); err != nil {
			b.Error(err)
		}
	}
	remove := func(b *bench, _ *device) {
		if _, err := b.dir.DeleteAccounts(b.Context(), "test", appID, []account.UserID{"alice"}); err != nil {
			b.Error(err)
		}
	}
	end := func(b *bench, _ *device) {
		d, err := b.dir.Devices(b.Context(), appID, "alice")
		if err == nil {
			err = b.dir.EndDevice(b.Context(), "test", appID, "alice", d.Devices[0].ID)
		}
		if err != nil {
			b.Error(err)
		}
	}
	expire := func(*bench, *device) { time.Sleep(time.Hour + time.Second) }
	status := func(_ *bench, d *device) { d.send(linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: "busy"}) }
	other := func(p account.Platform) func(*bench, *device) {
		return func(b *bench, _ *device) { b.login("alice", p) }
	}
	setting := func(change func(*account.App)) func(*bench, *device) {
		return func(b *bench, _ *device) {
			b.change(change)
			time.Sleep(link.DefaultPing)
		}
	}
	disable := setting(func(app *account.App) { app.Disabled = true })
	shut := setting(func(app *account.App) {
		app.Settings.AllowSources = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	})
	for _, tt := range []struct {
		name     string
		platform account.Platform
		do       func(*bench, *device)
		state    string
		event    string
		device   string // what it gets
		end      string // cause
	}{
		{"logout", account.Android, logout, "Offline", "Logout/Unregister", "1000", "logout"},
		{"logout", account.Web, logout, "Offline", "Logout/Unregister", "1000", "logout"},
		{"process killed", account.Android, kill, "PushOnline", "Disconnect/LinkClose", "-1", "closed"},
		{"process killed", account.IPhone, kill, "PushOnline", "Disconnect/LinkClose", "-1", "closed"},
		{"process killed", account.Windows, kill, "Offline", "Disconnect/LinkClose", "-1", "closed"},
		{"process killed", account.Mac, kill, "Offline", "Disconnect/LinkClose", "-1", "closed"},
		{"page closed", account.Web, leave, "Offline", "Disconnect/LinkClose", "1001", "closed"},
		{"WeChat killed", account.MiniProgram, kill, "Offline", "Disconnect/LinkClose", "-1", "closed"},
		{"kick", account.Android, kick, "Offline", "Logout/Unregister", "kicked kicked false 4004", "kicked"},
		{"account_delete", account.Web, remove, "none", "Logout/Unregister", "kicked deleted false 4004", "deleted"},
		{"ended by an operator", account.Web, end, "Offline", "Logout/Unregister", "kicked ended false 4004", "ended"},
		{"expiry of the UserSig", account.Android, expire, "PushOnline", "Disconnect/LinkClose", "expired 4005", "expired"},
		{"expiry of the UserSig", account.Web, expire, "Offline", "Disconnect/LinkClose", "expired 4005", "expired"},
		{"app disabled", account.Android, disable, "PushOnline", "Disconnect/LinkClose", "error 60016 4001", "not_admitted"},
		{"app disabled", account.Web, disable, "Offline", "Disconnect/LinkClose", "error 60016 4001", "not_admitted"},
		{"address refused", account.Web, shut, "Offline", "Disconnect/LinkClose", "error 60021 4001", "not_admitted"},
		{"custom status", account.Web, status, "Online", "CustomStatusChange/SetCustomStatus", "", ""},
		{"another device", account.Android, other(account.Android), "Online", "Login/Register[Android]", "kicked replaced false 4004", "replaced"},
		{"another platform", account.Android, other(account.IPhone), "Online", "Login/Register", "", ""},
	} {
		t.Run(tt.name+" "+string(tt.platform), func(t *testing.T) {
			bubble(t, nil, func(b *bench) {
				d, _ := b.login("alice", tt.platform)
				b.mustHear("alice Login/Register")
				b.mustBe("alice", session.Online)
				tt.do(b, d)
				b.mustBe("alice", tt.state)
				b.mustHear("alice " + tt.event)
				d.mustGet(tt.device)
				b.mu.Lock()
				defer b.mu.Unlock()
				if got := strings.Join(b.ends, " "); got != tt.end {
					t.Errorf("the links ended by %q, want %q", got, tt.end)
				}
				for _, cause := range b.ends {
					if !slices.Contains(link.Causes(), cause) {
						t.Errorf("the cause %q is not listed", cause)
					}
				}
			})
		})
	}
}

// TestSilence lets a device answer no ping. It is lost after the time of its platform.
func TestSilence(t *testing.T) {
	const noticed = 35 * time.Second // a ping and the time for its answer
	for p, want := range map[account.Platform]struct {
		after        time.Duration
		state, event string
	}{
		account.Android:     {400 * time.Second, session.PushOnline, "Disconnect/TimeOut"},
		account.Windows:     {400 * time.Second, session.Offline, "Disconnect/TimeOut"},
		account.Web:         {60 * time.Second, session.Offline, "Disconnect/LinkClose"},
		account.MiniProgram: {60 * time.Second, session.Offline, "Disconnect/LinkClose"},
	} {
		t.Run(string(p), func(t *testing.T) {
			bubble(t, nil, func(b *bench) {
				d := b.deaf(b.hello("alice", p))
				b.mustHear("alice Login/Register")
				d.hole.Store(true)
				time.Sleep(noticed + time.Second)
				synctest.Wait()
				if n := b.links.Len(); n > 0 {
					t.Errorf("%d links", n)
				}
				time.Sleep(want.after - 3*time.Second)
				b.mustBe("alice", session.Online)
				b.mustHear()
				time.Sleep(4 * time.Second)
				b.mustBe("alice", want.state)
				b.mustHear("alice " + want.event)
				d.kill()
			})
		})
	}
}

// deaf logs in a device that then reads nothing any more.
func (b *bench) deaf(h linkwire.Hello) *device {
	b.Helper()
	d := b.dial(true, nil)
	d.send(h)
	if _, _, err := d.conn.Read(b.Context()); err != nil {
		b.Fatal(err)
	}
	return d
}

// TestReconnect lets devices come back, before and after their end was noticed.
func TestReconnect(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		old := b.deaf(b.hello("alice", account.Android))
		b.mustHear("alice Login/Register")
		ds, err := b.dir.Devices(b.Context(), appID, "alice")
		if err != nil {
			t.Fatal(err)
		}
		h := b.hello("alice", account.Android)
		h.Device = ds.Devices[0].ID
		time.Sleep(40 * time.Second)
		d, ready := b.loginWith(h) // the old link is silent
		b.mustHear("alice Login/Register")
		if ready.Device != h.Device || ready.Again {
			t.Errorf("%+v", ready)
		}
		old.kill()
		time.Sleep(10 * time.Minute)
		b.mustBe("alice", session.Online)
		b.mustHear()
		d.kill()
		b.mustHear("alice Disconnect/LinkClose")
		next, _ := b.loginWith(b.with(h))
		b.mustHear("alice Login/Register")
		last, ready := b.loginWith(b.with(h)) // the old link is still open
		b.mustHear("alice Login/Register")
		next.mustGet("kicked replaced false 4004")
		last.mustGet("")
		b.mustBe("alice", session.Online)
		b.mustHear()
		if ready.Device != h.Device || len(ready.Replaced) > 0 {
			t.Errorf("%+v", ready)
		}
		h.Platform = string(account.IPhone)
		other := b.dial(false, nil)
		other.send(h)
		other.mustGet("error 70402 4001")
		h.Device = 17 // a device that has long been forgotten
		if _, ready = b.loginWith(b.with(h)); ready.Device == 17 {
			t.Error("a device has an ID of its own choice")
		}
	})
}

// with returns h with a new UserSig.
func (b *bench) with(h linkwire.Hello) linkwire.Hello {
	h.UserSig = b.sign(h.UserID)
	return h
}

// TestReplacedReconnect lets a device come back that gave way to another one.
func TestReplacedReconnect(t *testing.T) {
	for refuse, want := range map[account.KickedReconnect]string{account.KickedReconnectAllow: "ready", account.KickedReconnectRefuse: "error 6208 4001"} {
		bubble(t, func(a *account.App, _ *link.Options) { a.Settings.KickedReconnect = refuse }, func(b *bench) {
			h := b.hello("alice", account.Android)
			old, ready := b.loginWith(h)
			b.login("alice", account.Android)
			old.mustGet("kicked replaced false 4004")
			h.Device = ready.Device
			d := b.dial(false, nil)
			d.send(h)
			d.mustGet(want)
		})
	}
}

// TestInstance logs in the same browser twice.
func TestInstance(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		h := b.hello("alice", account.Web)
		h.Instance = "tab"
		old, first := b.loginWith(h)
		b.mustHear("alice Login/Register")
		d, second := b.loginWith(h)
		b.mustHear()
		old.mustGet("kicked replaced false 4004")
		if first.Device != second.Device || first.Again || !second.Again || second.PingS != 25 {
			t.Errorf("%+v, then %+v", first, second)
		}
		b.mustBe("alice", session.Online)
		d.kill()
		b.mustBe("alice", session.Offline)
	})
}

// TestRefusals sends a hello that the gate refuses.
func TestRefusals(t *testing.T) {
	ok := func(*account.App, *link.Options) {}
	same := func(*bench, *linkwire.Hello) {}
	for name, tt := range map[string]struct {
		set   func(*account.App, *link.Options)
		hello func(*bench, *linkwire.Hello)
		page  string // origin
		want  string
	}{
		"accepted":     {ok, same, "", "ready"},
		"no app":       {ok, func(_ *bench, h *linkwire.Hello) { h.SDKAppID = 0 }, "", "error 60012 4001"},
		"unknown app":  {ok, func(_ *bench, h *linkwire.Hello) { h.SDKAppID++ }, "", "error 70020 4001"},
		"disabled app": {func(a *account.App, _ *link.Options) { a.Disabled = true }, same, "", "error 60016 4001"},
		"another source": {func(a *account.App, _ *link.Options) {
			a.Settings.AllowSources = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, same, "", "error 60021 4001"},
		"no user":          {ok, func(_ *bench, h *linkwire.Hello) { h.UserID = "" }, "", "error 60004 4001"},
		"robot":            {ok, func(b *bench, h *linkwire.Hello) { *h = b.hello("@RBT#1", account.Web) }, "", "error 70402 4001"},
		"reserved":         {ok, func(b *bench, h *linkwire.Hello) { *h = b.hello("@TLS#1", account.Web) }, "", "error 70402 4001"},
		"no signature":     {ok, func(_ *bench, h *linkwire.Hello) { h.UserSig = "" }, "", "error 70002 4001"},
		"broken signature": {ok, func(_ *bench, h *linkwire.Hello) { h.UserSig = h.UserSig[:20] + "x" + h.UserSig[21:] }, "", "error 70003 4001"},
		"of another user":  {ok, func(b *bench, h *linkwire.Hello) { h.UserSig = b.sign("bob") }, "", "error 70013 4001"},
		"expired":          {ok, func(b *bench, _ *linkwire.Hello) { time.Sleep(2 * time.Hour) }, "", "error 70001 4001"},
		"kicked": {ok, func(b *bench, _ *linkwire.Hello) {
			time.Sleep(time.Second)
			_, err := b.dir.Import(b.Context(), b.app(), []account.Upsert{{ID: "alice"}})
			if err == nil {
				err = b.dir.Kick(b.Context(), b.app(), "alice")
			}
			if err != nil {
				b.Error(err)
			}
		}, "", "error 70052 4001"},
		"no platform":      {ok, func(_ *bench, h *linkwire.Hello) { h.Platform = "" }, "", "error 70402 4001"},
		"same origin":      {ok, same, "https://rollcall.example.com", "ready"},
		"other origin":     {ok, same, "https://app.example.com", "error 60021 4001"},
		"listed origin":    {func(_ *account.App, o *link.Options) { o.Origins = []string{"https://app.example.com"} }, same, "https://app.example.com", "ready"},
		"any origin":       {func(_ *account.App, o *link.Options) { o.Origins = []string{"*"} }, same, "null", "ready"},
		"origin with cors": {func(a *account.App, _ *link.Options) { a.Settings.CORS = true }, same, "https://app.example.com", "ready"},
		"full app":         {func(_ *account.App, o *link.Options) { o.AppLimit = 1 }, func(b *bench, _ *linkwire.Hello) { b.login("bob", account.Web) }, "", "error 70169 1013"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, tt.set, func(b *bench) {
				h := b.hello("alice", account.Web)
				tt.hello(b, &h)
				header := http.Header{}
				if tt.page != "" {
					header.Set("Origin", tt.page)
				}
				d := b.dial(false, header)
				d.send(h)
				d.mustGet(tt.want)
			})
		})
	}
}

func (b *bench) app() *account.App {
	b.Helper()
	app, err := b.dir.App(b.Context(), appID)
	if err != nil {
		b.Fatal(err)
	}
	return app
}

// change changes the app.
func (b *bench) change(fn func(*account.App)) {
	b.Helper()
	apply := func(app *account.App) error {
		fn(app)
		return nil
	}
	if _, err := b.dir.ChangeApp(b.Context(), "test", directory.AppChange{App: appID, Action: "app.change", Apply: apply}); err != nil {
		b.Fatal(err)
	}
}

// TestKickDuringLogin kicks an account after its UserSig was accepted, and before its device
// is stored. The kick wins.
func TestKickDuringLogin(t *testing.T) {
	for name, kick := range map[string]func(*bench) error{
		"as a whole": func(b *bench) error {
			go func() { // it waits for the login
				if err := b.dir.Kick(b.Context(), b.app(), "alice"); err != nil {
					b.Error(err)
				}
			}()
			return nil
		},
		"its watermark alone": func(b *bench) error {
			_, err := b.store.Update(b.Context(), appID, []account.Patch{{ID: "alice", Kicked: time.Now().Unix()}}, account.ChangePolicy{Now: time.Now()})
			return err
		},
		"a deletion": func(b *bench) error {
			_, err := b.store.Delete(b.Context(), appID, []account.UserID{"alice"}, account.ChangePolicy{Now: time.Now()})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(b *bench) {
				h := b.hello("alice", account.Android)
				time.Sleep(2 * time.Second)
				b.mu.Lock()
				b.hook = func(e account.Event) {
					if e.Items[0].State.Action == account.StateLogin {
						if err := kick(b); err != nil {
							t.Error(err)
						}
					}
				}
				b.mu.Unlock()
				d := b.dial(false, nil)
				d.send(h)
				if got := d.got(); strings.Contains(got, "ready") && name != "as a whole" || !strings.HasSuffix(got, "4001") && !strings.HasSuffix(got, "4004") {
					t.Errorf("the device got %q", got)
				}
				if got := b.state("alice"); got == session.Online || got == session.PushOnline {
					t.Errorf("alice is %s", got)
				}
			})
		})
	}
}

// TestBounds sends what no device may send.
func TestBounds(t *testing.T) {
	login := func(b *bench, d *device) {
		d.send(b.hello("alice", account.Web))
		d.mustGet("ready")
	}
	for name, tt := range map[string]struct {
		do   func(*bench, *device)
		want string
	}{
		"nothing":  {func(*bench, *device) { time.Sleep(11 * time.Second) }, "4002"},
		"no JSON":  {func(_ *bench, d *device) { d.sendText("hello") }, "error 60002 4000"},
		"twice":    {func(_ *bench, d *device) { d.sendText(`{"type":"logout","type":"hello"}`) }, "error 60002 4000"},
		"unknown":  {func(_ *bench, d *device) { d.sendText(`{"type":"message"}`) }, "error 60002 4000"},
		"no type":  {func(_ *bench, d *device) { d.sendText(`{}`) }, "error 60002 4000"},
		"a number": {func(_ *bench, d *device) { d.sendText(`{"type":"hello","userid":7}`) }, "error 60002 4000"},
		"binary": {func(_ *bench, d *device) {
			_ = d.conn.Write(context.Background(), websocket.MessageBinary, []byte(`{"type":"logout"}`))
		}, "error 60002 4000"},
		"status before hello": {func(_ *bench, d *device) { d.send(linkwire.Status{Type: linkwire.TypeStatus}) }, "error 60002 4000"},
		"hello again":         {func(b *bench, d *device) { login(b, d); d.send(b.hello("alice", account.Web)) }, "error 60002 4000"},
		"a long frame":        {func(_ *bench, d *device) { d.sendText(`{"type":"` + strings.Repeat("x", linkwire.MaxFrame) + `"}`) }, "1009"},
		"a long status": {func(b *bench, d *device) {
			login(b, d)
			d.send(linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: strings.Repeat("x", 101)})
		}, "error 70402"},
		"many frames": {func(b *bench, d *device) {
			login(b, d)
			for range 30 {
				d.send(linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: "x"})
			}
		}, "error 70402 4003"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(b *bench) {
				d := b.dial(false, nil)
				tt.do(b, d)
				d.mustGet(tt.want)
				synctest.Wait()
				if want := 0; tt.want != "error 70402" && b.links.Len() != want {
					t.Errorf("%d links", b.links.Len())
				}
			})
		})
	}
}

// TestEarlyHello logs in with a frame that comes together with the request.
func TestEarlyHello(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		conn := b.connect()
		defer conn.Close()
		go b.writeEarly(conn, "alice")
		answer := bufio.NewReader(conn)
		if _, err := answer.ReadString('}'); err != nil {
			t.Error(err)
		}
		b.mustBe("alice", "Online")
		_ = conn.Close()
		b.mustBe("alice", "PushOnline")
	})
}

// TestAddressLimit opens too many links from an address. One that ends makes room.
func TestAddressLimit(t *testing.T) {
	bubble(t, func(_ *account.App, o *link.Options) { o.AddressLimit = 2 }, func(b *bench) {
		b.dial(false, nil)
		d := b.dial(false, nil)
		c := &http.Client{Transport: &http.Transport{DialContext: b.pipes.dial, DisableKeepAlives: true}}
		if _, resp, err := websocket.Dial(b.Context(), "ws://x/link", &websocket.DialOptions{HTTPClient: c}); err == nil || resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("a third link: %v", err)
		}
		d.kill()
		synctest.Wait()
		b.login("alice", account.Web)
	})
}

// TestNoPlace opens a link when as many connections are taken over as there may be. Its client
// gets a response, not half of a link.
func TestNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		(&bench{T: t, places: 2}).run(nil, func(b *bench) {
			d, _ := b.login("alice", account.Web)
			c := &http.Client{Transport: &http.Transport{DialContext: b.pipes.dial, DisableKeepAlives: true}}
			_, resp, err := websocket.Dial(b.Context(), "ws://x/link", &websocket.DialOptions{HTTPClient: c})
			if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Sec-WebSocket-Accept") != "" {
				t.Errorf("a second link: %v, %+v", err, resp)
			}
			d.kill()
			b.mustBe("alice", session.Offline)
			b.login("alice", account.Web)
		})
	})
}

// TestUnreadUpgrade opens a link, and does not read the response. The link ends by itself.
func TestUnreadUpgrade(t *testing.T) {
	bubble(t, func(_ *account.App, o *link.Options) { o.AddressLimit = 1 }, func(b *bench) {
		conn := b.connect()
		defer conn.Close()
		go io.WriteString(conn, upgradeRequest)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		b.login("alice", account.Web)
	})
}

// TestGoneBeforeUpgrade sends a hello together with the request, and ends before the response.
// The device is not logged in.
func TestGoneBeforeUpgrade(t *testing.T) {
	bubble(t, func(_ *account.App, o *link.Options) { o.AddressLimit = 1 }, func(b *bench) {
		conn := b.connect()
		b.writeEarly(conn, "alice")
		_ = conn.Close()
		b.mustBe("alice", "none")
		b.mustHear()
		b.login("alice", account.Web)
	})
}

// connect opens a connection on which nothing is sent yet.
func (b *bench) connect() net.Conn {
	b.Helper()
	conn, err := b.pipes.connect(new(atomic.Bool))
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// writeEarly sends a request and, in the same packet, the hello of an Android.
func (b *bench) writeEarly(conn net.Conn, user string) {
	hello := linkwire.Encode(b.hello(user, account.Android))
	_, _ = fmt.Fprintf(conn, upgradeRequest+"\x81\xfe%s\x00\x00\x00\x00%s", binary.BigEndian.AppendUint16(nil, uint16(len(hello))), hello) // masked with zeros
}

const upgradeRequest = "GET /link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// TestGoneDuringLogin kills a device while the store works for its login. The end was seen.
func TestGoneDuringLogin(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d := b.dial(false, nil)
		kill := d.kill
		b.store.during.Store(&kill)
		d.send(b.hello("alice", account.Android))
		b.mustBe("alice", session.PushOnline)
		b.mustHear("alice Login/Register", "alice Disconnect/LinkClose")
	})
}

// TestPingAfterSlowFrame lets a ping wait in vain for a frame that is written slowly. Later
// pings still find out that the device has gone.
func TestPingAfterSlowFrame(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d := b.deaf(b.hello("alice", account.Android))
		time.Sleep(link.DefaultPing - 3*time.Second)
		d.send(linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: strings.Repeat("x", 101)}) // which is answered by an error
		time.Sleep(9 * time.Second)
		go func() {
			for {
				if _, _, err := d.conn.Read(context.Background()); err != nil {
					return
				}
			}
		}()
		time.Sleep(5 * time.Second)
		if n := b.links.Len(); n != 1 {
			t.Errorf("%d links", n)
		}
		d.hole.Store(true)
		time.Sleep(2 * link.DefaultPing)
		synctest.Wait()
		if n := b.links.Len(); n > 0 {
			t.Errorf("%d links after the device has gone", n)
		}
		d.kill()
	})
}

// TestTLS holds a link over TLS until a kick.
func TestTLS(t *testing.T) {
	cert, key := testutil.Certificate(t)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		(&bench{T: t, tls: &tls.Config{Certificates: []tls.Certificate{pair}}}).run(nil, func(b *bench) {
			d, _ := b.login("alice", account.Android)
			other := b.deaf(b.hello("bob", account.Android))
			for _, user := range []account.UserID{"alice", "bob"} {
				if err := b.dir.Kick(b.Context(), b.app(), user); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(30 * time.Second)
			d.mustGet("kicked kicked false 4004")
			if n := b.links.Len(); n > 0 {
				t.Errorf("%d links", n)
			}
			other.kill()
		})
	})
}

// TestPanic lets a link fail while it logs in, and at its end. Nothing of it is left.
func TestPanic(t *testing.T) {
	bubble(t, func(_ *account.App, o *link.Options) { o.AppLimit, o.AddressLimit = 1, 1 }, func(b *bench) {
		for range 2 {
			b.panics.Store(true)
			d := b.dial(false, nil)
			d.send(b.hello("alice", account.Web))
			d.mustGet("-1")
			b.panics.Store(false)
			b.mustBe("alice", session.Offline)
		}
		d, _ := b.login("alice", account.Web)
		b.panics.Store(true)
		d.kill()
		b.mustBe("alice", session.Offline)
		b.panics.Store(false)
		b.login("alice", account.Web)
	})
}

// TestSlowReader sends more than a device reads. It is closed, and nothing waits for it.
func TestSlowReader(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d := b.deaf(b.hello("alice", account.Android))
		long := linkwire.Status{Type: linkwire.TypeStatus, CustomStatus: strings.Repeat("x", 101)}
		for range 25 { // each is answered by an error
			d.send(long)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if n := b.links.Len(); n > 0 {
			t.Errorf("%d links", n)
		}
		b.mustBe("alice", session.Online) // but silent
		time.Sleep(401 * time.Second)
		b.mustBe("alice", session.PushOnline)
		d.kill()
	})
}

// TestSlowKick kicks a device that does not read. The kick does not wait for it.
func TestSlowKick(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d := b.deaf(b.hello("alice", account.Android))
		began := time.Now()
		if err := b.dir.Kick(b.Context(), b.app(), "alice"); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the kick took %v", took)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := b.links.Len(); n > 0 {
			t.Errorf("%d links", n)
		}
		d.kill()
	})
}

// TestShutdown ends the server. Devices are told, and stay logged in until the lease ends.
func TestShutdown(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d, _ := b.login("alice", account.Android)
		silent := b.deaf(b.hello("bob", account.Android))
		b.mustHear("alice Login/Register", "bob Login/Register")
		early := b.dial(false, nil) // it has not logged in
		b.stop()
		early.mustGet("going 1001")
		d.mustGet("going 1001")
		b.mustHear()
		b.mustBe("alice", session.Online)
		silent.kill()
	})
}

// TestLostLease advances the clock of the process, as a pause does. Its links end, and another
// server reports their devices.
func TestLostLease(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d, _ := b.login("alice", account.Android)
		b.mustHear("alice Login/Register")
		node, err := b.dir.Node(b.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.links.Lost(node)
		d.mustGet("going 1001")
		b.mustHear()
		b.links.Lost("another")
	})
}

// TestStoreAway ends a link while the store is away. Its end is stored as soon as the store is
// back.
func TestStoreAway(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d, _ := b.login("alice", account.Android)
		b.mustHear("alice Login/Register")
		b.store.away.Store(true)
		refused := b.dial(false, nil)
		refused.send(b.hello("bob", account.Android))
		refused.mustGet("error 70169 1013")
		d.kill()
		time.Sleep(8 * time.Second)
		b.mustBe("alice", session.Online)
		b.store.away.Store(false)
		time.Sleep(30 * time.Second)
		b.mustBe("alice", session.PushOnline)
		b.mustHear("alice Disconnect/LinkClose")
	})
}

// TestClock advances the clock of a test app past the expiry of a UserSig.
func TestClock(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		d, _ := b.login("alice", account.Web)
		b.mustHear("alice Login/Register")
		if _, err := b.dir.ChangeClock(b.Context(), "test", appID, directory.ClockChange{Advance: 2 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		b.mustBe("alice", session.Offline)
		d.mustGet("expired 4005")
		b.mustHear("alice Disconnect/LinkClose")
	})
}

// TestPingBeforeHello pings a device that has not logged in yet.
func TestPingBeforeHello(t *testing.T) {
	bubble(t, func(_ *account.App, o *link.Options) { o.Ping = time.Second }, func(b *bench) {
		d := b.dial(false, nil)
		time.Sleep(5500 * time.Millisecond) // not at a ping: the pipes of these tests have no room for both
		d.send(b.hello("alice", account.Web))
		d.mustGet("ready")
	})
}

// TestUnreadableApp lets no app be read. Links stay, and those that end are counted no more.
func TestUnreadableApp(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		stays, _ := b.login("alice", account.Android)
		leaves, _ := b.login("bob", account.Android)
		b.store.hangs.Store(true)
		time.Sleep(100 * time.Second)
		stays.mustGet("")
		leaves.kill()
		time.Sleep(2 * time.Second)
		if n := b.links.Len(); n != 1 {
			t.Errorf("%d links, want 1", n)
		}
		b.store.hangs.Store(false)
	})
}

// TestOtherOrigin takes the right to use links from a page of another address.
func TestOtherOrigin(t *testing.T) {
	bubble(t, func(app *account.App, _ *link.Options) { app.Settings.CORS = true }, func(b *bench) {
		d := b.dial(false, http.Header{"Origin": {"https://app.example.com"}})
		d.send(b.hello("alice", account.Web))
		d.mustGet("ready")
		b.change(func(app *account.App) { app.Settings.CORS = false })
		time.Sleep(link.DefaultPing)
		d.mustGet("error 60021 4001")
	})
}

// TestManyDevices logs in devices of all platforms, and kicks the account.
func TestManyDevices(t *testing.T) {
	bubble(t, nil, func(b *bench) {
		var all []*device
		for _, p := range account.Platforms() {
			if p == account.MiniProgram {
				continue // it has the place of a browser
			}
			d, _ := b.login("alice", p)
			all = append(all, d)
		}
		if n := b.links.Len(); n != len(all) {
			t.Errorf("%d links, want %d", n, len(all))
		}
		if err := b.dir.Kick(b.Context(), b.app(), "alice"); err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			d.mustGet("kicked kicked false 4004")
		}
		b.mustBe("alice", session.Offline)
	})
}

// FuzzFrames sends arbitrary frames. A frame that is understood survives its encoding.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		`{"type":"hello","sdkappid":1,"userid":"u","usersig":"s","platform":"Web","instance":"i","device":9}`,
		`{"type":"status","custom_status":"x"}`, `{"type":"logout"}`, `{"type":"ready","device":1,"again":true,"replaced":["Web"],"ping_s":25}`,
		`{"type":"kicked","reason":"kicked","reconnect":false}`, `{"type":"error","code":1,"info":"x"}`, `{"type":1}`, `[]`, ``, "{\"type\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, decode := range []func([]byte) (any, error){linkwire.DecodeClient, linkwire.DecodeServer} {
			frame, err := decode(b)
			if err != nil || frame == nil {
				continue
			}
			again, err := decode(linkwire.Encode(frame))
			if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", frame) {
				t.Errorf("%+v became %+v, %v", frame, again, err)
			}
		}
	})
}
