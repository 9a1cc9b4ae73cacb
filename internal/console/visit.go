package console

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/asset"
	"rollcall/internal/console/text"
	"rollcall/internal/console/view"
	"rollcall/internal/httpx"
)

// A visit is a request for a page.
type visit struct {
	view.Page

	c     *Console
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	path  string // below Prefix
	query url.Values
}

func (c *Console) newVisit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{c: c, w: w, r: r, ctx: r.Context(), path: strings.TrimPrefix(r.URL.Path, Prefix), query: r.URL.Query()}
	v.Texts = text.In(text.Choose(v.cookie(text.Cookie), r.Header.Get("Accept-Language")))
	v.Title = "Rollcall"
	v.Address = r.URL.RequestURI()
	v.Server = scheme(r) + r.Host
	if theme := v.cookie(themeCookie); theme == "light" || theme == "dark" {
		v.Theme = theme
	}
	v.Asset = func(name string) string { return asset.Address(static, name) }
	return v
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https://"
	}
	return "http://"
}

// call calls a route of the admin API. The response is a T.
func call[T any](v *visit, r admin.Request) (T, error) {
	return admin.Call[T](v.ctx, v.c.admin, v.Token, r)
}

// ofApp returns a request of a route that belongs to the app of the page.
func (v *visit) ofApp(route string, query map[string]string) admin.Request {
	return admin.Request{Route: route, Params: v.OfApp(), Query: query}
}

// serve serves a page to the bearer of a token.
func (v *visit) serve() error {
	if v.path == "/choose" {
		return v.choose()
	}
	p, err := v.find()
	if err != nil {
		return v.problem(err)
	}
	if p.raw != nil {
		if err := p.raw(v); err != nil {
			return v.problem(err)
		}
		return nil
	}
	if p.upload != nil && v.isFile() {
		return p.upload(v)
	}
	if v.r.Method == http.MethodPost {
		return v.send(p)
	}
	v.Done = v.takeDone()
	body, err := p.show(v)
	if err != nil {
		return v.problem(err)
	}
	return v.render(http.StatusOK, body.page)
}

// find returns the page of the path, and finds its app.
func (v *visit) find() (*page, error) {
	path := strings.TrimPrefix(v.path, "/")
	v.AppsAfter = v.query.Get("apps")
	apps, err := call[adminapi.AppPage](v, admin.Request{Route: "listApps", Query: map[string]string{"cursor": v.AppsAfter}})
	if err != nil {
		return nil, err
	}
	v.Apps, v.MoreApps = nil, apps.NextCursor
	for i := range apps.Apps {
		v.Apps = append(v.Apps, &apps.Apps[i])
	}
	id, rest, _ := strings.Cut(path, "/")
	p := v.c.global[path]
	if p == nil {
		if p = v.c.ofApp[rest]; p == nil || id == "" {
			return nil, errNoPage
		}
	} else {
		id = v.query.Get("app")
	}
	if err := v.findApp(id); err != nil {
		return nil, err
	}
	v.Section, v.Title = p.section, v.T(p.title)
	return p, nil
}

// findApp finds the app with an id as in an address. Without one, it is the only app, if
// there is only one.
func (v *visit) findApp(id string) error {
	if id == "" {
		if len(v.Apps) == 1 && v.AppsAfter == "" {
			v.App = v.Apps[0]
		}
		return nil
	}
	n, _ := strconv.ParseUint(id, 10, 32) // the route refuses another text
	if i := slices.IndexFunc(v.Apps, func(a *adminapi.App) bool { return uint64(a.SDKAppID) == n }); i >= 0 {
		v.App = v.Apps[i]
		httpx.EventFrom(v.ctx).SetApp(v.App.SDKAppID)
		return nil
	}
	app, err := call[adminapi.App](v, admin.Request{Route: "readApp", Params: map[string]string{"sdkappid": id}})
	if err != nil {
		return err
	}
	v.App = &app
	v.Apps = append([]*adminapi.App{&app}, v.Apps...)
	return nil
}

// choose leads to the page of another app.
func (v *visit) choose() error {
	id := v.query.Get("app")
	if _, err := strconv.ParseUint(id, 10, 32); err != nil {
		return v.redirect(Prefix)
	}
	switch s := view.Section(v.query.Get("section")); s {
	case view.Accounts, view.UserSig, view.Calls, view.Try, view.App:
		return v.redirect(Prefix + "/" + id + "/" + string(s))
	case view.Server:
		return v.redirect(view.Address(Prefix+"/server", "app", id))
	}
	return v.redirect(view.Address(Prefix, "app", id))
}

// redirect leads to another address of the console, which the browser gets with GET.
func (v *visit) redirect(address string) error {
	v.w.Header().Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// problem shows an error as a page.
func (v *visit) problem(err error) error {
	return v.show(v.problemOf(err))
}

// problemOf describes an error of a route. The log has the cause of a failure.
func (v *visit) problemOf(err error) *admin.Problem {
	p := admin.ProblemOf(err)
	event := httpx.EventFrom(v.ctx)
	event.SetCode(p.Status)
	event.Add(slog.String("problem", p.Code))
	if p.Status >= http.StatusInternalServerError {
		event.Fail(err)
	}
	return &p
}

// fail shows a problem as a page.
func (v *visit) fail(status int, code, detail string) error {
	return v.show(&admin.Problem{Status: status, Code: code, Detail: detail})
}

func (v *visit) show(p *admin.Problem) error {
	v.Sent = &view.Sent{Problem: p}
	v.Title = v.T("problem." + p.Code)
	return v.render(p.Status, view.Failure(&v.Page))
}
