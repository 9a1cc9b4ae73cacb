package console

import (
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
)

// accounts lists accounts by prefix.
func (v *visit) accounts() (*content, error) {
	l := &view.AccountList{Prefix: v.query.Get("prefix")}
	var err error
	l.Page, err = call[adminapi.AccountPage](v, v.ofApp("listAccounts", map[string]string{"prefix": l.Prefix, "cursor": v.query.Get("cursor")}))
	if err != nil {
		return nil, err
	}
	n, err := call[adminapi.Count](v, v.ofApp("countAccounts", nil))
	if err != nil {
		return nil, err
	}
	l.Count = n.Count
	return &content{page: view.AccountsPage(&v.Page, l)}, nil
}
