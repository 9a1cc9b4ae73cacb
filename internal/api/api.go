// Package api serves the vendor's protocol under /v4/. It checks a request at
// the gate, decodes it, calls package directory, and encodes the response. Each
// command has its own file. [wire.Commands] lists all commands.
//
// Every response is HTTP 200 with application/json. Errors are in the body.
//
// A newcomer can skip the memory of a call in call.go. It is for speed.
package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/auth"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/wire"
)

// Bounds of a request.
const (
	// MaxBody is the maximum length of a body in bytes (decisions.md,
	// "Bodies").
	MaxBody = 1 << 20

	// Timeout is the maximum duration of a command. It begins with the header
	// of the request, or with the end of a body that is slow to arrive. The
	// vendor's is 3 s, and published clients give up after 2 to 3 s.
	Timeout = 2500 * time.Millisecond

	// MaxWait is the part of Timeout that a call may wait for its turn.
	MaxWait = 400 * time.Millisecond

	// slowBody is the time within which a body may arrive without a new Timeout
	// for its command.
	slowBody = 100 * time.Millisecond
)

// Prefix is the path prefix of the vendor's protocol.
const Prefix = wire.Prefix

// Options are the options of [New]. Directory, Auth and Figures are required.
type Options struct {
	Directory *directory.Directory
	Auth      *auth.Authenticator
	Figures   Figures
	InFlight  *httpx.InFlight   // bounds the concurrent calls; [NewInFlight](0) if nil
	Calls     *calls.Log        // keeps finished calls; nil keeps none
	Faults    *faults.Set       // faults of test apps; nil has none
	Limits    ratelimit.Counter // counts calls for the limits; those of this process if nil
	Rates     *ratelimit.Report // keeps calls that are over a limit in shadow mode; nil keeps none

	// Near is told of each call for which a limit is counted, with the calls of its command
	// within the second of now. It must be fast. Optional.
	Near func(app account.AppID, a account.RateAlert, now time.Time)
}

// A Server serves the vendor's protocol. It is safe for concurrent use.
type Server struct {
	dir       *directory.Directory
	auth      *auth.Authenticator
	figures   Figures
	limits    ratelimit.Counter
	inFlight  *httpx.InFlight
	deadlines httpx.Deadlines
	calls     *calls.Log
	faults    *faults.Set
	rates     *ratelimit.Report
	near      func(account.AppID, account.RateAlert, time.Time)
	now       func() time.Time // real time, for rate limits
	endpoints map[string]*endpoint
}

// New returns a Server.
func New(o Options) *Server {
	s := &Server{
		dir: o.Directory, auth: o.Auth, figures: o.Figures, limits: o.Limits, inFlight: o.InFlight,
		calls: o.Calls, faults: o.Faults, rates: o.Rates, near: o.Near, now: time.Now,
	}
	if s.limits == nil {
		s.limits = ratelimit.New()
	}
	if s.inFlight == nil {
		s.inFlight = NewInFlight(0)
	}
	s.endpoints = s.routes()
	o.Directory.Listen(account.EventAppDeleted, s.forget)
	o.Directory.Listen(account.EventAppChanged, func(e account.Event) {
		if e.Action == directory.ActionReset || e.Action == directory.ActionRestore {
			s.forget(e)
		}
	})
	return s
}

// NewInFlight returns a bound of n concurrent calls, or of 1024 if n is 0.
func NewInFlight(n int) *httpx.InFlight { return httpx.NewInFlight(cmp.Or(n, 1024), MaxWait) }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, c := w.Header(), newCall(r)
	setHeaders(h)
	c.event.SetCode(0)
	if r.Method == http.MethodOptions && s.preflight(w, r, c) {
		c.free()
		return
	}
	resp, err := s.respond(h, r, c)
	if err != nil {
		resp = c.fail(h, err)
	} else {
		c.adviseItems(h)
	}
	body := c.encode(h, resp)
	if c.app != nil && c.app.Settings.SendRequestID {
		body = addRequestID(body, c.event.RequestID())
	}
	if c.fault != nil {
		s.sendFaulty(w, r, c, body)
	} else {
		s.record(r, c, http.StatusOK, body)
		setLength(h, len(body))
		_, _ = w.Write(body) // an error means that the client has gone
	}
	c.free()
}

// forget removes what is kept in memory about an app that was deleted, reset or restored.
func (s *Server) forget(e account.Event) {
	app := uint32(e.App)
	if s.calls != nil {
		s.calls.Clear(app)
	}
	if s.faults != nil {
		s.faults.Clear(app)
	}
	if s.rates != nil {
		s.rates.Drop(app)
	}
	s.limits.Forget(app)
	s.auth.Forgive(e.App)
}

// setHeaders sets the headers of every response of the vendor (protocol.md
// §1.2).
func setHeaders(h http.Header) {
	h["Content-Type"] = jsonType
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Allow-Headers"] = allowHeaders
	h["Access-Control-Allow-Methods"] = allowMethods
}

// Header values that are the same for every request.
var (
	jsonType     = []string{"application/json"}
	anyOrigin    = []string{"*"}
	allowHeaders = []string{"X-Requested-With"}
	allowMethods = []string{http.MethodPost}
)

// respond passes the gate and runs the command.
func (s *Server) respond(h http.Header, r *http.Request, c *call) (any, error) {
	ctx := s.deadlines.Begin(r.Context(), Timeout)
	defer func() { ctx.End() }()
	if err := s.gate(ctx, h, r, c); err != nil {
		return nil, &gateError{err}
	}
	tenant := uint32(c.app.ID) // the caller is authenticated, so it cannot use up the places of another app
	if err := s.inFlight.Enter(ctx, tenant); err != nil {
		return nil, &gateError{&account.Error{Code: account.Unavailable, Err: err}}
	}
	defer s.inFlight.Leave(tenant)
	slow, err := c.read(h, r)
	if err != nil {
		return nil, err
	}
	if slow {
		ctx.End()
		ctx = s.deadlines.Begin(r.Context(), Timeout)
	}
	s.injectFault(c)
	resp, err := c.run(ctx)
	if err == nil && len(c.explain) > 0 && asked(r, explainHeader) {
		h.Set(explainHeader, explanation(c.explain))
	}
	return resp, err
}

// read reads the body, which c keeps until the response is encoded. It reports
// whether the body was slow to arrive.
func (c *call) read(h http.Header, r *http.Request) (slow bool, err error) {
	start := time.Now()
	if c.body, err = httpx.ReadBody(r, MaxBody); err != nil {
		h.Set("Connection", "close") // the rest of the body must not be read as a request
		return false, &wire.Error{Code: wire.HTTPParse, Detail: bodyError(err)}
	}
	return time.Since(start) > slowBody, nil
}

// bodyError says why a body could not be read.
func bodyError(err error) string {
	if _, ok := errors.AsType[*httpx.BodyTooLargeError](err); ok {
		return "the body is over 1 MiB; send fewer items in a call"
	}
	return "the body did not arrive whole: it is shorter than its Content-Length, wrongly chunked, or too slow"
}

// addRequestID adds id at the end of body, which is a JSON object.
func addRequestID(body []byte, id string) []byte {
	return fmt.Appendf(body[:len(body)-1], `,"RequestId":%q}`, id)
}

// Outside writes the response to a request whose path is outside of the vendor's
// protocol, as the vendor's gateway responds to it.
func (s *Server) Outside(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, &wire.Error{Code: wire.HTTPParse, Detail: "the path does not begin with " + Prefix + "; correct the address of the service, whose commands are all below it"})
}

// Refuse writes the response to a request whose handler panicked. The caller
// logs the cause.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, &account.Error{Code: account.Internal})
}

// refuse writes the response to a request that the gate refuses with err.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	setHeaders(w.Header())
	c := &call{endpoint: s.endpoint(r), event: httpx.EventFrom(r.Context())}
	body, _ := wire.Encode(c.fail(w.Header(), &gateError{err}))
	s.record(r, c, http.StatusOK, body)
	_, _ = w.Write(body)
}
