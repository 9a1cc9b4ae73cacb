package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/snippet"
	"rollcall/internal/console/view"
	"rollcall/internal/httpx"
	"rollcall/internal/wire"
)

// lastHeader has the seq to go on from.
const lastHeader = "Rollcall-Last"

// callFilter returns the query of a list of calls, as the address of the page has it.
func (v *visit) callFilter() map[string]string {
	q := map[string]string{"command": v.query.Get("command"), "code": strings.TrimSpace(v.query.Get("code"))}
	if v.App.Test {
		q["userid"] = v.query.Get("userid") // other apps do not show who called
	}
	return q
}

// calls lists the newest calls.
func (v *visit) calls() (*content, error) {
	q := v.callFilter()
	l := &view.CallList{Command: q["command"], Code: q["code"], UserID: q["userid"], Commands: wire.CommandNames(), All: v.query.Get("all") != ""}
	if q["limit"] = "100"; l.All {
		q["limit"] = "1000"
	}
	l.Read = v.ofApp("listAppCalls", q)
	var err error
	if l.Page, err = call[adminapi.CallList](v, l.Read); err != nil {
		return nil, err
	}
	return &content{page: view.CallsPage(&v.Page, l)}, nil
}

// callRows responds with the rows of the calls after a seq, newest first. It waits for them
// as long as the script wants, within the limit of the admin API.
func (v *visit) callRows() error {
	httpx.EventFrom(v.ctx).Quiet()
	q := v.callFilter()
	q["after"], q["wait"] = v.query.Get("after"), v.query.Get("wait")
	result, err := v.c.admin.Do(v.ctx, v.Token, v.w, v.ofApp("listAppCalls", q))
	if err != nil {
		return err
	}
	if v.ctx.Err() != nil {
		return nil // the visitor has left the page
	}
	page := result.(adminapi.CallList)
	slices.Reverse(page.Calls)
	v.w.Header().Set(lastHeader, strconv.FormatUint(page.Last, 10))
	return v.render(http.StatusOK, view.CallRows(&v.Page, page.Calls))
}

// call shows one call.
func (v *visit) call() (*content, error) {
	read := admin.Request{Route: "readCall", Params: map[string]string{"id": v.query.Get("id")}}
	c, err := call[adminapi.Call](v, read)
	if err != nil {
		return nil, err
	}
	if c.SDKAppID != v.App.SDKAppID {
		return nil, errNoPage
	}
	v.Title = v.T("call.of", c.RequestID)
	shown := &view.CallDetails{Call: &c, Read: read}
	forms := v.repeat(shown)
	return &content{page: view.CallPage(&v.Page, shown), forms: forms}, nil
}

// repeat adds to a call what makes it again. The server must know its whole body.
func (v *visit) repeat(d *view.CallDetails) []*view.Form {
	c, command := d.Call, wire.CommandNamed(d.Call.Command)
	if !v.App.Test || command == nil || c.Request == nil || c.Request.Cut || !utf8.ValidString(c.Request.Text) {
		return nil
	}
	s := snippet.Call{
		Server: v.Server, Path: command.Path(), Command: command.Name, SDKAppID: c.SDKAppID,
		Identifier: c.Identifier, Body: c.Request.Text, Code: c.Code,
	}
	d.Curl, d.Go, d.Node = s.Curl(), s.Go(), s.Node()
	d.Again = &view.Form{
		ID: "again", Submit: "call.again", Show: true,
		Request: admin.Request{
			Route: "makeCall", Params: v.OfApp(),
			Body: adminapi.NewCall{Command: command.Name, Identifier: c.Identifier, Text: c.Request.Text},
		},
	}
	d.Made = func() *view.MadeCall { return v.made("again") }
	return []*view.Form{d.Again}
}

// made returns the call that a form has made, or nil. The log has it, unless many others
// came since.
func (v *visit) made(form string) *view.MadeCall {
	m, ok := view.Result[adminapi.MadeCall](&v.Page, form)
	if !ok {
		return nil
	}
	shown := &view.MadeCall{MadeCall: m}
	read := admin.Request{Route: "readCall", Params: map[string]string{"id": m.RequestID}}
	if c, err := call[adminapi.Call](v, read); err == nil {
		shown.Call = &c
	} else {
		var head struct{ ErrorCode int }
		_ = json.Unmarshal([]byte(m.Body), &head) // a fault may have replaced the body
		shown.Call = &adminapi.Call{RequestID: m.RequestID, Status: m.Status, Code: head.ErrorCode}
	}
	return shown
}
