package admin

import (
	"context"

	"rollcall/internal/adminapi"
)

// listSettings shows the settings of the server, which do not change while it runs.
func (s *Server) listSettings(context.Context, *call) (adminapi.ServerSettings, error) {
	var all []adminapi.ServerSetting
	if s.o.Settings != nil {
		all = s.o.Settings()
	}
	return adminapi.ServerSettings{Settings: all}, nil
}
