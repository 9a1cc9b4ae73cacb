package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/bulk"
	"rollcall/internal/calls"
	"rollcall/internal/directory"
	"rollcall/internal/faults"
	"rollcall/internal/figures"
	"rollcall/internal/httpx"
	"rollcall/internal/ratelimit"
	"rollcall/internal/webhooks"
)

// Prefix is the path prefix of the admin API.
const Prefix = "/admin/"

// Limits of requests.
const (
	// MaxBody is the longest body in bytes.
	MaxBody = 1 << 20

	maxWait       = time.Second
	timeout       = 10 * time.Second // of most routes
	backupTimeout = 6 * time.Hour    // a copy without progress ends earlier

	// maxInFlight is the number of requests that are served at once. Others wait. Gateways
	// report logins by this API, and the logins of requests that are served together share
	// a write to the disk.
	maxInFlight = 96
)

// Options configure a Server. Directory, Imports, Figures, Webhooks and Logger are required.
type Options struct {
	Directory *directory.Directory
	Imports   *bulk.Service
	Figures   *figures.Figures
	Webhooks  *webhooks.Service
	Logger    *slog.Logger
	Version   string // of the program
	Store     string // kind of the engine, as "pebble"; no path, no address

	// Hosts are names that the Host header of a request may contain, besides localhost
	// and loopback addresses.
	Hosts []string

	// Observer is called for every request. Optional.
	Observer httpx.Observer

	// Settings returns those of the server, without secrets. Optional.
	Settings func() []adminapi.ServerSetting

	// SigAnswer returns the code, the text and the advice of the answer of the account API
	// to a call with a UserSig. Its arguments are the UserSig, and the code and the reason of
	// its first fault. Without it, explanations of UserSigs have the code alone.
	SigAnswer func(app *account.App, text string, code int, detail string) (int, string, string)

	// Calls, Faults and Rates are shared with the account API, which fills the first and
	// the last. If they are nil, there are none.
	Calls  *calls.Log
	Faults *faults.Set
	Rates  *ratelimit.Report

	// InFlight returns the number of calls of the account API under way. Stopping reports
	// whether the server is about to stop. Disk measures the disk of the store, in bytes,
	// and fails if the disk hangs. They are optional.
	InFlight func() int
	Stopping func() bool
	Disk     func() (used, free uint64, err error)

	// Vendor serves the account API. The route makeCall calls it; it is refused if Vendor
	// is nil.
	Vendor http.Handler

	// VerifyBackup reads every record of the backup in a directory. Its error says what is
	// wrong with the backup. Optional.
	VerifyBackup func(ctx context.Context, dir string) (*account.Contents, error)

	// Backups keeps backups in a repository. It is nil if the server has none.
	Backups Backups

	// BackedUp is called with the time of each backup that was created. Optional.
	BackedUp func(time.Time)
}

// Backups are the backups of a server in a repository.
type Backups interface {
	// Place returns the place of the repository, without secrets.
	Place() string

	// Create makes a backup. It returns an error with [ErrBackupBusy] while one is made.
	Create(context.Context) (adminapi.Backup, error)

	// List returns all backups, newest first.
	List(context.Context) ([]adminapi.StoredBackup, error)
}

// ErrBackupBusy says that a backup is being made already.
var ErrBackupBusy = errors.New("a backup is being made; wait for its end")

// A Server serves the admin API. It is safe for concurrent use.
type Server struct {
	dir     *directory.Directory
	o       Options
	calls   *calls.Log
	faults  *faults.Set
	rates   *ratelimit.Report
	imports *bulk.Service
	hosts   hosts
	handler http.Handler
	backup  sync.Mutex // held while a backup is created
	started time.Time
	verify  sync.Mutex // held while a backup is checked

	deadlines httpx.Deadlines

	exports chan struct{} // contains one for each export under way
	diskOps chan struct{} // contains one for each operation that has not returned yet; see onDisk
}

// New returns a Server.
func New(o Options) *Server {
	s := &Server{dir: o.Directory, o: o, hosts: newHosts(o.Hosts), started: time.Now(), diskOps: make(chan struct{}, maxDiskOps), exports: make(chan struct{}, maxExports)}
	s.calls, s.faults, s.rates = o.Calls, o.Faults, o.Rates
	if s.calls == nil {
		s.calls = calls.NewLog()
	}
	if s.faults == nil {
		s.faults = faults.NewSet()
	}
	if s.rates == nil {
		s.rates = ratelimit.NewReport()
	}
	if s.o.SigAnswer == nil {
		s.o.SigAnswer = func(_ *account.App, _ string, code int, _ string) (int, string, string) { return code, "", "" }
	}
	s.imports = o.Imports
	mux := s.mux()
	bounded := httpx.NewInFlight(maxInFlight, maxWait).Wrap(func(w http.ResponseWriter, r *http.Request) error {
		httpx.Find(mux, r.URL.EscapedPath()).ServeHTTP(w, r)
		return nil
	})
	s.handler = httpx.Handler(o.Logger, func(w http.ResponseWriter, r *http.Request) error {
		event := httpx.EventFrom(r.Context())
		event.SetCommand("admin")
		event.SetPath(Prefix + "…")
		event.OnEnd(o.Observer)
		return bounded(w, r)
	}, s.refuse)
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// mux returns a handler for all paths. It passes the routes of a path to serve, and no
// routes for an unknown path. Its patterns have no methods, for two reasons: GET would
// also match HEAD, and a caller without a token must not learn which methods exist.
func (s *Server) mux() *http.ServeMux {
	paths := map[string][]Route{"/": nil}
	for _, r := range Routes() {
		paths[r.Path] = append(paths[r.Path], r)
	}
	mux := http.NewServeMux()
	for path, routes := range paths {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, routes) })
	}
	return mux
}

// A call is one request that is being served.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	route *Route
	query map[string]string
	token *account.Token
	event *httpx.Event
}

// actor returns the name of the caller for the audit trail.
func (c *call) actor() string { return c.token.Name }

// serve responds to r. routes are those of its path.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, routes []Route) {
	c := &call{w: w, r: r, event: httpx.EventFrom(r.Context())}
	c.event.SetCode(0)
	resp, err := s.respond(c, routes)
	if err == nil && !c.route.Lines {
		err = c.send(resp)
	}
	if err != nil {
		c.fail(err)
	}
}

// respond checks the request and runs its route.
func (s *Server) respond(c *call, routes []Route) (any, error) {
	if err := s.gate(c, routes); err != nil {
		return nil, err
	}
	return s.run(c.r.Context(), c)
}

// run runs the route of c within its time.
func (s *Server) run(ctx context.Context, c *call) (any, error) {
	ctx = directory.WithToken(ctx, c.token.ID)
	if c.route.Lines || c.route.Timeout < 0 { // the handler extends its deadlines
		return c.route.serve(s, ctx, c)
	}
	if c.route.Timeout == 0 {
		ctx := s.deadlines.Begin(ctx, timeout)
		defer ctx.End()
		return c.route.serve(s, ctx, c)
	}
	// The response may come later than others. The body has no more time than usual, and
	// neither has the client to read the response.
	c.writeWithin(c.route.Timeout + timeout)
	defer c.writeWithin(timeout)
	ctx, cancel := context.WithTimeout(ctx, c.route.Timeout)
	defer cancel()
	return c.route.serve(s, ctx, c)
}

// writeWithin limits the time until the response is written to d from now.
func (c *call) writeWithin(d time.Duration) {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(d)) // an error means that there are no deadlines
}

// gate chooses the route of c, or returns why c is refused. A caller without a valid
// token learns nothing else.
func (s *Server) gate(c *call, routes []Route) (err error) {
	if !s.hosts.allow(c.r.Host) {
		return errHost
	}
	if c.token, err = s.authenticate(c.r); err != nil {
		return err
	}
	c.event.Known()
	c.event.Add(slog.String("actor", c.token.Name), slog.String("token_id", c.token.ID))
	if err := c.choose(routes); err != nil {
		return err
	}
	c.event.SetCommand("admin." + c.route.ID)
	c.event.SetPath(c.route.Path)
	if err := c.checkScope(); err != nil {
		return err
	}
	return c.readQuery()
}

// send writes the response of a route.
func (c *call) send(resp any) error {
	setHeaders(c.w.Header())
	if c.route.Status == http.StatusNoContent {
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	body, err := encode(resp)
	if err != nil {
		return err
	}
	if v, ok := resp.(*adminapi.App); ok {
		c.w.Header().Set("ETag", strconv.Quote(strconv.FormatUint(v.Version, 10)))
	}
	write(c.w, c.route.Status, "application/json", body)
	return nil
}

// setHeaders sets the headers of every response. Responses may contain secrets, so they
// must not be cached.
func setHeaders(h http.Header) {
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
}

// Header values that are the same for every request.
var noStore, noSniff = []string{"no-store"}, []string{"nosniff"}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; nothing is left to do
}
