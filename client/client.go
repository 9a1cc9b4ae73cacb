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

// Options select the server, the app, and the admin that signs the calls. BaseURL,
// SDKAppID and either Key or Signer are required.
type Options struct {
	// BaseURL is the address of the server: a data centre of the vendor, such as
	// [Singapore], or a Rollcall server, such as "http://127.0.0.1:7580".
	BaseURL string

	// SDKAppID is the app's number.
	SDKAppID uint32

	// Key is the app's secret key as the console shows it. Use a Signer instead for
	// a key of another kind or in another place.
	Key    string
	Signer Signer

	// Admin is an admin of the app; empty means [Administrator].
	Admin string

	// HTTPClient sends the requests. If it is nil, the client uses an HTTP client
	// of its own with a pool of connections. Redirects are never followed.
	HTTPClient *http.Client

	// Timeout limits the duration of a call with all its retries and pauses; 0
	// means 30 s. A context may end a call earlier.
	Timeout time.Duration

	// AttemptTimeout limits the duration of one request of a call; 0 means 8 s.
	AttemptTimeout time.Duration

	// Retries is the largest number of retries of a call. 0 means 4, and a negative
	// number means none. The single retry with a new UserSig does not count.
	Retries int

	// UserAgent names the caller; empty means "rollcall-client".
	UserAgent string

	// Logger logs each retry at level debug; nil logs nothing.
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

// New returns a Client. It sends nothing. Its errors name the option to correct.
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

// SDKAppID returns the SDKAppID of the app that c calls.
func (c *Client) SDKAppID() uint32 { return c.sdkAppID }

// CloseIdleConnections closes connections that no call uses.
func (c *Client) CloseIdleConnections() { c.transport.http.CloseIdleConnections() }

// call sends body to a command and decodes the response into resp. It retries the call
// if that can help. It returns the headers of the response with success and with an
// *Error.
func (c *Client) call(ctx context.Context, command string, body, resp any) (http.Header, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	var header http.Header
	resign := true // a call gets one new UserSig, for 70001 or 70052
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

// head contains the fields of responses. Only some servers send RequestId.
type head struct {
	ActionStatus string // absent in the commands of openconfigsvr
	ErrorCode    *Code
	ErrorInfo    string
	RequestId    string
}

// lenient accepts JSON that the vendor may send although it is not strictly valid.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// decode reads a response into resp. It does so for a failed call too, because its
// response may contain items.
func decode(command string, a *response, resp any) error {
	var h head
	if a.status != http.StatusOK {
		return &TransportError{command, a.status, errors.New("the account API answers 200 only; is BaseURL right?")}
	}
	if err := json.Unmarshal(a.body, &h, lenient); err != nil || h.ErrorCode == nil {
		return &TransportError{command, a.status, errors.New("the answer is not of the account API; is BaseURL right?")}
	}
	if err := json.Unmarshal(a.body, resp, lenient); err != nil {
		return &TransportError{command, a.status, fmt.Errorf("the answer is not of this command: %w", err)}
	}
	code := *h.ErrorCode
	if code == 0 && (h.ActionStatus == wire.StatusOK || h.ActionStatus == "") {
		return nil
	}
	return &Error{
		Command:   command,
		Code:      code,
		Info:      h.ErrorInfo,
		Advice:    cmp.Or(a.header.Get("Rollcall-Advice"), code.Advice()),
		RequestID: cmp.Or(a.header.Get("Rollcall-Request-Id"), h.RequestId),
		Retryable: code.Retryable(),
	}
}

// kindOf returns whether and how to retry after err.
func kindOf(err error) wire.Retry {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code.retry()
	}
	return transportKind(err)
}
