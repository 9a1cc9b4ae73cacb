package session_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/session"
	"rollcall/internal/store/checked"
	"rollcall/internal/testutil/anystore"
)

const lease = 15 * time.Second

// A server is one of several on the store of an env.
type server struct {
	*session.Sessions
	v     *env
	id    string
	mu    sync.Mutex
	ended []string
}

func (v *env) server() *server {
	v.Helper()
	n := &server{v: v}
	n.Sessions = session.New(session.Options{
		Records: v.r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now,
		Announce: func(e account.Event) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.events = append(v.events, e)
		},
		Ended: func(e session.End) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.ended = append(n.ended, fmt.Sprintf("%s %d %s", e.User, e.Link.ID, e.Reason))
		},
	})
	var err error
	if n.id, err = n.Node(v.Context()); err != nil {
		v.Fatal(err)
	}
	return n
}

func (n *server) login(user account.UserID, p account.Platform, link uint64) session.LoggedIn {
	n.v.Helper()
	in, err := n.Login(n.v.Context(), n.v.at(user), session.Login{Platform: p, Link: session.Link{Node: n.id, ID: link}})
	if err != nil {
		n.v.Fatal(err)
	}
	return in
}

// heard returns the ends that the server was told of.
func (n *server) heard() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ended := n.ended
	n.ended = nil
	return ended
}

func (n *server) mustHear(want ...string) {
	n.v.Helper()
	if got := n.heard(); !slices.Equal(got, want) {
		n.v.Errorf("the ends are %q, want %q", got, want)
	}
}

func (v *env) nodes() (ids []string) {
	v.Helper()
	all, err := v.r.Nodes(v.Context())
	if err != nil {
		v.Fatal(err)
	}
	for _, n := range all {
		ids = append(ids, n.ID)
	}
	return ids
}

// TestNodeGone lets a node die. Its devices are lost at the end of its lease, which is
// reported once, by whichever server sees it first.
func TestNodeGone(t *testing.T) {
	each(t, func(v *env) {
		dead, one, two := v.server(), v.server(), v.server()
		dead.login("alice", account.Android, 1)
		dead.login("bob", account.Web, 2)
		dead.login("carol", account.Windows, 3)
		one.login("dave", account.Android, 4)
		v.advance(lease - time.Millisecond)
		v.sweep()
		if got := v.state("alice"); got != session.Online {
			v.Errorf("before the end of the lease: %s", got)
		}
		v.heard()
		if err := v.r.PutNode(v.Context(), v.renewed(one.id)); err != nil {
			v.Fatal(err)
		}
		v.advance(time.Hour)
		for user, want := range map[account.UserID]string{"alice": session.PushOnline, "bob": session.Offline, "carol": session.Offline, "dave": session.Online} {
			if got := v.state(user); got != want {
				v.Errorf("%s is %s, want %s", user, got, want)
			}
		}
		var wg sync.WaitGroup
		for _, s := range []*server{one, two} {
			wg.Go(func() {
				if err := s.Sweep(v.Context()); err != nil {
					v.Error(err)
				}
			})
		}
		wg.Wait()
		v.mu.Lock()
		for _, e := range v.events {
			if at := e.Items[0].State.At; at != v.start.Add(lease).UnixMilli() {
				v.Errorf("the link of %s ended at %d", e.Items[0].ID, at)
			}
		}
		v.mu.Unlock()
		got := v.heard()
		slices.Sort(got)
		if want := []string{"alice Disconnect/TimeOut", "bob Disconnect/LinkClose", "carol Disconnect/TimeOut"}; !slices.Equal(got, want) {
			v.Errorf("events are %q, want %q", got, want)
		}
		if got := v.nodes(); slices.Contains(got, dead.id) || !slices.Contains(got, one.id) {
			v.Errorf("the nodes are %q", got)
		}
		v.reopen()
		if got := v.state("alice"); got != session.PushOnline {
			v.Errorf("after a restart: %s", got)
		}
	})
}

// renewed returns a node with a lease of two hours more.
func (v *env) renewed(id string) *records.Node {
	v.Helper()
	n, err := v.r.NodeAt(v.Context(), id)
	if err != nil || n == nil {
		v.Fatalf("%v, %v", n, err)
	}
	n.Until += 2 * time.Hour.Milliseconds()
	return n
}

// TestMove lets a device move to another node before the lease of the old one ends: it is
// not lost. The old node, if it lives, is told.
func TestMove(t *testing.T) {
	each(t, func(v *env) {
		old, other := v.server(), v.server()
		in := old.login("alice", account.Android, 1)
		link := session.Link{Node: other.id, ID: 7}
		v.heard()
		if _, err := other.Relink(v.Context(), v.at("alice"), in.Device.ID, session.Login{Platform: account.Android, Link: link}); err != nil {
			v.Fatal(err)
		}
		v.mustHear("alice Login/Register")
		v.readMail(old)
		old.mustHear("alice 1 superseded")
		other.mustHear()
		at := v.at("alice")
		at.Link = session.Link{Node: old.id, ID: 1}
		if err := old.Drop(v.Context(), at, in.Device.ID); account.CodeOf(err) != account.NoDevice {
			v.Errorf("the old link ends the new one: %v", err)
		}
		if err := v.r.PutNode(v.Context(), v.renewed(other.id)); err != nil {
			v.Fatal(err)
		}
		v.advance(time.Minute)
		if err := other.Sweep(v.Context()); err != nil {
			v.Fatal(err)
		}
		if got := v.state("alice"); got != session.Online {
			v.Errorf("after the end of the old node: %s", got)
		}
		v.mustHear()
	})
}

// readMail lets a node read its mail once, as its loop does.
func (v *env) readMail(n *server) {
	v.Helper()
	if err := n.ReadMail(v.Context()); err != nil {
		v.Fatal(err)
	}
}

// TestEnds ends links in all ways, from the node itself and from another one.
func TestEnds(t *testing.T) {
	each(t, func(v *env) {
		here, there := v.server(), v.server()
		ctx := v.Context()
		for _, by := range []*server{here, there} {
			link := uint64(0)
			login := func(p account.Platform) session.LoggedIn { link++; return here.login("alice", p, link) }
			hears := func(want ...string) {
				v.Helper()
				v.readMail(here)
				here.mustHear(want...)
				there.mustHear()
			}
			login(account.Android)
			if _, err := by.Login(ctx, v.at("alice"), session.Login{Platform: account.Android}); err != nil {
				v.Fatal(err)
			}
			hears("alice 1 replaced")
			in := login(account.Web)
			if err := by.Logout(ctx, v.at("alice"), in.Device.ID); err != nil {
				v.Fatal(err)
			}
			hears("alice 2 ended")
			in = login(account.Web)
			if err := by.Drop(ctx, v.at("alice"), in.Device.ID); err != nil {
				v.Fatal(err)
			}
			hears("alice 3 dropped")
			in = login(account.Mac)
			if err := by.Silence(ctx, v.at("alice"), in.Device.ID, session.Unreachable); err != nil {
				v.Fatal(err)
			}
			hears("alice 4 dropped")
			login(account.Web)
			login(account.IPad)
			if err := by.EndAll(ctx, v.app(appID), session.Kicked, "alice"); err != nil {
				v.Fatal(err)
			}
			got := func() []string { v.readMail(here); e := here.heard(); slices.Sort(e); return e }()
			if want := []string{"alice 5 kicked", "alice 6 kicked"}; !slices.Equal(got, want) {
				v.Errorf("a kick: %q", got)
			}
			link = 6
			login(account.Web)
			at := v.at("alice")
			at.InternalID++ // the account was imported again
			if _, err := by.Login(ctx, at, session.Login{Platform: account.Linux}); err != nil {
				v.Fatal(err)
			}
			hears("alice 7 deleted")
			login(account.Web)
			if err := by.Remove(ctx, appID); err != nil {
				v.Fatal(err)
			}
			hears("alice 8 deleted")
			_, err := here.Login(ctx, v.at("alice"), session.Login{Platform: account.Web, Expires: v.now().Add(time.Second), Link: session.Link{Node: here.id, ID: 9}})
			if err != nil {
				v.Fatal(err)
			}
			v.advance(2 * time.Second)
			if err := by.Sweep(ctx); err != nil {
				v.Fatal(err)
			}
			hears("alice 9 expired")
		}
	})
}

// TestEndNodes restarts a server that has its store for itself.
func TestEndNodes(t *testing.T) {
	each(t, func(v *env) {
		v.server().login("alice", account.Android, 1)
		v.advance(time.Second)
		v.reopen()
		next := v.server()
		if err := next.EndNodes(v.Context()); err != nil {
			v.Fatal(err)
		}
		if got := v.state("alice"); got != session.PushOnline {
			v.Errorf("after a restart: %s", got)
		}
		v.heard()
		if err := next.Sweep(v.Context()); err != nil {
			v.Fatal(err)
		}
		v.mustHear("alice Disconnect/TimeOut")
		if got := v.nodes(); len(got) != 1 || got[0] != next.id {
			v.Errorf("the nodes are %q", got)
		}
	})
}

// TestRunNode renews the lease by real time, until it is lost.
func TestRunNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &env{T: t, kind: anystore.Mem}
		v.e = checked.New(anystore.OpenDir(t, v.kind, ""))
		defer v.e.Close()
		v.r = records.New(v.e, nil)
		var ahead atomic.Int64
		s := session.New(session.Options{
			Records: v.r, Now: func(*account.App) time.Time { return time.Now() },
			Real: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		var lost, reports []string
		go func() {
			done <- s.RunNode(ctx, func(id string) { lost = append(lost, id) }, func(err error) { reports = append(reports, err.Error()) })
		}()
		time.Sleep(time.Minute)
		if got := v.nodes(); len(got) > 0 {
			t.Errorf("a server without links has the nodes %q", got)
		}
		id, err := s.Node(ctx)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		n, err := v.r.NodeAt(ctx, id)
		if left := time.Until(time.UnixMilli(n.Until)); err != nil || left < 10*time.Second || left > lease {
			t.Errorf("the lease ends in %v, %v", left, err)
		}
		if len(lost) > 0 || len(reports) > 0 {
			t.Errorf("lost %q, reports %q", lost, reports)
		}
		ahead.Store(int64(time.Minute)) // the process was stopped
		if _, err := s.Node(ctx); account.CodeOf(err) != account.Unavailable {
			t.Errorf("without a lease: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !slices.Equal(lost, []string{id}) || len(reports) != 1 {
			t.Errorf("lost %q, reports %q", lost, reports)
		}
		if next, err := s.Node(ctx); err != nil || next == id {
			t.Errorf("the node is %s again, %v", next, err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestNewNode looks at a device at once from another process, which cannot know its node yet.
func TestNewNode(t *testing.T) {
	each(t, func(v *env) {
		if v.kind != anystore.Postgres {
			v.Skip("one process has the store for itself")
		}
		e := checked.New(anystore.OpenDir(v.T, v.kind, v.dir))
		defer e.Close()
		r := records.New(e, nil)
		other := session.New(session.Options{Records: r, Now: func(*account.App) time.Time { return v.now() }, Real: v.now})
		if _, err := r.Nodes(v.Context()); err != nil {
			v.Fatal(err)
		}
		n := v.server()
		n.login("alice", account.Android, 1)
		ds, err := other.Devices(v.Context(), v.app(appID), []account.UserID{"alice"}, []account.Status{{InternalID: internalID("alice")}})
		if err != nil || ds[0].State() != session.Online {
			v.Errorf("another process sees %s, %v", ds[0].State(), err)
		}
	})
}
