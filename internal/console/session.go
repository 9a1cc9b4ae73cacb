package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/console/text"
	"rollcall/internal/console/view"
)

// Names of cookies. That of the session has a prefix on TLS, with which browsers take it
// from this host alone.
const (
	sessionCookie = "rollcall_session"
	hostPrefix    = "__Host-"
	themeCookie   = "rollcall_theme"
	doneCookie    = "rollcall_done"
)

const (
	preferenceAge = 365 * 24 * time.Hour
	doneAge       = 10 * time.Second
)

// cookie returns the value of a cookie, or "".
func (v *visit) cookie(name string) string {
	c, err := v.r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie for the console. A negative age removes it.
func (v *visit) setCookie(name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: Prefix, MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if v.r.TLS != nil {
		c.Secure = true
		if strings.HasPrefix(name, hostPrefix) {
			c.Path = "/"
		}
	}
	http.SetCookie(v.w, c)
}

func (v *visit) sessionName() string {
	if v.r.TLS != nil {
		return hostPrefix + sessionCookie
	}
	return sessionCookie
}

// session returns the token of the session, or nil if there is none.
func (v *visit) session() (*account.Token, error) {
	secret := v.cookie(v.sessionName())
	if secret == "" {
		return nil, nil
	}
	t, err := v.c.dir.Session(v.ctx, secret)
	if account.CodeOf(err) == account.NoToken {
		return nil, nil
	}
	return t, err
}

// askLogin shows the page that asks for a token. A link on a page of another site brings
// no cookie, although there may be one. In this case the same address is visited again,
// from here.
func (v *visit) askLogin() error {
	if v.r.Method == http.MethodGet && v.r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return v.render(http.StatusOK, view.Again(&v.Page, v.Address))
	}
	v.Title = v.T("login.title")
	return v.render(http.StatusUnauthorized, view.Login(&v.Page, v.Address, ""))
}

// login logs in with a token, or with the code of a link.
func (v *visit) login() error {
	v.Title = v.T("login.title")
	if code := v.query.Get("code"); code != "" && v.r.Method == http.MethodGet {
		token := ""
		if v.c.links != nil {
			token, _ = v.c.links.Redeem(code)
		}
		return v.begin(token, Prefix, "login.link-refused")
	}
	if v.r.Method != http.MethodPost {
		return v.render(http.StatusOK, view.Login(&v.Page, Prefix, ""))
	}
	return v.begin(strings.TrimSpace(v.r.PostFormValue("token")), local(v.r.PostFormValue("back")), "login.refused")
}

// begin begins a session of the bearer of a token and leads to an address. refused is the
// key of the text for an unknown token.
func (v *visit) begin(token, address, refused string) error {
	secret, expires, err := v.c.dir.StartSession(v.ctx, token)
	if account.CodeOf(err) == account.NoToken {
		return v.render(http.StatusUnauthorized, view.Login(&v.Page, address, refused))
	}
	if err != nil {
		return v.problem(err)
	}
	v.setCookie(v.sessionName(), secret, time.Until(expires))
	// A redirect would belong to the page that has the link, and would bring no cookie.
	return v.render(http.StatusOK, view.Again(&v.Page, address))
}

// logout ends the session.
func (v *visit) logout() error {
	if v.r.Method != http.MethodPost {
		return v.redirect(Prefix)
	}
	if err := v.c.dir.EndSession(v.ctx, v.cookie(v.sessionName())); err != nil {
		return v.problem(err)
	}
	v.setCookie(v.sessionName(), "", -time.Second)
	return v.redirect(Prefix + "/login")
}

// preferences keeps the language and the theme that a visitor has chosen.
func (v *visit) preferences() error {
	if lang := v.r.PostFormValue("lang"); lang == "en" || lang == "zh" {
		v.setCookie(text.Cookie, lang, preferenceAge)
	}
	if theme := v.r.PostFormValue("theme"); theme == "light" || theme == "dark" {
		v.setCookie(themeCookie, theme, preferenceAge)
	}
	return v.redirect(local(v.r.PostFormValue("back")))
}

// local returns an address if it belongs to the console, otherwise that of the console.
func local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || u.Path != Prefix && !strings.HasPrefix(u.Path, Prefix+"/") || strings.Contains(u.Path, "..") {
		return Prefix
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// putDone keeps the key of a message for the next page.
func (v *visit) putDone(key string) {
	if key != "" {
		v.setCookie(doneCookie, key, doneAge)
	}
}

// takeDone returns the key of a message that is kept, once.
func (v *visit) takeDone() string {
	key := v.cookie(doneCookie)
	if key == "" {
		return ""
	}
	v.setCookie(doneCookie, "", -time.Second)
	if !v.Has(key) {
		return ""
	}
	return key
}
