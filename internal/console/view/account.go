package view

import (
	"cmp"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
)

// AccountView is what the page of one account shows.
type AccountView struct {
	ID      string
	Account *adminapi.Account // nil if there is none
	Missing admin.Problem     // why there is none
	Read    admin.Request
	Fixed   []TagValue // tags that cannot be changed
	Calls   CallsAbout
	Devices *Devices // nil if there is no account

	Add    *Form // if there is no account
	Change *Form
	Delete *Form
	Kick   *Form
	Unkick *Form
	Sign   *Form // of test apps
}

// CallsAbout are the newest calls that an account made, or that name it.
type CallsAbout struct {
	Calls []*adminapi.Call
	Read  admin.Request
}

// A TagValue is the value of a tag.
type TagValue struct{ Tag, Value string }

// ByTag orders by the name of the tag.
func ByTag(a, b TagValue) int { return cmp.Compare(a.Tag, b.Tag) }

// shownFixed returns the tags that the form does not show: those that cannot be changed, or
// all that are set if the token may change none.
func (a *AccountView) shownFixed(p *Page) []TagValue {
	if p.Can(a.Change.Request.Route) {
		return a.Fixed
	}
	all := a.Fixed
	for i := range a.Change.Fields {
		f := &a.Change.Fields[i]
		if f.Value != "" {
			all = append(all, TagValue{strings.TrimPrefix(f.Name, "profile."), f.Value})
		}
	}
	return all
}
