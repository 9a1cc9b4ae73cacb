package server

import (
	"rollcall/internal/api"
	"rollcall/internal/bulk"
)

// newImports returns the bulk imports of the server.
func (s *Server) newImports() *bulk.Service {
	return bulk.New(bulk.Options{Directory: s.dir, Records: s.records, Logger: s.o.Logger, Reason: api.ImportReason})
}
