package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"rollcall/internal/account"
	"rollcall/internal/gate"
	"rollcall/internal/wire"
)

// gate checks r before its command runs, in the order that decisions.md ("The
// gate") defines. It returns why it refuses r, or nil. It sets the fields of c
// as far as the checks succeed.
func (s *Server) gate(ctx context.Context, h http.Header, r *http.Request, c *call) error {
	ep := s.endpoint(r)
	if ep == nil {
		return &wire.Error{Code: wire.NoResource, Detail: wire.ExplainPath(r.URL.EscapedPath())}
	}
	c.endpoint = ep
	c.event.SetCommand(ep.Name)
	c.event.SetPath(r.URL.Path)
	if r.Method != http.MethodPost {
		return &wire.Error{Code: wire.HTTPParse, Detail: "the method is not POST; every command takes POST alone"}
	}
	q, err := parseQuery(r.URL.RawQuery, &c.query)
	if err != nil {
		return err
	}
	if c.app, err = s.app(ctx, q); err != nil {
		return err
	}
	c.event.SetApp(uint32(c.app.ID))
	c.test = s.dir.MayFalsify(c.app)
	if s.cors(c.app) {
		h["Access-Control-Expose-Headers"] = anyOrigin
	}
	c.kept = s.calls != nil && (c.test || asked(r, explainHeader))
	if err := gate.Admit(c.app, r.Host, gate.Source(r)); err != nil {
		return err
	}
	if err := s.authenticate(ctx, r, c, q); err != nil {
		return err
	}
	c.event.Known()
	return s.rate(h, r, c)
}

// endpoint returns the command that the path of r names, or nil. A path with an
// unnecessary escape names none.
func (s *Server) endpoint(r *http.Request) *endpoint {
	if r.URL.RawPath == "" {
		return s.endpoints[r.URL.Path] // the paths of endpoints need no escapes
	}
	return s.endpoints[r.URL.EscapedPath()]
}

// app returns the app that sdkappid names.
func (s *Server) app(ctx context.Context, q query) (*account.App, error) {
	if q.sdkappid.text == "" {
		return nil, &wire.Error{Code: wire.NoSDKAppID, Detail: q.missing("sdkappid", "add it")}
	}
	id, err := strconv.ParseUint(q.sdkappid.text, 10, 32)
	if err != nil {
		return nil, &wire.Error{Code: wire.BadSDKAppID, Detail: fmt.Sprintf("sdkappid is %s, not a number from 1 to 4294967295; correct it", account.Quote(q.sdkappid.text))}
	}
	return gate.App(ctx, s.dir, uint32(id))
}

// A gateError is an error that occurred before the command. Its response has
// the key order of the gate, whatever the command is.
type gateError struct{ err error }

func (e *gateError) Error() string { return e.err.Error() }
func (e *gateError) Unwrap() error { return e.err }

func isGateError(err error) bool {
	_, ok := errors.AsType[*gateError](err)
	return ok
}
