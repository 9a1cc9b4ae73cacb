package admin

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/httpx"
)

// A Request is a call of a route from within the program. It has the effect of the same
// call over HTTP.
type Request struct {
	Route  string            // its ID
	Params map[string]string // values of {name} in its path
	Query  map[string]string // empty values are left out
	Header map[string]string // empty values are left out

	// Body is encoded as JSON. An [io.Reader] is sent as it is. nil sends none.
	Body any
}

// routesByID returns all routes by their IDs.
var routesByID = sync.OnceValue(func() map[string]*Route {
	byID := map[string]*Route{}
	for _, r := range Routes() {
		byID[r.ID] = &r
	}
	return byID
})

// RouteByID returns the route with the given ID, or nil.
func RouteByID(id string) *Route { return routesByID()[id] }

// Path returns the path of r. A {name} without a value stays as it is.
func (r *Request) Path() string {
	path := routesByID()[r.Route].Path
	for name, value := range r.Params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return path
}

// Target returns the path of r with its query, without an address.
func (r *Request) Target() string {
	path := r.Path()
	query := url.Values{}
	for name, value := range r.Query {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// Encoded returns the JSON of the body, or nil if there is none or if it is a stream.
func (r *Request) Encoded() ([]byte, error) {
	if _, stream := r.Body.(io.Reader); r.Body == nil || stream {
		return nil, nil
	}
	return encode(r.Body)
}

// http returns r as the request that a client would send.
func (r *Request) http(ctx context.Context, method string) (*http.Request, error) {
	body, ok := r.Body.(io.Reader)
	if !ok {
		b, err := r.Encoded()
		if err != nil { // all values can be encoded
			return nil, bad("the body is nested too deeply for JSON")
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.Target(), body)
	if err != nil {
		return nil, err
	}
	for name, value := range r.Header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}

// Do calls a route for the bearer of a token. The scope of the token, the checks of the
// request and the entry in the audit trail are those of the same call over HTTP. The
// response is the struct of package adminapi that the route returns.
//
// A route that sends a stream, or reads one, does so over w, which must belong to the
// request of ctx. Other routes ignore w.
//
// [ProblemOf] describes an error.
func (s *Server) Do(ctx context.Context, token *account.Token, w http.ResponseWriter, r Request) (any, error) {
	route := routesByID()[r.Route]
	if route == nil {
		return nil, &problemError{notFound, "no route is called " + r.Route}
	}
	hr, err := r.http(ctx, route.Method)
	if err != nil {
		return nil, err
	}
	if w == nil {
		w = nowhere{}
	}
	c := &call{w: w, r: hr, route: route, token: token, event: httpx.EventFrom(ctx)}
	if err := c.checkScope(); err != nil {
		return nil, err
	}
	if err := c.readQuery(); err != nil {
		return nil, err
	}
	resp, err := s.run(ctx, c)
	if err != nil || resp == nil {
		return nil, err
	}
	return reflect.ValueOf(resp).Elem().Interface(), nil
}

// Call is [Server.Do] for a route whose response is a T.
func Call[T any](ctx context.Context, s *Server, token *account.Token, r Request) (T, error) {
	v, err := s.Do(ctx, token, nil, r)
	t, ok := v.(T)
	if err == nil && !ok {
		panic("admin: the route " + r.Route + " does not return what its caller expects")
	}
	return t, err
}

// checkScope returns an error if the token of c does not allow its route.
func (c *call) checkScope() error {
	if c.token.Allows(c.route.Scope) {
		return nil
	}
	return &problemError{slug: forbidden, detail: "the token does not have the scope " + string(c.route.Scope)}
}

// nowhere is the writer of a call without a stream.
type nowhere struct{}

func (nowhere) Header() http.Header              { return http.Header{} }
func (nowhere) Write(b []byte) (int, error)      { return len(b), nil }
func (nowhere) WriteHeader(int)                  {}
func (nowhere) SetReadDeadline(time.Time) error  { return nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
