package console_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestLogin(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	v := stranger(t, srv)
	v.get("/console").is(http.StatusUnauthorized).has(`name="token"`, `action="/console/login"`)
	v.get("./accounts?prefix=a").is(http.StatusUnauthorized).has(`/accounts?prefix=a"`) // leads back
	v.post("/console/login", "token", "rct_wrong").is(http.StatusUnauthorized).has("The token is unknown")
	v.get("/console").is(http.StatusUnauthorized)
	v.get("/console/login?code=AAAA").is(http.StatusUnauthorized).has("The link was used before")

	p := v.post("/console/login", "token", " "+srv.AdminToken+"\n", "back", "/console/server?app=1").ok().has(`content="0;url=/console/server?app=1"`)
	cookie := p.header.Get("Set-Cookie")
	for _, want := range []string{"rollcall_session=", "HttpOnly", "SameSite=Strict", "Path=/console", "Max-Age="} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %s lacks %s", cookie, want)
		}
	}
	if strings.Contains(cookie, srv.AdminToken) {
		t.Errorf("the cookie contains the token: %s", cookie)
	}
	v.get("/console").ok().has("Log out")
	if e := v.audited("session.start"); e.Actor == "" || e.TokenID == "" {
		t.Errorf("the audit trail has no actor: %+v", e)
	}

	v.post("/console/logout").done()
	v.get("/console").is(http.StatusUnauthorized)
}

// TestLogoutEndsSession checks that a copy of the cookie is of no use after the log-out.
func TestLogoutEndsSession(t *testing.T) {
	v := newVisitor(t)
	r := v.request(http.MethodGet, "/console", nil)
	stolen := v.http.Jar.Cookies(v.request(http.MethodGet, "/console/x", nil).URL)
	if len(stolen) == 0 {
		t.Fatal("there is no cookie")
	}
	v.post("/console/logout").done()
	r.AddCookie(stolen[0])
	stranger(t, v.srv).do(r).is(http.StatusUnauthorized)
}

func TestLocalAddresses(t *testing.T) {
	srv := rollcalltest.NewServer(t)
	for _, back := range []string{"https://example.com/console", "//example.com/console", "/consolex", "/console/../x", `/\example.com`, "javascript:alert(1)", "", "/v4/x", "/console\n/x"} {
		v := stranger(t, srv)
		v.post("/console/login", "token", srv.AdminToken, "back", back).ok().has(`content="0;url=/console"`)
	}
}

func TestHeaders(t *testing.T) {
	v := newVisitor(t)
	for _, address := range []string{"/console", "/console/nothing", "./accounts"} {
		p := v.get(address)
		csp := p.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", address, csp)
		}
		if p.header.Get("Cache-Control") != "no-store" || p.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", address, p.header)
		}
		p.lacks(" style=", "<style", "onclick", "javascript:")
	}
	v.get("/console/nothing").is(http.StatusNotFound)
}

// TestNoApp visits a page of an app without naming one, on a server with several.
func TestNoApp(t *testing.T) {
	v := newVisitor(t)
	v.srv.NewApp(t)
	v.get("/console//accounts").is(http.StatusNotFound).has("no such page")
	v.post("/console//app", "_form", "change").is(http.StatusNotFound)
	v.get("/console/0/accounts").is(http.StatusBadRequest).has("SDKAppID")
	v.get("/console/1400009999/accounts").is(http.StatusNotFound)
}

// TestSlowLogin checks that strangers who send the form of the log-in slowly keep nobody out.
func TestSlowLogin(t *testing.T) {
	v := newVisitor(t)
	host := strings.TrimPrefix(v.srv.URL, "http://")
	for range 20 {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /console/login HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\n", host)
		line, err := bufio.NewReader(c).ReadString('\n') // the server reads the body
		if err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	v.get("/console").ok()
	stranger(t, v.srv).login(v.srv.AdminToken)
	v.post("/console/login", "token", strings.Repeat("x", 1<<17)).is(http.StatusBadRequest).has("64 KiB")
}

// TestOtherOrigins checks that pages of other origins change nothing.
func TestOtherOrigins(t *testing.T) {
	v := newVisitor(t)
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://example.com"} {
		for _, address := range []string{"/console/logout", "/console/login", "/console/preferences", "./app", "./accounts"} {
			r := v.request(http.MethodPost, address, strings.NewReader("token=x&lang=zh&_form=x"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			if p := v.do(r).is(http.StatusForbidden); p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s sets a cookie", address)
			}
		}
	}
	v.get("/console").ok()
	r := v.request(http.MethodGet, "/console", nil)
	r.Host = "example.com"
	v.do(r).is(http.StatusMisdirectedRequest)
}

// TestLinkFromElsewhere checks that a link of another site leads to its page, although it
// brings no cookie at first.
func TestLinkFromElsewhere(t *testing.T) {
	r := stranger(t, rollcalltest.NewServer(t))
	q := r.request(http.MethodGet, "./accounts?prefix=a%26b", nil)
	q.Header.Set("Sec-Fetch-Site", "cross-site")
	r.do(q).ok().has(`/accounts?prefix=a%26b"`, "refresh")
}

func TestPreferences(t *testing.T) {
	v := newVisitor(t)
	r := v.request(http.MethodGet, "/console", nil)
	r.Header.Set("Accept-Language", "zh-CN,en;q=0.5")
	v.do(r).ok().has(`<html lang="zh"`, "退出登录")
	v.post("/console/preferences", "lang", "zh", "back", "/console/server").done()
	v.get("/console").ok().has(`<html lang="zh"`)
	v.post("/console/preferences", "theme", "dark").done()
	v.get("/console").ok().has(`data-theme="dark"`, `<html lang="zh"`)
	v.post("/console/preferences", "lang", "xx", "theme", "x\"y").done()
	v.get("/console").ok().has(`data-theme="dark"`, `<html lang="zh"`)
}

// TestHostileNames shows names of apps that hold HTML and controls of direction.
func TestHostileNames(t *testing.T) {
	v := newVisitor(t)
	name := "<b>\u202eshop"
	if _, err := v.srv.AdminClient.UpdateApp(t.Context(), v.srv.SDKAppID, client.AppPatch{Name: &name}); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"/console", "./accounts", "/console/server/jobs", "/console/server/audit"} {
		v.get(address).ok().has("&lt;b&gt;&lt;U+202E&gt;shop").lacks("\u202e", "<b>")
	}
}

func TestAssets(t *testing.T) {
	v := newVisitor(t)
	p := v.get("/console").ok()
	_, rest, ok := strings.Cut(p.body, `<script type="module" src="`)
	address, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatal("the page has no script")
	}
	f := v.get(address).ok()
	if !strings.Contains(f.header.Get("Cache-Control"), "immutable") || !strings.HasPrefix(f.header.Get("Content-Type"), "text/javascript") {
		t.Errorf("headers %v", f.header)
	}
	v.get("/console/static/000/console.js").is(http.StatusNotFound)
	v.get("/console/static/../console.go").is(http.StatusNotFound)
}

func TestCompression(t *testing.T) {
	v := newVisitor(t)
	for _, accepted := range []string{"gzip, br", "identity"} {
		r := v.request(http.MethodGet, "/console", nil)
		r.Header.Set("Accept-Encoding", accepted) // so that the client does not decompress
		p := v.do(r).ok()
		if got, want := p.header.Get("Content-Encoding") == "gzip", accepted != "identity"; got != want {
			t.Errorf("with %s: header %v", accepted, p.header)
		}
		if strings.HasPrefix(p.body, "\x1f\x8b") != (accepted != "identity") {
			t.Errorf("with %s: the page begins with %q", accepted, p.body[:20])
		}
	}
}
