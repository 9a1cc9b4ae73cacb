// Package console serves the console: pages for people at /console.
//
// Every page calls routes of the admin API within the process, so scopes, checks and the
// audit trail are those of the API. A page lists its forms. A form that is sent to the
// address of its page calls the route of the form.
package console

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rollcall/internal/admin"
	"rollcall/internal/console/asset"
	"rollcall/internal/console/link"
	"rollcall/internal/console/view"
	"rollcall/internal/directory"
	"rollcall/internal/httpx"
)

// Prefix is the path of the console. All other paths are below it.
const Prefix = view.Root

// static is the path of the files for browsers.
const static = Prefix + "/static/"

// Limits of requests.
const (
	maxInFlight = 16 // requests served at once; others wait
	maxWait     = time.Second
	maxForm     = 1 << 20  // bytes of a form without a file
	maxOpenForm = 64 << 10 // of one that needs no session
)

// policy allows pages to load from this server only, and no inline script or style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Options configure a Console. Directory and Admin are required.
type Options struct {
	Directory *directory.Directory // keeps the sessions
	Admin     *admin.Server
	Links     *link.Links // that log in; nil for none
}

// A Console serves the console. It is safe for concurrent use.
type Console struct {
	dir    *directory.Directory
	admin  *admin.Server
	links  *link.Links
	origin *http.CrossOriginProtection
	handle httpx.HandlerFunc
	global map[string]*page
	ofApp  map[string]*page
}

// New returns a Console.
func New(o Options) *Console {
	c := &Console{dir: o.Directory, admin: o.Admin, links: o.Links, origin: http.NewCrossOriginProtection()}
	c.global, c.ofApp = globalPages(), appPages()
	c.handle = httpx.NewInFlight(maxInFlight, maxWait).Wrap(c.route)
	return c
}

// Handle serves the paths of the console. The caller has checked the Host header.
func (c *Console) Handle(w http.ResponseWriter, r *http.Request) error {
	setHeaders(w.Header())
	if address, ok := strings.CutPrefix(r.URL.Path, static); ok {
		asset.Serve(w, r, address)
		return nil
	}
	v := c.newVisit(w, r)
	if r.Method == http.MethodPost && open(v.path) != nil {
		// A stranger can send it slowly, so it takes no place from others until it is there.
		if err := v.readForm(maxOpenForm); err != nil {
			return v.problem(err)
		}
	}
	err := c.handle(w, r)
	if _, ok := errors.AsType[*httpx.BusyError](err); ok {
		w.Header().Set("Retry-After", "1")
		return v.problem(err)
	}
	return err
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// route serves a page.
func (c *Console) route(w http.ResponseWriter, r *http.Request) error {
	v := c.newVisit(w, r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		return v.fail(http.StatusMethodNotAllowed, "method-not-allowed", r.Method+" has no meaning here")
	}
	if err := c.origin.Check(r); err != nil {
		return v.fail(http.StatusForbidden, "forbidden", "the form was sent by a page of another origin")
	}
	if serve := open(v.path); serve != nil {
		return serve(v)
	}
	token, err := v.session()
	if err != nil {
		return v.problem(err)
	}
	if token == nil {
		return v.askLogin()
	}
	v.Token = token
	event := httpx.EventFrom(r.Context())
	event.Known()
	event.Add(slog.String("actor", token.Name), slog.String("token_id", token.ID))
	return v.serve()
}

// open returns the handler of a path that needs no session, or nil.
func open(path string) func(*visit) error {
	switch path {
	case "/login":
		return (*visit).login
	case "/logout":
		return (*visit).logout
	case "/preferences":
		return (*visit).preferences
	}
	return nil
}
