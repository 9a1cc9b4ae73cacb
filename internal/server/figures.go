package server

import (
	"cmp"
	"context"

	"rollcall/internal/account"
	"rollcall/internal/figures"
)

// loneNode is the name of the node of a store that is not shared.
const loneNode = "local"

// newFigures returns the figures of the server.
func (s *Server) newFigures() *figures.Figures {
	node := cmp.Or(s.node, loneNode)
	if s.shared && s.node == "" { // without a data directory the name is that of this run
		node = newNode()
	}
	f := figures.New(figures.Options{Records: s.records, Apps: s.dir, Node: node, Shared: s.shared, Logger: s.o.Logger})
	s.dir.Listen(account.EventAppDeleted, f.Forget)
	return f
}

// runFigures stores figures until ctx ends.
func (s *Server) runFigures(ctx context.Context, _ func(error)) error { return s.figures.Run(ctx) }
