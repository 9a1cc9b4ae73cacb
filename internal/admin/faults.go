package admin

import (
	"context"
	"log/slog"

	"rollcall/internal/adminapi"
)

func (s *Server) addFault(ctx context.Context, c *call, req adminapi.Fault) (adminapi.ActiveFault, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.ActiveFault{}, err
	}
	if err := req.Check(s.dir.Commands()); err != nil {
		return adminapi.ActiveFault{}, bad(err.Error())
	}
	added, err := s.faults.Add(uint32(app.ID), req)
	if err != nil {
		return adminapi.ActiveFault{}, &problemError{conflict, err.Error()}
	}
	c.event.Add(slog.String("fault", added.ID))
	return added, nil
}

func (s *Server) listFaults(ctx context.Context, c *call) (adminapi.FaultList, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.FaultList{}, err
	}
	return adminapi.FaultList{Faults: s.faults.List(uint32(app.ID))}, nil
}

func (s *Server) clearFaults(ctx context.Context, c *call) (adminapi.Cleared, error) {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return adminapi.Cleared{}, err
	}
	return adminapi.Cleared{Cleared: s.faults.Clear(uint32(app.ID))}, nil
}

func (s *Server) removeFault(ctx context.Context, c *call) error {
	app, err := s.testApp(ctx, c)
	if err != nil {
		return err
	}
	if !s.faults.Remove(uint32(app.ID), c.param("id")) {
		return &problemError{noFault, "the app has no fault with that id"}
	}
	return nil
}
