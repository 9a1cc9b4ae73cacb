package console

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/console/curl"
	"rollcall/internal/console/view"
	"rollcall/internal/httpx"
)

// A page is a page of the console.
type page struct {
	section view.Section
	title   string // key of its text
	show    func(*visit) (*content, error)

	// upload reads a form with a file, which is not read into memory; nil for a page without.
	upload func(*visit) error

	// raw responds by itself, for what is no page: files and parts of pages.
	raw func(*visit) error
}

// A content is a page for a visitor, with the forms that can be sent to it.
type content struct {
	page  templ.Component
	forms []*view.Form
}

var errNoPage = &account.Error{Code: account.NoAccount, Detail: "the console has no such page"}

// send calls the route of a form that was sent to p. Afterwards it leads to the next
// address, or shows the page with the result or the problem.
func (v *visit) send(p *page) error {
	if err := v.readForm(maxForm); err != nil {
		return v.problem(err)
	}
	body, err := p.show(v)
	if err != nil {
		return v.problem(err)
	}
	i := slices.IndexFunc(body.forms, func(f *view.Form) bool { return f.ID == v.r.PostForm.Get("_form") })
	if i < 0 {
		return v.fail(http.StatusConflict, "conflict", "the page no longer has this form")
	}
	form := body.forms[i]
	v.Sent = &view.Sent{Form: form.ID, Values: v.r.PostForm}
	if v.Sent.Result, v.Sent.Problem = v.do(form); v.Sent.Problem != nil {
		return v.render(v.Sent.Problem.Status, body.page)
	}
	if !form.Show {
		v.putDone(form.Done)
		return v.redirect(form.After(v.Sent.Result, v.Address))
	}
	v.Done = form.Done
	if changed, err := v.again(p); err == nil { // otherwise the result is shown on the page as it was
		body = changed
	}
	return v.render(http.StatusOK, body.page)
}

// again returns the content of p after a change.
func (v *visit) again(p *page) (*content, error) {
	if _, err := v.find(); err != nil { // the apps may have changed, too
		return nil, err
	}
	return p.show(v)
}

// readForm reads the fields of a form without a file, which has at most limit bytes.
func (v *visit) readForm(limit int64) error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, limit)
	if err := v.r.ParseForm(); err != nil {
		return &account.Error{Code: account.Malformed, Detail: fmt.Sprintf("the form did not arrive whole, or has more than %d KiB", limit>>10)}
	}
	return nil
}

// do calls the route of a form with its fields as they were sent.
func (v *visit) do(form *view.Form) (any, *admin.Problem) {
	if form.Confirm != "" && v.r.PostForm.Get("_confirm") != form.Confirm {
		return nil, &admin.Problem{Status: http.StatusBadRequest, Code: "bad-request", Detail: v.T("form.unconfirmed")}
	}
	r, err := view.Fill(form.Request, v.r.PostForm)
	if e, ok := errors.AsType[*curl.FieldError](err); ok {
		return nil, &admin.Problem{Status: http.StatusBadRequest, Code: "bad-request", Detail: v.T("form.field", e.Field, v.T("form.takes."+e.Form))}
	}
	httpx.EventFrom(v.ctx).Add(routeAttr(r.Route))
	result, err := v.c.admin.Do(v.ctx, v.Token, v.w, r)
	if err != nil {
		return nil, v.problemOf(err)
	}
	return result, nil
}

// routeAttr names the route of a form in the log.
func routeAttr(route string) slog.Attr { return slog.String("route", route) }
