package view

import (
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
)

// AccountList is what the list of accounts shows.
type AccountList struct {
	Prefix string
	Page   adminapi.AccountPage
	Count  int64
	Read   admin.Request // of the page
	Export admin.Request
	Add    *Form
	Delete *Form // of the accounts that are chosen
}

// chosen is the name of the check boxes of accounts.
const chosen = string(Lines) + ":userids"

// chooses reports whether accounts can be chosen, to delete them.
func (l *AccountList) chooses(p *Page) bool {
	return p.Can(l.Delete.Request.Route) && deletable(p.App)
}

// heads returns the heads of the columns.
func (l *AccountList) heads(p *Page) []string {
	heads := []string{"accounts.userid", "accounts.nick", "accounts.created", "accounts.updated"}
	if l.chooses(p) {
		heads = append([]string{""}, heads...)
	}
	return heads
}

// deletable reports whether accounts of the app can be deleted.
func deletable(a *adminapi.App) bool {
	app := account.App{Edition: account.Edition(a.Edition), Settings: a.Settings}
	return app.DeletionAllowed()
}

// chose reports whether an account is still chosen after a problem.
func (l *AccountList) chose(p *Page, id string) bool {
	s := p.Of(l.Delete.ID)
	return s != nil && s.Problem != nil && slices.Contains(s.Values[chosen], id)
}

// isAdmin reports whether an account is an admin of the app.
func isAdmin(p *Page, id string) bool { return slices.Contains(p.App.Admins, id) }

// refused returns the accounts that were not deleted.
func refused(d adminapi.DeletedAccounts) []adminapi.AccountResult {
	return slices.DeleteFunc(slices.Clone(d.Results), func(r adminapi.AccountResult) bool { return r.Code == "" })
}
