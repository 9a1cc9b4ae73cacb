package server

import (
	"context"

	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/metered"
	"rollcall/internal/store/open"
)

// openStore opens the store, with its calls counted and the secrets of apps sealed: with
// the keys of a file or, in a store that lives no longer than the process, with keys that
// do neither.
func (s *Server) openStore(ctx context.Context) (err error) {
	if s.engine, err = open.Engine(ctx, s.o.Store, open.Options{Logger: s.o.Logger}); err != nil {
		return err
	}
	s.engine = metered.New(s.engine, s.metrics)
	if s.o.SealKeys == "" {
		s.records = records.New(s.engine, seal.NewRing())
		return nil
	}
	s.records, err = records.Open(ctx, s.engine, s.o.SealKeys)
	return err
}
