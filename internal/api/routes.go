package api

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// An endpoint is a command of the vendor's protocol and the function that
// serves it.
type endpoint struct {
	wire.Command
	service service
	serve   serveFunc
}

// handlers returns the function that serves each command, by name.
func (s *Server) handlers() map[string]serveFunc {
	return map[string]serveFunc{
		"account_import":      pooled((*wire.Decoder).Import, s.accountImport),
		"multiaccount_import": pooled((*wire.Decoder).MultiImport, s.multiaccountImport),
		"account_check":       pooled((*wire.Decoder).Check, s.accountCheck),
		"account_delete":      command(s.accountDelete),
		"kick":                command(s.kick),
		"query_online_status": pooled((*wire.Decoder).Status, s.queryOnlineStatus),
		"querystate":          pooled((*wire.Decoder).Status, s.queryState),
		"portrait_set":        command(s.portraitSet),
		"portrait_get":        command(s.portraitGet),
		"setnospeaking":       command(s.setNoSpeaking),
		"getnospeaking":       command(s.getNoSpeaking),
		"getappinfo":          command(s.getAppInfo),
		"create_robot":        command(s.createRobot),
		"delete_robot":        command(s.deleteRobot),
		"get_all_robots":      command(s.getAllRobots),
		"GetIPList":           command(s.getIPList),
	}
}

// routes returns all endpoints by path. A test fails on a command without a
// handler.
func (s *Server) routes() map[string]*endpoint {
	handlers, byPath := s.handlers(), map[string]*endpoint{}
	for _, c := range wire.Commands {
		byPath[c.Path()] = &endpoint{c, serviceNamed(c.Service), handlers[c.Name]}
	}
	return byPath
}

// A serveFunc serves a request body and returns the response.
type serveFunc func(ctx context.Context, c *call, body []byte) (any, error)

// command converts a function from request to response to a serveFunc.
func command[Req any](fn func(context.Context, *call, *Req) (any, error)) serveFunc {
	decode := func(_ *wire.Decoder, body []byte) (*Req, error) {
		req := new(Req)
		return req, wire.Decode(body, req)
	}
	return pooled(decode, fn)
}

// pooled is like command, for a request that decode reads with the call's
// Decoder. The texts of the request are valid until the call is freed.
func pooled[Req any](decode func(*wire.Decoder, []byte) (*Req, error), fn func(context.Context, *call, *Req) (any, error)) serveFunc {
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
