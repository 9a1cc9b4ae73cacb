package server

import (
	"context"

	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/metered"
	"rollcall/internal/store/open"
)

// openStore opens the store, counts its calls, and seals the secrets of apps. The sealing
// keys come from a file. A store in memory has sealing keys in memory.
func (s *Server) openStore(ctx context.Context) (err error) {
	if s.engine == nil { // tests give one
		if s.engine, err = open.Engine(ctx, s.o.Store, open.Options{Logger: s.o.Logger, Migrate: s.o.Migrate}); err != nil {
			return err
		}
	}
	s.engine = metered.New(s.engine, s.recorder())
	if s.o.SealKeys == "" {
		s.records = records.New(s.engine, seal.NewRing())
		return nil
	}
	if s.shared {
		s.records, err = records.OpenShared(ctx, s.engine, s.o.SealKeys)
	} else {
		s.records, err = records.Open(ctx, s.engine, s.o.SealKeys)
	}
	return err
}
