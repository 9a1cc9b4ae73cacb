package admin

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rollcall/internal/adminapi"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// madeFrom is the address that calls of the server itself seem to come from.
const madeFrom = "127.0.0.1:0"

// makeCall makes a call of the account API for a test app. It takes the way of a call of a
// client, except for the connection.
func (s *Server) makeCall(ctx context.Context, c *call, n adminapi.NewCall) (adminapi.MadeCall, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.MadeCall{}, err
	}
	key, err := s.signingKey(app)
	if err != nil {
		return adminapi.MadeCall{}, err
	}
	command := wire.CommandNamed(n.Command)
	if command == nil {
		return adminapi.MadeCall{}, bad(noCommand(n.Command))
	}
	if s.o.Vendor == nil {
		return adminapi.MadeCall{}, &problemError{unsupported, "this server does not serve the account API"}
	}
	sig := adminapi.NewUserSig{Identifier: cmp.Or(n.Identifier, string(app.Admins[0])), ValidityS: minSigValidity}
	if err := checkSig(sig); err != nil {
		return adminapi.MadeCall{}, err
	}
	signed, err := s.sign(app.ID, key, sig)
	if err != nil {
		return adminapi.MadeCall{}, err
	}
	if err := s.dir.Record(ctx, c.actor(), "call.make", app.ID, fmt.Sprintf("%s as %s", command.Name, sig.Identifier)); err != nil {
		return adminapi.MadeCall{}, err
	}
	return s.send(ctx, command, signed, textOf(n))
}

func noCommand(name string) string {
	if name == "" {
		return "command is missing; name a command, as account_import"
	}
	return fmt.Sprintf("the command %.40q is unknown here; name one of %s", name, strings.Join(wire.CommandNames(), ", "))
}

// textOf returns the body of a call.
func textOf(n adminapi.NewCall) []byte {
	switch {
	case n.Text != "":
		return []byte(n.Text)
	case n.Body != nil:
		return n.Body
	}
	return []byte("{}")
}

// send sends a call to the handler of the account API.
func (s *Server) send(ctx context.Context, command *wire.Command, sig adminapi.UserSig, body []byte) (adminapi.MadeCall, error) {
	query := url.Values{
		"sdkappid": {strconv.FormatUint(uint64(sig.SDKAppID), 10)}, "identifier": {sig.Identifier}, "usersig": {sig.UserSig},
		"random": {strconv.FormatUint(uint64(rand.Uint32()), 10)}, "contenttype": {"json"},
	}
	// The values of ctx belong to the request of the admin API. The call has its own, except
	// for the address that it arrived at.
	own, cancel := context.WithCancel(context.WithValue(context.Background(), http.LocalAddrContextKey, ctx.Value(http.LocalAddrContextKey)))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	r, err := http.NewRequestWithContext(own, http.MethodPost, command.Path()+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return adminapi.MadeCall{}, err
	}
	r.RemoteAddr = madeFrom
	r.Header.Set("Content-Type", "application/json")
	a := &answer{header: http.Header{}}
	cut := serveCut(s.o.Vendor, a, r)
	return adminapi.MadeCall{RequestID: a.header.Get(httpx.RequestIDHeader), Status: a.status, Body: a.body.String(), Cut: cut}, nil
}

// serveCut serves r and reports whether the handler has cut the connection.
func serveCut(h http.Handler, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			cut = true
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// An answer is a response in memory. Responses of the account API are bounded.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = cmp.Or(a.status, status) }

// Write implements [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
