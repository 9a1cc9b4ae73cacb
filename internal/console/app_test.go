package console_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/rollcalltest"
)

// app returns the app of the visitor's server.
func (v *visitor) app() *client.App {
	v.Helper()
	a, err := v.srv.AdminClient.App(v.Context(), v.srv.SDKAppID)
	if err != nil {
		v.Fatal(err)
	}
	return a
}

// version returns the field that says which version of the app a change is for.
func (v *visitor) version() []string {
	return []string{"header:If-Match", `"` + strconv.FormatUint(v.app().Version, 10) + `"`}
}

// by fails the test unless the newest entry with an action has a name and the ID of a token.
func (v *visitor) by(name, action string) {
	v.Helper()
	if e := v.audited(action); e.Actor != name || e.TokenID == "" {
		v.Errorf("the entry of %s is %+v, want the actor %s", action, e, name)
	}
}

func (v *visitor) id() string { return strconv.FormatUint(uint64(v.srv.SDKAppID), 10) }

func TestChangeApp(t *testing.T) {
	admin := newVisitor(t)
	v := admin.as("ci-writer", "write")
	v.get("./app").ok().has(v.id(), "development", `aria-current="page">Overview`).lacks(`<form id="delete"`)
	fields := append(v.version(), "kept:name", "<b>shop</b>", "text:edition", "pro", "bool:disabled", "false", "bool:disabled", "true")
	v.submit("./app", "change", fields...).done()
	if a := v.app(); a.Name != "<b>shop</b>" || a.Edition != "pro" || !a.Disabled {
		t.Errorf("the app is %+v", a)
	}
	v.by("ci-writer", "app.change")
	v.get("./app").has("&lt;b&gt;shop&lt;/b&gt;").lacks("<b>shop")

	// Somebody who saw the version before changes nothing, and sees what was typed.
	fields[3] = "stale"
	v.post("./app", append([]string{"_form", "change"}, fields...)...).is(http.StatusConflict).has(`value="stale"`, "the app has version")
	if a := v.app(); a.Name != "<b>shop</b>" {
		t.Errorf("the app is %+v", a)
	}
}

func TestAdmins(t *testing.T) {
	v := newVisitor(t)
	v.submit("./app", "add-admin", "path:userid", "a b/c").is(http.StatusSeeOther)
	if a := v.app(); len(a.Admins) != 2 || a.Admins[1] != "a b/c" {
		t.Fatalf("the admins are %q", a.Admins)
	}
	v.submit("./app", "remove-admin-6120622f63").done()
	if a := v.app(); len(a.Admins) != 1 {
		t.Errorf("the admins are %q", a.Admins)
	}
	v.audited("admin.add")
	v.audited("admin.remove")
}

func TestDeleteApp(t *testing.T) {
	v := newVisitor(t)
	v.post("./app", "_form", "delete", "_confirm", "x").is(http.StatusBadRequest)
	if err := v.srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	v.submit("./app", "delete", "_confirm", v.id()).is(http.StatusConflict).has("accounts")
	v.submit("./app/testkit", "reset", "_confirm", v.id()).done()
	v.submit("./app", "delete", "_confirm", v.id()).done()
	v.get("./app").is(http.StatusNotFound)
	v.audited("app.delete")
}

func TestEndTest(t *testing.T) {
	v := newVisitor(t)
	v.post("./app", append(v.version(), "_form", "end-test", "bool:test", "false")...).is(http.StatusBadRequest)
	if !v.app().Test {
		t.Fatal("the app lost its role without a confirmation")
	}
	v.submit("./app", "end-test", append(v.version(), "bool:test", "false", "_confirm", v.id())...).done()
	if v.app().Test {
		t.Error("the app is still a test app")
	}
	v.get("./app/testkit").ok().has("not a test app", "/console/new-app?").lacks(`<form id="reset"`)
	v.get("./app/settings").ok().lacks("any_signature")
}

// TestSettings gives each setting its example with the form of the page, and resets it.
func TestSettings(t *testing.T) {
	v := newVisitor(t)
	v.submit("./app/settings", "reset-rate_mode", append(v.version(), "null:settings.rate_mode", "null")...).done()
	given := map[string][]string{
		"custom_tags":   {"json?:settings.custom_tags", `[{"key":"team"}]`},
		"words":         {"lines?:settings.words", "rude\r\n粗话\r\n"},
		"allow_sources": {"lines?:settings.allow_sources", "127.0.0.0/8\r\n::1/128"},
		"ip_list":       {"lines?:settings.ip_list", "127.0.0.2\r\n2001:db8::/32"},
		"figures_zone":  {"text?:settings.figures_zone", "Europe/Berlin"},
		"region":        {"text?:settings.region", "singapore"},
		"rate_mode":     {"text?:settings.rate_mode", "shadow"},
		"not_admin":     {"text?:settings.not_admin", "gateway"},
		"login_mode":    {"text?:settings.login_mode", "single"},
		"kick_event":    {"text?:settings.kick_event", "off"},

		"kicked_reconnect": {"text?:settings.kicked_reconnect", "refuse"},
		"push_platforms":   {"json?:settings.push_platforms", `["Mac"]`},
		"link_timeouts":    {"json?:settings.link_timeouts", `{"Android":300}`},
		"rate_limits":      {"number?:settings.rate_limits.account_import", "5", "number?:settings.rate_limits.kick", ""},
	}
	for _, f := range account.SettingForms() {
		if strings.HasPrefix(f.Takes, "true") {
			given[f.Name] = []string{"bool:settings." + f.Name, "true"}
		} else if given[f.Name] == nil {
			given[f.Name] = []string{"number?:settings." + f.Name, f.Example}
		}
		page := v.get("./app/settings").ok().has(`<form id="set-`+f.Name+`"`, "Default: ").lacks(`<form id="reset-` + f.Name + `"`)
		for i := 0; i < len(given[f.Name]); i += 2 { // the page offers the fields
			page.has(`name="` + given[f.Name][i] + `"`)
		}
		v.submit("./app/settings", "set-"+f.Name, append(v.version(), given[f.Name]...)...).done()
		if got := v.settings(); !strings.Contains(got, `"`+f.Name+`":`) {
			t.Errorf("after %s the settings are %s", f.Name, got)
		}
		if e := v.audited("app.change"); e.Detail != "settings."+f.Name {
			t.Errorf("the entry of %s is %+v", f.Name, e)
		}
		v.submit("./app/settings", "reset-"+f.Name, append(v.version(), "null:settings."+f.Name, "null")...).done()
		if got := v.settings(); got != "{}" {
			t.Errorf("after the reset of %s the settings are %s", f.Name, got)
		}
	}
}

// settings returns the settings that the page marks as changed.
func (v *visitor) settings() string {
	v.Helper()
	return settingsOf(v.T, v.app())
}

// TestSettingsShown checks that the page shows values of all kinds, and that sending a form
// unchanged changes nothing.
func TestSettingsShown(t *testing.T) {
	v := newVisitor(t, rollcalltest.WithSettings(client.Settings{
		Quota: 5000, AllowDelete: true, Words: []string{`"<script>alert(1)</script>`, "\u202eabc"}, Region: "singapore", RateLimits: map[string]int{"account_import": 500},
		CustomTags: []account.CustomTag{{Key: "team", Number: true}},
	}))
	before := v.settings()
	p := v.get("./app/settings").ok().lacks("<script>alert").
		has(`value="5000"`, `<option value="singapore" selected>`, `value="500"`, "&#34;&lt;script&gt;alert(1)&lt;/script&gt;", "&#34;number&#34;: true", "checked")
	for _, m := range regexp.MustCompile(`(?s)<form id="(set-[a-z_]+)".*?</form>`).FindAllStringSubmatch(p.body, -1) {
		v.post("./app/settings", append([]string{"_form", m[1]}, v.fieldsOf(m[0])...)...).done()
		if got := v.settings(); got != before {
			t.Fatalf("%s changed the settings from %s to %s", m[1], before, got)
		}
	}
}

// fieldsOf returns the fields of a form as a browser would send them.
func (v *visitor) fieldsOf(form string) (fields []string) {
	for _, m := range regexp.MustCompile(`(?s)<input ([^>]*)>|<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>|<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>`).FindAllStringSubmatch(form, -1) {
		attribute := func(s, name string) string {
			_, rest, _ := strings.Cut(s, " "+name+`="`)
			value, _, _ := strings.Cut(rest, `"`)
			return html.UnescapeString(value)
		}
		switch input := " " + m[1]; {
		case m[2] != "":
			fields = append(fields, m[2], strings.TrimPrefix(html.UnescapeString(m[3]), "\n")) // a browser drops this one
		case m[4] != "":
			value := ""
			if chosen := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[5]); chosen != nil {
				value = chosen[1]
			}
			fields = append(fields, m[4], value)
		case attribute(input, "name") == "_form":
		case attribute(input, "name") == "header:If-Match":
			fields = append(fields, v.version()...)
		case strings.Contains(input, `type="checkbox"`) && !strings.Contains(input, "checked"):
		default:
			fields = append(fields, attribute(input, "name"), attribute(input, "value"))
		}
	}
	return fields
}

// TestSettingRefused checks that a wrong value is explained at its form.
func TestSettingRefused(t *testing.T) {
	v := newVisitor(t)
	before := v.settings()
	for form, field := range map[string][]string{
		"set-quota":         {"number?:settings.quota", "x"},
		"set-custom_tags":   {"json?:settings.custom_tags", `[{"key":"<b>"}]`},
		"set-allow_sources": {"lines?:settings.allow_sources", "<b>"},
		"set-rate_limits":   {"number?:settings.rate_limits.kick", "-1"},
	} {
		p := v.submit("./app/settings", form, append(v.version(), field...)...).is(http.StatusBadRequest).lacks("<b>")
		_, after, _ := strings.Cut(p.body, `<form id="`+form+`"`)
		if at, _, _ := strings.Cut(after, "</form>"); !strings.Contains(at, `role="alert"`) || !strings.Contains(html.UnescapeString(at), field[1]) {
			t.Errorf("%s shows no problem or not what was typed: %s", form, at)
		}
		if got := v.settings(); got != before {
			t.Errorf("%s changed the settings to %s", form, got)
		}
	}
}

// TestDeepField sends a field whose name nests objects deeper than JSON may be.
func TestDeepField(t *testing.T) {
	newVisitor(t).post("./accounts", "_form", "add", "text:"+strings.Repeat("a.", 20000)+"a", "x").is(http.StatusBadRequest).has("nested too deeply")
}

// TestSettingRefusedInChinese says in Chinese what a field takes.
func TestSettingRefusedInChinese(t *testing.T) {
	v := newVisitor(t)
	v.post("/console/preferences", "lang", "zh").done()
	for field, want := range map[string]string{"number?:settings.quota": "数字", "json?:settings.custom_tags": "文本需要引号", "time:x": "时间"} {
		p := v.post("./app/settings", append(v.version(), "_form", "set-quota", field, "x")...).is(http.StatusBadRequest)
		_, alert, _ := strings.Cut(p.body, `role="alert"`)
		if alert, _, _ = strings.Cut(alert, "</div>"); !strings.Contains(alert, want) {
			t.Errorf("%s: %s", field, alert)
		}
	}
}

func TestKeys(t *testing.T) {
	v := newVisitor(t)
	p := v.submit("./app/keys", "make").ok().has("it is not shown again", "data-copy")
	keys := v.app().Keys
	if len(keys) != 2 {
		t.Fatalf("there are %d keys", len(keys))
	}
	p.has(keys[1].Fingerprint)
	secret := regexp.MustCompile(`<pre tabindex="0"><code>([0-9a-f]{64})</code>`).FindStringSubmatch(p.body)
	if secret == nil {
		t.Fatalf("the page shows no secret: %s", p.body)
	}
	v.get("./app/keys").ok().lacks(secret[1]).has(keys[1].Fingerprint)
	v.by("context", "key.add")

	v.submit("./app/keys", "add-secret", "secret:secret", "a secret of mine").done()
	v.get("./app/keys").lacks("a secret of mine")
	v.submit("./app/keys", "add-secret", "secret:secret", " a secret of mine").is(http.StatusBadRequest).has("white space").lacks("a secret of mine")
	public := strings.ReplaceAll(newPublicKey(t), "\n", "\r\n")
	v.post("./app/keys", "_form", "add-public", "text:public_key", strings.Replace(public, "MFkw", "MFkx", 1)).is(http.StatusBadRequest)

	v.submit("./app/keys", "add-public", "text:public_key", public).done()
	v.get("./app/keys").has(v.app().Keys[3].Fingerprint, "ecdsa")

	retire := "retire-" + "32" // of the key 2
	v.post("./app/keys", "_form", retire, "_confirm", "x").is(http.StatusBadRequest)
	v.submit("./app/keys", retire, "_confirm", keys[1].Fingerprint, "time:at", "2199-01-02T03:04").done()
	if k := v.app().Keys[1]; k.RetiredAt.Format("2006-01-02T15:04") != "2199-01-02T03:04" {
		t.Errorf("the key is retired at %s", k.RetiredAt)
	}
	v.get("./app/keys").has("retires", `<form id="retire-32"`)
	v.submit("./app/keys", retire, "_confirm", keys[1].Fingerprint, "time:at", "").done()
	v.get("./app/keys").has(">retired<").lacks(`<form id="retire-32"`)
	v.audited("key.retire")
}

// newPublicKey returns a public key of ECDSA in PEM.
func newPublicKey(t *testing.T) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// TestKeysByClock retires a key of an app whose clock is ahead. The page follows that clock.
func TestKeysByClock(t *testing.T) {
	v := newVisitor(t)
	v.submit("./app/keys", "make").ok()
	v.submit("./app/testkit", "clock-week", "number:advance_ms", "604800000").done()
	v.submit("./app/keys", "retire-32", "_confirm", v.app().Keys[1].Fingerprint, "time:at", "").done()
	v.get("./app/keys").has(">retired<").lacks(`<form id="retire-32"`)
}

func TestRateReport(t *testing.T) {
	v := newVisitor(t, rollcalltest.WithSettings(client.Settings{RateMode: "shadow", RateLimits: map[string]int{"account_check": 1}}))
	v.get("./app/rates").ok().has("No call was over a limit", "rate_mode is now: shadow")
	for range 50 { // some of them are in the same second
		if _, err := v.srv.Client.CheckAccounts(t.Context(), []string{"a"}); err != nil {
			t.Fatal(err)
		}
	}
	v.get("./app/rates").ok().has("account_check", "By second").lacks("No call was")
}

// settingsOf returns the settings of an app that differ from their defaults, as JSON.
func settingsOf(t *testing.T, a *client.App) string {
	b, err := json.Marshal(a.Settings)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
