package view

import (
	"net/url"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/text"
)

// Root is the address of the console.
const Root = "/console"

// A Section is an entry of the menu. Its text has the key menu and the section.
type Section string

// Sections in the order of the menu. Those with an app in their address follow Start.
const (
	Start    Section = "start"
	Accounts Section = "accounts"
	UserSig  Section = "usersig"
	Calls    Section = "calls"
	Try      Section = "try"
	App      Section = "app"
	Server   Section = "server"
)

// A Page is what all pages have in common.
type Page struct {
	*text.Texts

	Title   string // shown after it has been looked up
	Section Section
	Address string // path and query of this page
	Server  string // address of the server, as http://127.0.0.1:8080
	Theme   string // light or dark; "" for that of the system

	Token *account.Token  // nil before the log-in
	App   *adminapi.App   // nil on a page that belongs to no app
	Apps  []*adminapi.App // for the choice of another app; only some if there are many

	AppsAfter string // cursor of Apps; "" if they are the first ones
	MoreApps  string // cursor of those after Apps; "" if there are none

	Sent *Sent  // the form that was sent to this page; nil if there was none
	Done string // key of a message about the form that was sent before; "" for none

	// Asset returns the address of a file for the browser.
	Asset func(name string) string
}

// A Sent is a form that was sent and its outcome.
type Sent struct {
	Form    string         // its ID
	Values  url.Values     // its fields
	Problem *admin.Problem // nil after success
	Result  any            // of a route whose result is shown once; nil otherwise
}

// Can reports whether the token allows a route of the admin API.
func (p *Page) Can(route string) bool {
	r := admin.RouteByID(route)
	return p.Token != nil && r != nil && p.Token.Allows(r.Scope)
}

// Of returns the form with that ID if it was sent, otherwise nil.
func (p *Page) Of(form string) *Sent {
	if p.Sent == nil || p.Sent.Form != form {
		return nil
	}
	return p.Sent
}

// Result returns the result of the form with that ID, if it is a T.
func Result[T any](p *Page, form string) (T, bool) {
	var none T
	s := p.Of(form)
	if s == nil {
		return none, false
	}
	v, ok := s.Result.(T)
	return v, ok
}

// In returns the address of a page that belongs to the app, as "accounts".
func (p *Page) In(page string, query ...string) string {
	if p.App == nil {
		return Root
	}
	return Address(Root+"/"+p.appID()+"/"+page, query...)
}

// Address returns a path with a query of names and values. Empty values are left out.
func Address(path string, query ...string) string {
	mark := byte('?')
	b := []byte(path)
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			b = append(append(b, mark), query[i]...)
			b = append(append(b, '='), url.QueryEscape(query[i+1])...)
			mark = '&'
		}
	}
	return string(b)
}

// OfApp returns the parameters of a route that belongs to the app.
func (p *Page) OfApp(more ...string) map[string]string {
	params := map[string]string{"sdkappid": strconv.FormatUint(uint64(p.App.SDKAppID), 10)}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return params
}

// menu returns the sections that the token and the app allow.
func (p *Page) menu() []Section {
	if p.App == nil {
		return []Section{Start, Server}
	}
	return []Section{Start, Accounts, UserSig, Calls, Try, App, Server}
}

// at returns the address of a section.
func (p *Page) at(s Section) string {
	switch s {
	case Start:
		return Address(Root, "app", p.appID())
	case Server:
		return Address(Root+"/server", "app", p.appID())
	}
	return p.In(string(s))
}

func (p *Page) appID() string {
	if p.App == nil {
		return ""
	}
	return strconv.FormatUint(uint64(p.App.SDKAppID), 10)
}

// moment returns a time for people, in UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// appName returns the name of an app for people, with what cannot be seen made visible.
func appName(a *adminapi.App) string {
	id := strconv.FormatUint(uint64(a.SDKAppID), 10)
	if a.Name == "" {
		return id
	}
	return id + " " + visible(a.Name)
}
