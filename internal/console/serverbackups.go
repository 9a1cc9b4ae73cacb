package console

import (
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// backups creates and checks backups, and shows those that were made.
func (v *visit) backups() (*content, error) {
	made, err := call[adminapi.AuditPage](v, admin.Request{Route: "listAudit", Query: map[string]string{"action": admin.BackupAction, "limit": "20"}})
	if err != nil {
		return nil, err
	}
	status, err := call[adminapi.Status](v, admin.Request{Route: "readStatus"})
	if err != nil {
		return nil, err
	}
	b := &view.Backups{No: status.NoBackup, Made: made.Entries, Create: &view.Form{
		ID: "create", Request: admin.Request{Route: "backup"}, Submit: "backups.create", Done: "backups.created", Show: true,
		Fields: []view.Field{{Name: "dir", Kind: view.Text, Label: "backups.dir", Hint: "backups.dir-what", Required: true, Example: "/var/backups/rollcall-1"}},
	}}
	if status.Repository != "" {
		v.repository(b, status.Repository)
	}
	b.Verify = &view.Form{
		ID: "verify", Request: admin.Request{Route: "verifyBackup"}, Submit: "backups.verify-do", Show: true,
		Fields: []view.Field{{Name: "dir", Kind: view.Text, Label: "backups.verify-dir", Value: v.query.Get("verify"), Required: true}},
	}
	forms := []*view.Form{b.Verify}
	if b.No == "" {
		forms = append(forms, b.Create)
	}
	if b.Store != nil {
		forms = append(forms, b.Store)
	}
	return &content{page: view.BackupsPage(&v.Page, b), forms: forms}, nil
}

// repository adds the backups in the repository of the server, and a form for the next one.
// A repository that cannot be read is a part of the page, because the rest is of use.
func (v *visit) repository(b *view.Backups, place string) {
	b.Repository = place
	b.Store = &view.Form{ID: "store", Request: admin.Request{Route: "backup"}, Submit: "backups.store", Done: "backups.created", Show: true}
	if !v.Can("listBackups") {
		return
	}
	stored, err := call[adminapi.StoredBackups](v, admin.Request{Route: "listBackups"})
	if err != nil {
		b.Fault = v.problemOf(err).Detail
		return
	}
	b.Stored = stored.Backups[:min(len(stored.Backups), shownBackups)]
	b.More = len(stored.Backups) - len(b.Stored)
}

// shownBackups is the number of stored backups on the page.
const shownBackups = 100
