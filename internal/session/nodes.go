package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Times of nodes. A lease lasts long enough for a few renewals that fail, and for clocks of
// machines that differ by some seconds.
const (
	leaseTime  = 15 * time.Second
	renewEvery = 5 * time.Second
	renewTime  = 3 * time.Second // after which a renewal has failed
	mailEvery  = 200 * time.Millisecond
)

// An EndReason says why a link has ended. Its text is part of stored data and must not
// change.
type EndReason string

// Reasons of the end of a link.
const (
	Replaced   EndReason = "replaced"   // another device of the account took the place of this one
	Superseded EndReason = "superseded" // the device itself has a newer link
	Kicked     EndReason = "kicked"
	Deleted    EndReason = "deleted"
	LoggedOut  EndReason = "ended"   // the login session of the device was ended
	Expired    EndReason = "expired" // of the UserSig
	Dropped    EndReason = "dropped" // the link alone was ended; the device may come back
)

// An End is the end of a link of this node without its doing.
type End struct {
	App    account.AppID
	User   account.UserID
	Device uint64
	Link   Link
	Reason EndReason
}

// A node is this process among the nodes. It has no record before its first link, so a server
// without links writes nothing.
type node struct {
	is      atomic.Pointer[records.Node] // nil before the first link
	joining sync.Mutex

	// Only the goroutine of RunNode uses these.
	mails uint64 // changes of the mail at the last look
}

// Node returns the ID of this node, for the links of its devices. It is another one after the
// lease was lost.
//
// Codes: Unavailable while the lease is lost.
func (s *Sessions) Node(ctx context.Context) (string, error) {
	is := s.node.is.Load()
	if is == nil {
		return s.join(ctx)
	}
	if s.o.Real().UnixMilli() >= is.Until {
		return "", &account.Error{Code: account.Unavailable, Detail: "the server cannot renew its lease; repeat the call later"}
	}
	return is.ID, nil
}

// join stores this node, unless another goroutine has done so.
func (s *Sessions) join(ctx context.Context) (string, error) {
	s.node.joining.Lock()
	defer s.node.joining.Unlock()
	if is := s.node.is.Load(); is != nil {
		return is.ID, nil
	}
	is := &records.Node{ID: rand.Text(), Until: s.o.Real().Add(leaseTime).UnixMilli()}
	if err := s.o.Records.PutNode(ctx, is); err != nil {
		return "", err
	}
	s.node.is.Store(is)
	return is.ID, nil
}

// own returns the ID of this node, or "" before the first link.
func (s *Sessions) own() string {
	if is := s.node.is.Load(); is != nil {
		return is.ID
	}
	return ""
}

// RunNode renews the lease of this node, and reads what other nodes tell it, until ctx ends.
// The lease is then left to run out: within its time the devices can find another node, as
// after a short break of their links. RunNode calls report with what fails, and goes on. It
// calls lost with the ID of this node if the lease is lost: the links of it must end.
func (s *Sessions) RunNode(ctx context.Context, lost func(node string), report func(error)) error {
	ticks := time.NewTicker(mailEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		if err := errors.Join(s.renew(ctx, lost), s.readMail(ctx)); err != nil && ctx.Err() == nil {
			report(err)
		}
	}
}

// renew renews the lease if it is time. A lease that has run out is lost, even if no other
// node has noticed it.
func (s *Sessions) renew(ctx context.Context, lost func(string)) error {
	is, now := s.node.is.Load(), s.o.Real()
	if is == nil || now.Add(leaseTime-renewEvery).UnixMilli() < is.Until {
		return nil
	}
	var err error
	if now.UnixMilli() < is.Until {
		next := *is
		next.Until = now.Add(leaseTime).UnixMilli()
		if err = s.put(ctx, &next); err == nil {
			s.node.is.Store(&next)
		}
		if account.CodeOf(err) != account.Stale {
			return err
		}
		// Perhaps it is stored, but its caller did not hear of it.
		stored, readErr := s.o.Records.NodeAt(ctx, is.ID)
		if readErr != nil {
			return readErr
		}
		if stored != nil && stored.Until > now.UnixMilli() {
			s.node.is.Store(stored)
			return nil
		}
	}
	s.node.is.Store(nil)
	lost(is.ID)
	return fmt.Errorf("the lease of the node %s was lost, and its links were ended: %w", is.ID, cmp.Or(err, errLate))
}

// put stores a renewal in a short time.
func (s *Sessions) put(ctx context.Context, n *records.Node) error {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	return s.o.Records.PutNode(ctx, n)
}

var errLate = errors.New("it could not be renewed in time")

// EndNodes ends the leases of all other nodes. A process that has a store for itself calls it
// at its start.
func (s *Sessions) EndNodes(ctx context.Context) error {
	all, err := s.o.Records.Nodes(ctx)
	if err != nil {
		return err
	}
	own, now := s.own(), s.o.Real().UnixMilli()
	for _, known := range all {
		n, err := s.o.Records.NodeAt(ctx, known.ID)
		if err != nil {
			return err
		}
		if n == nil || n.ID == own || n.Until <= now {
			continue
		}
		n.Until = now
		if err := s.o.Records.PutNode(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// moment returns the present of the login sessions of an app, which were read before.
func (s *Sessions) moment(ctx context.Context, app *account.App, ps ...*records.Presence) (moment, error) {
	m := moment{app: app, now: s.o.Now(app)}
	own, seen := s.own(), map[string]bool{"": true}
	seen[own] = true
	for _, p := range ps {
		if p == nil {
			continue
		}
		for i := range p.Devices {
			node := p.Devices[i].Node
			if seen[node] {
				continue
			}
			seen[node] = true
			until, alive, err := s.lease(ctx, node)
			if err != nil {
				return m, err
			}
			if alive {
				continue
			}
			if m.gone == nil {
				m.gone = map[string]int64{}
			}
			m.gone[node] = s.o.At(app, until).UnixMilli()
		}
	}
	return m, nil
}

// lease returns the end of the lease of a node, and whether it lies ahead. A node that is
// not known has ended at the Unix epoch. What is known in memory may be too old to say so.
func (s *Sessions) lease(ctx context.Context, id string) (until time.Time, alive bool, err error) {
	now := s.o.Real().UnixMilli()
	known, err := s.o.Records.KnownNode(ctx, id)
	if err == nil && (known == nil || known.Until <= now) {
		known, err = s.o.Records.NodeAt(ctx, id)
	}
	if err != nil {
		return until, false, err
	}
	if known == nil {
		return time.UnixMilli(0), false, nil
	}
	return time.UnixMilli(known.Until), known.Until > now, nil
}

// sweepNodes writes and reports the ends of the links of all nodes that have gone.
func (s *Sessions) sweepNodes(ctx context.Context) error {
	all, err := s.o.Records.Nodes(ctx)
	if err != nil {
		return err
	}
	own, now := s.own(), s.o.Real().UnixMilli()
	var errs []error
	for _, n := range all {
		if n.ID != own && n.Until <= now {
			errs = append(errs, s.bury(ctx, n.ID))
		}
	}
	return errors.Join(errs...)
}

// bury writes and reports the ends of the links of a node, and removes it.
func (s *Sessions) bury(ctx context.Context, id string) error {
	n, err := s.o.Records.NodeAt(ctx, id)
	if err != nil || n == nil || n.Until > s.o.Real().UnixMilli() {
		return err
	}
	for app := account.AppID(0); ; {
		if app, err = s.o.Records.NextPresence(ctx, app); err != nil {
			return err
		}
		if app == 0 {
			break
		}
		if err := s.settleNode(ctx, app, id); err != nil {
			return fmt.Errorf("app %d: %w", app, err)
		}
	}
	err = s.o.Records.RemoveNode(ctx, n)
	if account.CodeOf(err) == account.Stale {
		return nil // another server has done it, or the node is back
	}
	return err
}

// settleNode writes and reports the ends of the links of a node in an app.
func (s *Sessions) settleNode(ctx context.Context, id account.AppID, node string) error {
	app, err := s.app(ctx, id)
	if account.CodeOf(err) == account.NoApp {
		return s.Remove(ctx, id)
	}
	if err != nil {
		return err
	}
	return s.eachPage(ctx, id, func(page []records.UserPresence) error {
		var users []account.UserID
		for _, p := range page {
			if slices.ContainsFunc(p.Devices, func(d records.Device) bool { return d.Node == node }) {
				users = append(users, p.User)
			}
		}
		return s.changeAll(ctx, users, action{app: app, status: asStored, do: func(*turn) error { return nil }})
	})
}

// eachPage calls fn with all accounts of an app that have login sessions, page by page.
func (s *Sessions) eachPage(ctx context.Context, app account.AppID, fn func([]records.UserPresence) error) error {
	for after := account.UserID(""); ; {
		page, next, err := s.o.Records.ListPresences(ctx, app, after, records.MaxPresences)
		if err != nil {
			return err
		}
		if err := fn(page); err != nil || next == "" {
			return err
		}
		after = next
	}
}

// links returns the ends of all links of an app, whose login sessions will be removed.
func (s *Sessions) links(ctx context.Context, app account.AppID) (ends []records.LinkEnd, err error) {
	err = s.eachPage(ctx, app, func(page []records.UserPresence) error {
		for _, p := range page {
			for i := range p.Devices {
				if d := &p.Devices[i]; d.Node != "" {
					ends = append(ends, records.LinkEnd{App: app, User: p.User, Device: d.ID, Node: d.Node, Link: d.Link, Reason: string(Deleted)})
				}
			}
		}
		return nil
	})
	return ends, err
}

// maxMail is the largest number of ends in a message that is no part of a change.
const maxMail = 1000

// tellAll tells all nodes of the ends of links that are durable.
func (s *Sessions) tellAll(ctx context.Context, ends []records.LinkEnd) error {
	for some := range slices.Chunk(ends, maxMail) {
		if mail := s.mail(some); len(mail) > 0 {
			if err := s.o.Records.SendNodeMail(ctx, mail); err != nil {
				return err
			}
		}
		s.tell(some)
	}
	return nil
}

// mail returns the writes that tell other nodes of the ends of their links.
func (s *Sessions) mail(ends []records.LinkEnd) (ws []account.Write) {
	own, by := s.own(), map[string][]records.LinkEnd{}
	var nodes []string
	for _, end := range ends {
		if end.Node == own {
			continue
		}
		if by[end.Node] == nil {
			nodes = append(nodes, end.Node)
		}
		by[end.Node] = append(by[end.Node], end)
	}
	for _, node := range nodes {
		ws = append(ws, records.NodeMail(node, by[node]))
	}
	return ws
}

// tell tells this node of the ends of its links.
func (s *Sessions) tell(ends []records.LinkEnd) {
	own := s.own()
	for _, end := range ends {
		if end.Node == own {
			s.o.Ended(endOf(end))
		}
	}
}

func endOf(e records.LinkEnd) End {
	return End{App: e.App, User: e.User, Device: e.Device, Link: Link{e.Node, e.Link}, Reason: EndReason(e.Reason)}
}

// readMail tells this node of the ends of its links that other nodes have stored.
func (s *Sessions) readMail(ctx context.Context) error {
	own := s.own()
	if own == "" {
		return nil
	}
	changes := s.o.Records.NodeMailChanges() + 1 // 0 is none
	if changes == s.node.mails {
		return nil
	}
	err := s.o.Records.TakeNodeMail(ctx, own, func(end records.LinkEnd) { s.o.Ended(endOf(end)) })
	if err == nil {
		s.node.mails = changes
	}
	return err
}
