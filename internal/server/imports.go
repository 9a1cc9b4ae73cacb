package server

import (
	"context"
	"path/filepath"

	"rollcall/internal/api"
	"rollcall/internal/bulk"
	"rollcall/internal/config"
	"rollcall/internal/store/open"
)

// newImports returns the bulk imports of the server.
func (s *Server) newImports() *bulk.Service {
	o := bulk.Options{
		Directory: s.dir, Records: s.records, Logger: s.o.Logger, Reason: api.ImportReason,
		ImportDir: s.o.ImportDir, MaxUpload: int64(s.o.MaxUploadMiB) << 20, Free: open.Free, Shared: s.shared, Node: s.node,
	}
	if s.o.Data != "" {
		o.SpoolDir = filepath.Join(s.o.Data, config.Uploads)
	}
	return bulk.New(o)
}

// runImports works on imports that are jobs until ctx ends.
func (s *Server) runImports(ctx context.Context, _ func(error)) error { return s.imports.Run(ctx) }
