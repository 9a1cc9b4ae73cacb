package console

import (
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// server says what the server is.
func (v *visit) server() (*content, error) {
	request := admin.Request{Route: "about"}
	about, err := call[adminapi.About](v, request)
	if err != nil {
		return nil, err
	}
	reseal := &view.Form{ID: "reseal", Request: admin.Request{Route: "reseal"}, Submit: "server.reseal", Show: true}
	return &content{page: view.ServerPage(&v.Page, &about, request, reseal), forms: []*view.Form{reseal}}, nil
}
