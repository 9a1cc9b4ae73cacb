package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"rollcall/internal/adminapi"
	"rollcall/internal/wire"
)

// AdminOptions select the server to administer. BaseURL and Token are required.
// The other fields have the same meaning as in [Options].
type AdminOptions struct {
	// BaseURL is the address of the admin API, such as "http://127.0.0.1:7580".
	BaseURL string

	// Token is the bearer token, "rct_" and 43 characters.
	Token string

	HTTPClient     *http.Client
	Timeout        time.Duration
	AttemptTimeout time.Duration // 0 means as long as Timeout, because a backup can take long
	Retries        int
	UserAgent      string
	Logger         *slog.Logger
}

// An AdminClient calls the admin API of one Rollcall server. It retries a call if
// no response came or if the server is unavailable. It retries only calls with the
// methods GET and PUT, which have the same effect when they are repeated.
type AdminClient struct {
	transport *transport
	retrier   retrier
	bearer    func() string // a function, so that printing the client does not show the token
}

// NewAdmin returns an AdminClient. It sends nothing.
func NewAdmin(o AdminOptions) (*AdminClient, error) {
	if o.Token == "" {
		return nil, errors.New("client: Token is empty; give an admin token")
	}
	t, err := newTransport(o.BaseURL, o.HTTPClient, o.UserAgent)
	if err != nil {
		return nil, err
	}
	r := newRetrier(o.Timeout, o.Retries, o.Logger)
	t.attempt = cmp.Or(o.AttemptTimeout, r.timeout)
	return &AdminClient{transport: t, retrier: r, bearer: func() string { return "Bearer " + o.Token }}, nil
}

// CloseIdleConnections closes connections that no call uses.
func (c *AdminClient) CloseIdleConnections() { c.transport.http.CloseIdleConnections() }

var errNoAdmin = errors.New("the answer is not of the admin API; is the base URL that of its listener?")

// An adminCall is one call of the admin API. Its path is below /admin/v1.
type adminCall struct {
	method, path string
	query        url.Values
	version      uint64 // If-Match; 0 for none
	body         any    // nil for none
	resp         any    // nil if the response has no body
}

// call makes one call, and retries it if that is safe.
func (c *AdminClient) call(ctx context.Context, a adminCall) error {
	r := &request{op: a.method + " /admin/v1" + a.path, method: a.method, path: "/admin/v1" + a.path, query: a.query}
	r.header = http.Header{"Authorization": {c.bearer()}}
	if a.version != 0 {
		r.header.Set("If-Match", fmt.Sprintf(`"%d"`, a.version))
	}
	if a.body != nil {
		var err error
		if r.body, err = json.Marshal(a.body); err != nil {
			return fmt.Errorf("%s: %w", r.op, err)
		}
	}
	attempt := func(ctx context.Context) error { return c.attempt(ctx, r, a.resp) }
	kind := func(error) wire.Retry { return wire.RetryNo }
	if a.method == http.MethodGet || a.method == http.MethodPut {
		kind = adminKind
	}
	return c.retrier.run(ctx, r.op, attempt, kind)
}

func (c *AdminClient) attempt(ctx context.Context, r *request, resp any) error {
	a, err := c.transport.send(ctx, r)
	if err != nil {
		return err
	}
	if a.status < 200 || a.status > 299 {
		return problem(r.op, a)
	}
	if resp == nil {
		return nil
	}
	if err := json.Unmarshal(a.body, resp, lenient); err != nil {
		return &TransportError{Op: r.op, Status: a.status, Err: errors.Join(errNoAdmin, err)}
	}
	return nil
}

// adminKind returns whether to retry a call that is safe to retry.
func adminKind(err error) wire.Retry {
	if p, ok := errors.AsType[*Problem](err); ok {
		if p.Status == http.StatusServiceUnavailable {
			return wire.RetryYes
		}
		return wire.RetryNo
	}
	return transportKind(err)
}

// ServerInfo describes a server.
type ServerInfo = adminapi.About

// Info returns a description of the server. It needs the scope read, and is the
// cheapest way to check a token.
func (c *AdminClient) Info(ctx context.Context) (*ServerInfo, error) {
	info := new(ServerInfo)
	return result(info, c.call(ctx, adminCall{method: http.MethodGet, resp: info}))
}

// A Backup describes a finished backup.
type Backup = adminapi.Backup

// Backup makes a consistent copy of the store in dir, an absolute path of a new
// directory on the server's machine. It needs the scope admin. If the store cannot
// make backups, the error is [SlugUnsupported].
func (c *AdminClient) Backup(ctx context.Context, dir string) (*Backup, error) {
	b := new(Backup)
	return result(b, c.call(ctx, adminCall{method: http.MethodPost, path: "/backup", body: adminapi.NewBackup{Dir: dir}, resp: b}))
}

// StoreBackup makes a backup in the repository of the server, which its setting backup_to
// names. It needs the scope admin.
func (c *AdminClient) StoreBackup(ctx context.Context) (*Backup, error) { return c.Backup(ctx, "") }

// StoredBackups are the backups in the repository of a server, newest first.
type StoredBackups = adminapi.StoredBackups

// A StoredBackup is a backup in a repository.
type StoredBackup = adminapi.StoredBackup

// Backups lists the backups in the repository of the server. It needs the scope admin. If
// the server has no repository, the error is [SlugUnsupported].
func (c *AdminClient) Backups(ctx context.Context) (*StoredBackups, error) {
	b := new(StoredBackups)
	return result(b, c.call(ctx, adminCall{method: http.MethodGet, path: "/backups", resp: b}))
}

// ResealKeys seals all stored secrets with the newest sealing key, and returns their
// number. It needs the scope admin.
func (c *AdminClient) ResealKeys(ctx context.Context) (int, error) {
	var resp adminapi.Resealed
	err := c.call(ctx, adminCall{method: http.MethodPost, path: "/keys:reseal", resp: &resp})
	return resp.Resealed, err
}

// result returns v, or nil if there is an error.
func result[T any](v *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}
