package server

import (
	"context"

	"rollcall/internal/account"
	"rollcall/internal/store/metered"
	"rollcall/internal/store/open"
	"rollcall/internal/store/sealed"
)

// openStore opens the store, with its calls counted and its secrets sealed.
func (s *Server) openStore(ctx context.Context) (err error) {
	if s.engine, err = open.Engine(s.o.Store, open.Options{Logger: s.o.Logger}); err != nil {
		return err
	}
	s.engine = metered.New(s.engine, s.metrics)
	s.metrics.WatchEngine(s.engine)
	e, err := s.seal(ctx)
	if err != nil {
		return err
	}
	s.engine = e
	return nil
}

// seal returns the store with its secrets sealed: with the keys of a file or, in
// a store that lives no longer than the process, with keys that do neither.
func (s *Server) seal(ctx context.Context) (account.Engine, error) {
	if s.o.SealKeys == "" {
		return sealed.New(s.engine, sealed.NewRing()), nil
	}
	return sealed.Open(ctx, s.engine, s.o.SealKeys)
}
