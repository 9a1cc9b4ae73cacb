package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"rollcall/bench/measure"
	"rollcall/client"
	"rollcall/internal/linkwire"
	"rollcall/internal/loadgen"
	"rollcall/usersig"
)

// Steps of links, which are WebSockets.
const (
	stepLogin = "link-login" // open links, 64 at a time
	stepKick  = "link-kick"  // kick accounts at a rate, and wait for the end of their links
	stepLinks = "links"      // memory for idle links
)

const (
	logins   = 5000  // links of stepLogin
	kicked   = 3000  // links of stepKick
	kickRate = 1000  // kicks per second
	idle     = 20000 // links of stepLinks, if the limit of open files lets a server have them
	dialers  = 64    // links that are opened at once
)

// A dialer opens the link of the account with a number.
type dialer func(ctx context.Context, i int) (*websocket.Conn, error)

// open opens n links, and returns how long each took. The caller closes them, also after an
// error.
func open(ctx context.Context, n int, dial dialer) (links []*websocket.Conn, res *loadgen.Result, err error) {
	links = make([]*websocket.Conn, n)
	ctx, cancel := context.WithCancelCause(ctx) // with the first error
	defer cancel(nil)
	took := make([]loadgen.Histogram, dialers)
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for d := range dialers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				at := time.Now()
				var err error
				if links[i], err = dial(ctx, i); err != nil {
					cancel(fmt.Errorf("link %d: %w", i+1, err))
				}
				took[d].Record(time.Since(at))
			}
		})
	}
	wg.Wait()
	res = &loadgen.Result{Calls: int64(n), Accounts: int64(n), Elapsed: time.Since(began), Latency: new(loadgen.Histogram)}
	for d := range took {
		res.Latency.Add(&took[d])
	}
	return links, res, context.Cause(ctx)
}

// shut closes links.
func shut(links []*websocket.Conn) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(links, len(links)/dialers+1) {
		wg.Go(func() {
			for _, l := range part {
				if l != nil {
					_ = l.CloseNow()
				}
			}
		})
	}
	wg.Wait()
}

// bareLinks is a server of WebSockets without logins.
type bareLinks struct{ *process }

func (b bareLinks) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	links, res, err := open(ctx, logins, func(ctx context.Context, _ int) (*websocket.Conn, error) {
		conn, _, err := websocket.Dial(ctx, b.address, nil)
		return conn, err
	})
	shut(links)
	res.Workload = o.Workload
	return res, err
}

// linkDialer returns a dialer that logs in n accounts whose names begin with a prefix. Their
// UserSigs are made before.
func (r *rollcall) linkDialer(prefix string, n int) (dialer, error) {
	hellos := make([][]byte, n)
	for i := range hellos {
		user := fmt.Sprint(prefix, i)
		sig, err := usersig.Sign(usersig.HMACKey(r.context.Key), usersig.Claims{SDKAppID: r.context.SDKAppID, Identifier: user, Validity: validity})
		if err != nil {
			return nil, err
		}
		hellos[i] = linkwire.Encode(linkwire.Hello{
			Type: linkwire.TypeHello, SDKAppID: r.context.SDKAppID, UserID: user, UserSig: sig, Platform: "Android",
		})
	}
	return func(ctx context.Context, i int) (*websocket.Conn, error) {
		conn, _, err := websocket.Dial(ctx, r.address+linkwire.Path, nil)
		if err != nil {
			return nil, err
		}
		if err := conn.Write(ctx, websocket.MessageText, hellos[i]); err != nil {
			return conn, err
		}
		_, b, err := conn.Read(ctx)
		if err != nil {
			return conn, err
		}
		frame, err := linkwire.DecodeServer(b)
		if _, ok := frame.(*linkwire.Ready); err == nil && !ok {
			err = fmt.Errorf("the login is answered with %s", b)
		}
		return conn, err
	}, nil
}

// links opens links of accounts that existed before, so that a login is no import.
func (r *rollcall) links(ctx context.Context, prefix string, n int) ([]*websocket.Conn, *loadgen.Result, error) {
	if err := r.register(ctx, prefix, n); err != nil {
		return nil, nil, err
	}
	dial, err := r.linkDialer(prefix, n)
	if err != nil {
		return nil, nil, err
	}
	return open(ctx, n, dial)
}

// logIn runs stepLogin.
func (r *rollcall) logIn(ctx context.Context) (*loadgen.Result, error) {
	links, res, err := r.links(ctx, "login", logins)
	shut(links)
	return res, err
}

// kickAll runs stepKick. A time is that from the moment at which kick should be called to the
// end of the link.
func (r *rollcall) kickAll(ctx context.Context) (*loadgen.Result, error) {
	links, _, err := r.links(ctx, "kick", kicked)
	defer shut(links)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // for all ends
	defer cancel()
	caller, err := r.caller()
	if err != nil {
		return nil, err
	}
	ended := make([]time.Time, kicked)
	failed := make(chan error, 2*kicked)
	var wg sync.WaitGroup
	for i, l := range links {
		wg.Go(func() {
			var err error
			for err == nil {
				_, _, err = l.Read(ctx)
			}
			ended[i] = time.Now()
			if websocket.CloseStatus(err) != linkwire.CloseEnded {
				failed <- fmt.Errorf("link %d ended without a kick: %w", i, err)
			}
		})
	}
	began := time.Now()
	due := func(i int) time.Time { return began.Add(time.Duration(i) * time.Second / kickRate) }
	for i := range links {
		if err := sleep(ctx, time.Until(due(i))); err != nil {
			return nil, err
		}
		wg.Go(func() {
			failed <- caller.Kick(ctx, fmt.Sprint("kick", i))
		})
	}
	wg.Wait()
	close(failed)
	res := &loadgen.Result{Calls: kicked, Accounts: kicked, Elapsed: time.Since(began), Latency: new(loadgen.Histogram)}
	for i := range ended {
		res.Latency.Record(ended[i].Sub(due(i)))
	}
	for err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return res, ctx.Err()
}

// idleLinks returns how many links stepLinks opens. Three quarters of the open files of a
// server may be connections, and half of these may be links.
func idleLinks() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return int(min(idle, limit.Max*3/8-100)), nil
}

// links measures the memory of idle links, on a server of their own: a large one collects its
// garbage at a moment that has nothing to do with the links.
func (b *bench) links(ctx context.Context) (err error) {
	r := newRollcall(b.env.Rollcall, filepath.Join(b.env.Dir, stepLinks))
	if err := r.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	n, err := idleLinks()
	if err != nil {
		return err
	}
	if err := r.register(ctx, "idle", n); err != nil {
		return err
	}
	if _, err := quiet(ctx, r, stepLinks, b.Plan.Settle); err != nil {
		return err
	}
	before, err := measure.RSS(r.pids()[0])
	if err != nil {
		return err
	}
	links, _, err := r.links(ctx, "idle", n)
	defer shut(links)
	if err != nil {
		return err
	}
	stop := hold(ctx, links)
	defer stop()
	if err := sleep(ctx, idleTime); err != nil {
		return err
	}
	after, err := measure.RSS(r.pids()[0])
	f := &b.round.facts
	f.Links, f.LinkRSS = int64(n), after-before
	b.say("round %d  %-14s %-20s %9.1f KiB for each of %d idle links", b.round.number+1, Rollcall, stepLinks, float64(f.LinkRSS)/float64(n)/1024, n)
	return err
}

// idleTime is how long links are idle before their memory is measured. It is longer than the
// time between two pings.
const idleTime = 40 * time.Second

// hold answers the pings of links until stop is called.
func hold(ctx context.Context, links []*websocket.Conn) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	for _, l := range links {
		l.CloseRead(ctx)
	}
	return cancel
}

// caller returns a client of the account API.
func (r *rollcall) caller() (*client.Client, error) {
	return client.New(client.Options{BaseURL: r.address, SDKAppID: r.context.SDKAppID, Key: r.context.Key, Admin: r.context.Admin})
}

// register imports n accounts whose names begin with a prefix.
func (r *rollcall) register(ctx context.Context, prefix string, n int) error {
	c, err := r.caller()
	if err != nil {
		return err
	}
	accounts := make([]client.Account, n)
	for i := range accounts {
		accounts[i].UserID = fmt.Sprint(prefix, i)
	}
	_, err = c.ImportAll(ctx, accounts)
	return err
}
