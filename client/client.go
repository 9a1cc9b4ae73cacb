package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/wire"
	"rollcall/usersig"
)

// Administrator is the admin that every app has from the start.
const Administrator = "administrator"

// Options say which app to call, where, and as whom. BaseURL, SDKAppID and
// either Key or Signer are required.
type Options struct {
	// BaseURL is the server: one of the vendor's data centres, as [Singapore],
	// or a Rollcall, as "http://127.0.0.1:7580".
	BaseURL string

	// SDKAppID is the app's number.
	SDKAppID uint32

	// Key is the app's secret key as the console shows it. For a key of another
	// kind or in another place give a Signer instead.
	Key    string
	Signer Signer

	// Admin is an admin of the app; empty means [Administrator].
	Admin string

	// HTTPClient sends the requests; nil means one of the client's own, with a
	// pool of connections. Redirects are never followed.
	HTTPClient *http.Client

	// Timeout is the longest that a call may take, with all its repeats and
	// pauses; 0 means 30 s. A context may end a call earlier.
	Timeout time.Duration

	// AttemptTimeout is the longest that one request of a call may take; 0
	// means 8 s.
	AttemptTimeout time.Duration

	// Retries is how often a call is repeated at most; 0 means 4, and a
	// negative number never. The single repeat with a new UserSig is not
	// counted.
	Retries int

	// UserAgent names the caller; empty means "rollcall-client".
	UserAgent string

	// Logger gets a debug record for each repeat; nil means none.
	Logger *slog.Logger
}

// A Client calls the account API of one app.
type Client struct {
	transport *transport
	retrier   retrier
	sigs      *sigCache
	sdkAppID  uint32
	admin     string
}

// New returns a Client. It sends nothing. Its errors say which option to
// correct.
func New(o Options) (*Client, error) {
	if o.SDKAppID == 0 {
		return nil, errors.New("client: SDKAppID is 0; give the app's number")
	}
	if (o.Key == "") == (o.Signer == nil) {
		return nil, errors.New("client: give either Key or Signer")
	}
	t, err := newTransport(o.BaseURL, o.HTTPClient, o.UserAgent)
	if err != nil {
		return nil, err
	}
	t.attempt = cmp.Or(o.AttemptTimeout, defaultAttemptTimeout)
	c := &Client{
		transport: t,
		retrier:   newRetrier(o.Timeout, o.Retries, o.Logger),
		sdkAppID:  o.SDKAppID,
		admin:     cmp.Or(o.Admin, Administrator),
	}
	if o.Signer == nil {
		o.Signer = KeySigner(usersig.HMACKey(o.Key), c.sdkAppID, c.admin)
	}
	c.sigs = newSigCache(o.Signer)
	return c, nil
}

// SDKAppID returns the app that c calls.
func (c *Client) SDKAppID() uint32 { return c.sdkAppID }

// CloseIdleConnections closes connections that no call uses.
func (c *Client) CloseIdleConnections() { c.transport.http.CloseIdleConnections() }

// call sends body to the command of that name, and decodes the answer into resp. It
// repeats the call where that can help. The answer's headers come back with success
// and with an *Error alike.
func (c *Client) call(ctx context.Context, command string, body, resp any) (http.Header, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	var header http.Header
	resign := true // 70001 and 70052 get one new UserSig in a call
	attempt := func(ctx context.Context) error {
		sig, err := c.sigs.get(ctx, "")
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		header, err = c.attempt(ctx, command, sig, b, resp)
		if !resign || kindOf(err) != wire.RetrySig {
			return err
		}
		resign = false
		if sig, err = c.sigs.get(ctx, sig); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		header, err = c.attempt(ctx, command, sig, b, resp)
		return err
	}
	err = c.retrier.run(ctx, command, attempt, kindOf)
	return header, err
}

// attempt sends body once.
func (c *Client) attempt(ctx context.Context, command, sig string, body []byte, resp any) (http.Header, error) {
	a, err := c.transport.send(ctx, &request{
		op: command, method: http.MethodPost, path: wire.CommandNamed(command).Path(),
		query: url.Values{
			"sdkappid":    {strconv.FormatUint(uint64(c.sdkAppID), 10)},
			"identifier":  {c.admin},
			"usersig":     {sig},
			"random":      {strconv.FormatUint(uint64(rand.Uint32()), 10)},
			"contenttype": {"json"},
		},
		header: http.Header{"Rollcall-Explain": {"1"}},
		body:   body,
	})
	if err != nil {
		return nil, err
	}
	return a.header, decode(command, a, resp)
}

// head is what every answer has; RequestId comes from some servers only.
type head struct {
	ActionStatus string
	ErrorCode    Code
	ErrorInfo    string
	RequestId    string
}

// lenient reads what the vendor may write: strictness is for servers.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decode reads an answer into resp, also that of a failed call, which may name
// its items.
func decode(command string, a *answer, resp any) error {
	var h head
	if a.status != http.StatusOK {
		return &TransportError{command, a.status, errors.New("the account API answers 200 only; is BaseURL right?")}
	}
	if err := json.Unmarshal(a.body, &h, lenient); err != nil || h.ActionStatus == "" {
		return &TransportError{command, a.status, errors.New("the answer is not of the account API; is BaseURL right?")}
	}
	if err := json.Unmarshal(a.body, resp, lenient); err != nil {
		return &TransportError{command, a.status, fmt.Errorf("the answer is not of this command: %w", err)}
	}
	if h.ActionStatus == wire.StatusOK && h.ErrorCode == 0 {
		return nil
	}
	return &Error{
		Command:   command,
		Code:      h.ErrorCode,
		Info:      h.ErrorInfo,
		Advice:    cmp.Or(a.header.Get("Rollcall-Advice"), h.ErrorCode.Advice()),
		RequestID: cmp.Or(a.header.Get("Rollcall-Request-Id"), h.RequestId),
		Retryable: h.ErrorCode.Retryable(),
	}
}

// kindOf says how a failed attempt is repeated.
func kindOf(err error) wire.Retry {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code.retry()
	}
	return passing(err)
}
