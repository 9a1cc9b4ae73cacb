package console

import (
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// audit shows who changed what.
func (v *visit) audit() (*content, error) {
	a := &view.Audit{App: v.query.Get("sdkappid"), Actor: v.query.Get("actor"), Action: v.query.Get("action")}
	a.Request = admin.Request{Route: "listAudit", Query: map[string]string{
		"sdkappid": a.App, "actor": a.Actor, "action": a.Action, "cursor": v.query.Get("cursor"),
	}}
	var err error
	if a.Page, err = call[adminapi.AuditPage](v, a.Request); err != nil {
		return nil, err
	}
	return &content{page: view.AuditPage(&v.Page, a)}, nil
}
