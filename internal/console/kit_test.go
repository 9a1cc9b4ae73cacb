package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// A visitor is a browser without scripts, with a session or without.
type visitor struct {
	*testing.T
	srv  *rollcalltest.Server
	http *http.Client
}

// newVisitor starts a server and logs in with its token of every scope.
func newVisitor(t *testing.T, options ...rollcalltest.Option) *visitor {
	v := stranger(t, rollcalltest.NewServer(t, options...))
	v.login(v.srv.AdminToken)
	return v
}

// stranger returns a browser without a session.
func stranger(t *testing.T, srv *rollcalltest.Server) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := new(http.Transport)
	t.Cleanup(pool.CloseIdleConnections)
	return &visitor{t, srv, &http.Client{Jar: jar, Transport: pool, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as returns a browser with a session of a new token of that name and scope.
func (v *visitor) as(name, scope string) *visitor {
	v.Helper()
	created, err := v.srv.AdminClient.CreateToken(v.Context(), client.NewToken{Name: name, Scopes: []string{scope}})
	if err != nil {
		v.Fatal(err)
	}
	other := stranger(v.T, v.srv)
	other.login(created.Secret)
	return other
}

func (v *visitor) login(token string) {
	v.Helper()
	if p := v.post("/console/login", "token", token, "back", "/console"); p.status != http.StatusOK {
		v.Fatalf("login: %d %s", p.status, p.body)
	}
}

// A reply is a response of the console.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// get visits an address. An address of an app begins with ./ and lacks what comes before.
func (v *visitor) get(address string) *reply {
	v.Helper()
	return v.do(v.request(http.MethodGet, address, nil))
}

// post sends names and values to an address, as the form of a page does.
func (v *visitor) post(address string, fields ...string) *reply {
	v.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := v.request(http.MethodPost, address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.do(r)
}

// submit sends the form with an ID on the page at an address. The page must show it.
func (v *visitor) submit(address, form string, fields ...string) *reply {
	v.Helper()
	v.get(address).has(fmt.Sprintf(`<form id="%s"`, form))
	return v.post(address, append([]string{"_form", form}, fields...)...)
}

func (v *visitor) request(method, address string, body io.Reader) *http.Request {
	v.Helper()
	if rest, ok := strings.CutPrefix(address, "./"); ok {
		address = fmt.Sprintf("/console/%d/%s", v.srv.SDKAppID, rest)
	}
	r, err := http.NewRequestWithContext(v.Context(), method, v.srv.URL+address, body)
	if err != nil {
		v.Fatal(err)
	}
	return r
}

func (v *visitor) do(r *http.Request) *reply {
	v.Helper()
	resp, err := v.http.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	return &reply{v.T, resp.StatusCode, resp.Header, string(body)}
}

// ok fails the test unless the response is a page.
func (p *reply) ok() *reply {
	p.t.Helper()
	if p.status != http.StatusOK {
		p.t.Fatalf("status %d: %s", p.status, p.body)
	}
	return p
}

// is fails the test unless the response has a status.
func (p *reply) is(status int) *reply {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("status %d, want %d: %s", p.status, status, p.body)
	}
	return p
}

// done fails the test unless the response leads to another address, as after a form.
func (p *reply) done() *reply {
	p.t.Helper()
	return p.is(http.StatusSeeOther)
}

// has fails the test unless the page has each text.
func (p *reply) has(texts ...string) *reply {
	p.t.Helper()
	for _, s := range texts {
		if !strings.Contains(p.body, s) {
			p.t.Errorf("the page lacks %q:\n%s", s, p.body)
		}
	}
	return p
}

// lacks fails the test if the page has one of the texts.
func (p *reply) lacks(texts ...string) *reply {
	p.t.Helper()
	for _, s := range texts {
		if strings.Contains(p.body, s) {
			p.t.Errorf("the page has %q:\n%s", s, p.body)
		}
	}
	return p
}

// audited returns the newest entry of the audit trail with an action.
func (v *visitor) audited(action string) client.AuditEntry {
	v.Helper()
	for e, err := range v.srv.AdminClient.Audit(v.Context(), client.AuditQuery{}) {
		if err != nil {
			v.Fatal(err)
		}
		if e.Action == action {
			return *e
		}
	}
	v.Fatalf("the audit trail has no entry %s", action)
	return client.AuditEntry{}
}
