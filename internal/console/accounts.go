package console

import (
	"strconv"

	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// accounts lists accounts by prefix.
func (v *visit) accounts() (*content, error) {
	l := &view.AccountList{Prefix: v.query.Get("prefix")}
	l.Read = v.ofApp("listAccounts", map[string]string{"prefix": l.Prefix, "cursor": v.query.Get("cursor")})
	var err error
	if l.Page, err = call[adminapi.AccountPage](v, l.Read); err != nil {
		return nil, err
	}
	n, err := call[adminapi.Count](v, v.ofApp("countAccounts", nil))
	if err != nil {
		return nil, err
	}
	l.Count = n.Count
	l.Add, l.Delete = v.addForm(l.Prefix), v.deleteForm()
	l.Export = v.ofApp("exportAccounts", map[string]string{"prefix": l.Prefix})
	return &content{page: view.AccountsPage(&v.Page, l), forms: []*view.Form{l.Add, l.Delete}}, nil
}

// addForm adds an account.
func (v *visit) addForm(id string) *view.Form {
	return &view.Form{
		ID: "add", Request: v.ofApp("addAccount", nil), Submit: "accounts.add", Done: "accounts.added",
		Fields: []view.Field{
			{Name: "userid", Kind: view.Text, Label: "accounts.userid", Hint: "accounts.userid-hint", Value: id, Required: true},
			{Name: "nick", Kind: view.Text, Label: "accounts.nick"},
			{Name: "face_url", Kind: view.Text, Label: "accounts.face-url"},
		},
		NextOf: func(result any) string {
			a, _ := result.(adminapi.Account)
			return v.In("account", "userid", a.UserID)
		},
	}
}

// deleteForm deletes the accounts that are chosen in the list.
func (v *visit) deleteForm() *view.Form {
	return &view.Form{
		ID: "delete", Request: v.ofApp("deleteAccounts", nil), Submit: "accounts.delete", Danger: true, Show: true,
		Confirm: strconv.FormatUint(uint64(v.App.SDKAppID), 10),
	}
}

// exportAccounts sends accounts as a file: as NDJSON, or as a table.
func (v *visit) exportAccounts() error {
	r := v.ofApp("exportAccounts", map[string]string{
		"prefix": v.query.Get("prefix"), "deleted": v.query.Get("deleted"), "details": v.query.Get("details"),
	})
	if v.query.Get("format") == "csv" {
		return v.exportTable(r)
	}
	r.Header = map[string]string{"Accept-Encoding": v.r.Header.Get("Accept-Encoding")}
	v.nameFile("accounts", "ndjson")
	return v.stream(v.w, r)
}
