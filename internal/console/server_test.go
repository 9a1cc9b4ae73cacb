package console_test

import (
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/client"
)

func TestNewApp(t *testing.T) {
	v := newVisitor(t)
	v.get("/console").has(`href="/console/new-app`)
	p := v.submit("/console/new-app", "create", "number:sdkappid", "1400007777", "text:name", "<i>new", "text:edition", "trial", "bool:test", "true", "seconds:ttl_s", "1h",
		"lines:admins", "boss\r\nchief\r\n").ok().has("it is not shown again", `href="/console/1400007777/app"`, "1400007777 &lt;i&gt;new").lacks("<i>new")
	if !regexp.MustCompile(`<code>[0-9a-f]{64}</code>`).MatchString(p.body) {
		t.Error("the page shows no secret")
	}
	a, err := v.srv.AdminClient.App(t.Context(), 1400007777)
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "<i>new" || a.Edition != "trial" || !a.Test || len(a.Admins) != 3 || a.ExpiresAt.IsZero() {
		t.Errorf("the app is %+v", a)
	}
	v.by("context", "app.create")
	v.submit("/console/new-app", "create", "number:sdkappid", "1400007777").is(http.StatusConflict).has(`value="1400007777"`)
	v.get("/console/new-app?test=true").ok().has("checked")
}

func TestServer(t *testing.T) {
	v := newVisitor(t)
	v.get("/console/server").ok().has("mem", "Admin API", `aria-current="page">About`)
	v.submit("/console/server", "reseal").ok().has("Secrets that were sealed again: 0")
}

func TestTokens(t *testing.T) {
	v := newVisitor(t)
	p := v.submit("/console/server/tokens", "create", "text:name", "<i>ci", "lines:scopes", "write", "time:expires_at", "2199-01-02T03:04").ok().
		has("it is not shown again", "&lt;i&gt;ci", "of this session").lacks("<i>ci")
	secret := regexp.MustCompile(`<code>(rct_[^<]+)</code>`).FindStringSubmatch(p.body)
	if secret == nil {
		t.Fatalf("the page shows no secret: %s", p.body)
	}
	v.get("/console/server/tokens").ok().lacks(secret[1])
	other := stranger(t, v.srv)
	other.login(secret[1])
	other.get("/console/server/tokens").ok().has("Only a token of the scope admin")

	var token client.Token
	all, err := v.srv.AdminClient.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all {
		if x.Name == "<i>ci" {
			token = x
		}
	}
	if strings.Join(token.Scopes, ",") != "write" || token.ExpiresAt.Format("2006-01-02") != "2199-01-02" {
		t.Errorf("the token is %+v", token)
	}
	form := regexp.MustCompile(`<form id="(delete-[0-9a-f]+)"[^>]*>\s*<input[^>]*>\s*<div class="field"><label[^>]*>Type &lt;i&gt;ci`).FindStringSubmatch(v.get("/console/server/tokens").body)
	if form == nil {
		t.Fatal("the page has no form to delete the token")
	}
	v.post("/console/server/tokens", "_form", form[1], "_confirm", "ci").is(http.StatusBadRequest)
	other.get("/console").ok()
	v.submit("/console/server/tokens", form[1], "_confirm", "<i>ci").done()
	other.get("/console").is(http.StatusUnauthorized) // the session has ended with its token
	v.by("context", "token.delete")
}

func TestAudit(t *testing.T) {
	v := newVisitor(t)
	v.submit("./app/keys", "make").ok()
	v.as("<i>writer", "write").submit("./app/keys", "make").ok()
	const list = "/console/server/audit"
	v.get(list).ok().has("key.add", "token.create", "&lt;i&gt;writer").lacks("<i>writer")
	v.get(list+"?actor=%3Ci%3Ewriter").ok().has(">key.add</a>", ">session.start</a>", `value="&lt;i&gt;writer"`).lacks(">token.create</a>")
	v.get(list+"?action=key.&actor=context").ok().has(">key.add</a>").lacks(">session.start</a>", "&lt;i&gt;writer")
	v.get(list + "?sdkappid=" + v.id()).ok().has(">key.add</a>").lacks(">session.start</a>")
	v.get(list + "?sdkappid=x").is(http.StatusBadRequest)
	v.get(list + "?action=nothing").ok().has("No change fits")
	for range 105 {
		v.submit("./app", "change", append(v.version(), "kept:name", "x")...).done()
	}
	p := v.get(list + "?action=app.change").ok()
	next := regexp.MustCompile(`href="([^"]*cursor=[^"]*)" rel="next"`).FindStringSubmatch(p.body)
	if next == nil {
		t.Fatal("there is no next page")
	}
	p = v.get(strings.ReplaceAll(next[1], "&amp;", "&")).ok().has("Last page")
	if n := strings.Count(p.body, ">app.change</a>"); n != 5 {
		t.Errorf("the last page has %d entries, want 5", n)
	}
}

func TestBackups(t *testing.T) {
	v := newVisitor(t)
	v.get("/console/server/backups").ok().has("This server makes no backups", "use pebble:DIR", `id="verify"`).lacks(`id="create"`)
	v.post("/console/server/backups", "_form", "create", "text:dir", t.TempDir()).is(http.StatusConflict)
}

func TestJobs(t *testing.T) {
	v := newVisitor(t)
	v.get("/console/server/jobs").ok().has("No app has an import", "/imports")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, v.srv.URL+"/admin/v1/apps/"+v.id()+"/accounts:import", strings.NewReader(`{"userid":"alice"}`+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+v.srv.AdminToken)
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Idempotency-Key", "night")
	v.do(r).ok()
	v.get("/console/server/jobs").ok().has("/console/"+v.id()+"/import?key=night", ">night<")
}

func TestVerifyBackup(t *testing.T) {
	v := newVisitor(t)
	dir := filepath.Join(t.TempDir(), "<b>")
	v.get("/console/server/backups?verify=" + url.QueryEscape(dir)).ok().has(`value="` + html.EscapeString(dir) + `"`)
	v.submit("/console/server/backups", "verify", "text:dir", dir).ok().has("There is no sound backup.").lacks("<b>")
	v.submit("/console/server/backups", "verify", "text:dir", "relative").is(http.StatusBadRequest).has(`value="relative"`)
}

func TestServerSettings(t *testing.T) {
	v := newVisitor(t)
	v.get("/console/server/settings").ok().has("<code>admin_host</code>", "<code>store</code>", "Directory of all data.", ">default", `aria-current="page">Settings`)
	v.as("writer", "write").get("/console/server/settings").ok().has("Only a token of the scope admin").lacks("<code>store</code>")
}
