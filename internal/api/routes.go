package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// An endpoint is a command of the vendor's protocol with what serves it.
type endpoint struct {
	wire.Command
	service service
	serve   serveFunc
}

// handlers returns what serves each command, by name.
func (s *Server) handlers() map[string]serveFunc {
	return map[string]serveFunc{
		"account_import":      quick((*wire.Decoder).Import, s.accountImport),
		"multiaccount_import": quick((*wire.Decoder).MultiImport, s.multiaccountImport),
		"account_check":       quick((*wire.Decoder).Check, s.accountCheck),
		"account_delete":      command(s.accountDelete),
		"kick":                command(s.kick),
		"query_online_status": command(s.queryOnlineStatus),
		"querystate":          command(s.queryState),
		"portrait_set":        command(s.portraitSet),
		"portrait_get":        command(s.portraitGet),
	}
}

// routes returns the whole surface of the protocol, by path. A test fails on a
// command without a handler.
func (s *Server) routes() map[string]*endpoint {
	handlers, byPath := s.handlers(), map[string]*endpoint{}
	for _, c := range wire.Commands {
		byPath[c.Path()] = &endpoint{c, serviceNamed(c.Service), handlers[c.Name]}
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
