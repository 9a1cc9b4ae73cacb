package admin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"rollcall/internal/adminapi"
	"rollcall/internal/calls"
	"rollcall/internal/httpx"
)

const (
	// maxCallWait is the longest wait for calls. Proxies often close a connection that
	// is silent for a minute.
	maxCallWait = 50 * time.Second

	// maxPageBodies bounds the bodies of one page, in bytes. A page may be shorter than
	// its limit because of it. JSON can make a text six times as long.
	maxPageBodies = 2 << 20
)

func (s *Server) readCall(_ context.Context, c *call) (adminapi.Call, error) {
	found := s.calls.Find(c.param("id"))
	if found == nil {
		return adminapi.Call{}, &problemError{noCall, "no call with that request id is kept"}
	}
	return *found, nil
}

// A callQuery selects a page of calls.
type callQuery struct {
	calls.Filter
	limit  int
	after  uint64
	newer  bool // only calls after after
	wait   time.Duration
	bodies bool
}

// callQuery reads the parameters of a list of calls.
func (c *call) callQuery() (q callQuery, err error) {
	if q.limit, err = c.limit(); err != nil {
		return q, err
	}
	q.Command, q.UserID = c.query["command"], c.query["userid"]
	if text, ok := c.query["code"]; ok {
		code, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return q, bad("code is a number, as 70398, or 0 for success")
		}
		q.Code = new(int(code))
	}
	if text, ok := c.query["after"]; ok {
		q.newer = true
		if q.after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return q, bad("after is last of an answer before, or 0 to begin with the oldest call")
		}
	}
	if text, ok := c.query["wait"]; ok {
		seconds, err := strconv.ParseUint(text, 10, 31)
		q.wait = time.Duration(seconds) * time.Second
		if err != nil || q.wait > maxCallWait || !q.newer {
			return q, bad(fmt.Sprintf("wait is a number of seconds up to %d, and needs after", maxCallWait/time.Second))
		}
	}
	q.bodies, err = c.flag("bodies")
	return q, err
}

// listCalls lists calls of all apps.
func (s *Server) listCalls(ctx context.Context, c *call) (adminapi.CallList, error) {
	q, err := c.callQuery()
	if err != nil {
		return adminapi.CallList{}, err
	}
	return s.callPage(ctx, c, q)
}

func (s *Server) listAppCalls(ctx context.Context, c *call) (adminapi.CallList, error) {
	q, err := c.callQuery()
	if err != nil {
		return adminapi.CallList{}, err
	}
	id, err := c.app()
	if err != nil {
		return adminapi.CallList{}, err
	}
	if _, err := s.dir.App(ctx, id); err != nil {
		return adminapi.CallList{}, err
	}
	q.App = uint32(id)
	return s.callPage(ctx, c, q)
}

// callPage returns the calls that q selects. If q waits, it waits for the first of them.
func (s *Server) callPage(ctx context.Context, c *call, q callQuery) (page adminapi.CallList, err error) {
	var found []*calls.Call
	if q.newer {
		found, page.Last = s.calls.After(q.Filter, q.after, q.limit)
	} else {
		found, page.Last = s.calls.Newest(q.Filter, q.limit)
	}
	if len(found) == 0 && q.wait > 0 {
		if found, page.Last, err = s.awaitCalls(ctx, c, q, page.Last); err != nil {
			return adminapi.CallList{}, err
		}
	}
	bodies := 0
	page.Calls = make([]*calls.Call, 0, len(found))
	for i, call := range found {
		if bodies += bodySize(call); q.bodies && bodies > maxPageBodies && i > 0 {
			if q.newer {
				page.Last = found[i-1].Seq
			}
			break
		}
		if !q.bodies {
			call = withoutBodies(call)
		}
		page.Calls = append(page.Calls, call)
	}
	return page, nil
}

// awaitCalls waits until a call after the one with the Seq after is there. The response
// becomes a stream, which takes no place from other requests. If the wait ends without a
// call, it returns none.
func (s *Server) awaitCalls(ctx context.Context, c *call, q callQuery, after uint64) (found []*calls.Call, last uint64, err error) {
	if err := httpx.Stream(c.w); err != nil {
		return nil, 0, err
	}
	_ = httpx.Extend(c.w, q.wait+timeout) // an error means that there are no deadlines
	over := time.NewTimer(q.wait)
	defer over.Stop()
	for {
		added := s.calls.Added()
		if found, after = s.calls.After(q.Filter, after, q.limit); len(found) > 0 {
			return found, after, nil
		}
		select {
		case <-added:
		case <-over.C:
			return nil, after, nil
		case <-httpx.Ending(ctx):
			return nil, after, nil
		case <-ctx.Done():
			return nil, after, nil
		}
	}
}

func bodySize(c *calls.Call) (n int) {
	for _, b := range []*calls.Body{c.Request, c.Response} {
		if b != nil {
			n += len(b.Text)
		}
	}
	return n
}

func withoutBodies(c *calls.Call) *calls.Call {
	shown := *c
	shown.Request, shown.Response = nil, nil
	return &shown
}

func (s *Server) clearCalls(ctx context.Context, c *call) (adminapi.Cleared, error) {
	id, err := c.app()
	if err != nil {
		return adminapi.Cleared{}, err
	}
	if _, err := s.dir.App(ctx, id); err != nil {
		return adminapi.Cleared{}, err
	}
	return adminapi.Cleared{Cleared: s.calls.Clear(uint32(id))}, nil
}
