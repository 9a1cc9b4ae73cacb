package server

import (
	"context"

	"rollcall/internal/api"
	"rollcall/internal/auth"
	"rollcall/internal/link"
)

// openLinks prepares the links of devices.
func (s *Server) openLinks(callers *auth.Authenticator) {
	o := link.Options{
		Directory: s.dir, Auth: callers, Answer: api.Answer,
		AppLimit: s.o.LinkAppLimit, AddressLimit: s.o.LinkAddressLimit, Ping: s.o.LinkPing, Origins: s.o.LinkOrigins,
	}
	o.Observer = s.metrics.WatchLinks(func() int { return s.devices.Len() })
	s.devices = link.New(o)
}

// runLinks renews the lease of the links of this server, and passes on their ends, until ctx
// ends.
func (s *Server) runLinks(ctx context.Context, _ func(error)) error { return s.devices.Run(ctx) }
