package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// An endpoint is a command of the vendor's protocol.
type endpoint struct {
	service service
	name    string
	limit   int         // documented calls per second for an app (protocol.md §1.4)
	layout  wire.Layout // key order of the command's own errors
	serve   serveFunc
}

// routes is the whole surface of the protocol, by path.
func (s *Server) routes() map[string]*endpoint {
	table := []endpoint{
		{login, "account_import", 200, wire.InfoFirst, quick((*wire.Decoder).Import, s.accountImport)},
		{login, "multiaccount_import", 100, wire.CodeFirst, quick((*wire.Decoder).MultiImport, s.multiaccountImport)},
		{login, "account_check", 100, wire.CodeFirst, quick((*wire.Decoder).Check, s.accountCheck)},
		{login, "account_delete", 100, wire.CodeFirst, command(s.accountDelete)},
		{login, "kick", 200, wire.InfoFirst, command(s.kick)},
		{openim, "query_online_status", 200, wire.InfoFirst, command(s.queryOnlineStatus)},
		{openim, "querystate", 200, wire.InfoFirst, command(s.queryState)},
		{profile, "portrait_set", 200, wire.ProfileLayout, command(s.portraitSet)},
		{profile, "portrait_get", 200, wire.ProfileLayout, command(s.portraitGet)},
	}
	byPath := make(map[string]*endpoint, len(table))
	for _, e := range table {
		byPath[Prefix+serviceNames[e.service]+"/"+e.name] = &e
	}
	return byPath
}

// A serveFunc serves a body and returns the answer.
type serveFunc func(ctx context.Context, c *call, body []byte) (any, error)

// command adapts a function from request to response.
func command[Req any](fn func(context.Context, *call, *Req) (any, error)) serveFunc {
	decode := func(_ *wire.Decoder, body []byte) (*Req, error) {
		req := new(Req)
		return req, wire.Decode(body, req)
	}
	return quick(decode, fn)
}

// quick is command for a request that the call's Decoder reads: its texts live
// until the call ends.
func quick[Req any](decode func(*wire.Decoder, []byte) (*Req, error), fn func(context.Context, *call, *Req) (any, error)) serveFunc {
	return func(ctx context.Context, c *call, body []byte) (any, error) {
		switch req, err := decode(&c.decoder, body); err {
		case nil:
			resp, err := fn(ctx, c, req)
			if err != nil {
				err = explained(err, body, req)
			}
			return resp, err
		case wire.ErrEmpty:
			return nil, &wire.Error{Code: wire.HTTPParse, Detail: "the body is empty; send a JSON object"}
		default:
			return nil, &account.Error{Code: account.Malformed, Detail: wire.Diagnose(body, new(Req))}
		}
	}
}
