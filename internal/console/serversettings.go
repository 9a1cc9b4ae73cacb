package console

import (
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// serverSettings shows the settings of the server and where they come from.
func (v *visit) serverSettings() (*content, error) {
	request := admin.Request{Route: "listSettings"}
	if !v.Can(request.Route) {
		return &content{page: view.NotAllowedPage(&v.Page, "serverset.not-allowed")}, nil
	}
	list, err := call[adminapi.ServerSettings](v, request)
	if err != nil {
		return nil, err
	}
	return &content{page: view.ServerSettingsPage(&v.Page, list.Settings, request)}, nil
}
