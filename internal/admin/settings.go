package admin

import (
	"context"

	"rollcall/internal/adminapi"
)

// listSettings shows the settings of the server, which do not change while it runs.
func (s *Server) listSettings(context.Context, *call) (adminapi.ServerSettings, error) {
	return adminapi.ServerSettings{Settings: s.o.Settings}, nil
}
