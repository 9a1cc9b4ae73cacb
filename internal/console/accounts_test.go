package console_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
	"rollcall/rollcalltest"
)

// add adds accounts to the app, with nicks.
func (v *visitor) add(ids ...string) {
	v.Helper()
	for _, id := range ids {
		if _, err := v.srv.AdminClient.AddAccount(v.Context(), v.srv.SDKAppID, client.NewAccount{UserID: id, Nick: "nick of " + id}); err != nil {
			v.Fatal(err)
		}
	}
}

// account returns an account, or nil if there is none.
func (v *visitor) account(id string) *client.AccountRecord {
	v.Helper()
	a, err := v.srv.AdminClient.Account(v.Context(), v.srv.SDKAppID, id)
	if p, ok := errors.AsType[*client.Problem](err); err != nil && (!ok || p.Slug != client.SlugNotFound) {
		v.Fatal(err)
	}
	return a
}

func TestAccountsList(t *testing.T) {
	v := newVisitor(t)
	v.add("bob", "alice", "alina")
	v.get("./accounts").ok().has("Accounts of the app: 4", ">alice<", ">bob<", "nick of bob", "account?userid=alina")
	v.get("./accounts?prefix=al").ok().has(">alice<", ">alina<").lacks(">bob<")
	v.get("./accounts?prefix=x").ok().has("No UserID begins with this text")
	v.get("./accounts?prefix=" + strings.Repeat("x", 33)).is(http.StatusBadRequest)
	v.get("./accounts?cursor=%21").is(http.StatusBadRequest)
}

func TestAccountsPages(t *testing.T) {
	v := newVisitor(t)
	for i := range 120 {
		v.add(fmt.Sprintf("user%03d", i))
	}
	p := v.get("./accounts?prefix=user").ok().has(">user099<", "Accounts of the app: 121").lacks(">user100<")
	_, rest, _ := strings.Cut(p.body, `rel="next"`)
	before, _, _ := strings.Cut(p.body, `" rel="next"`)
	next := before[strings.LastIndex(before, `"`)+1:]
	if rest == "" || !strings.Contains(next, "prefix=user") {
		t.Fatalf("the next page is %q", next)
	}
	v.get(strings.ReplaceAll(next, "&amp;", "&")).ok().has(">user100<", ">user119<", "Last page").lacks(">user099<")
}

func TestAddAccount(t *testing.T) {
	v := newVisitor(t)
	p := v.submit("./accounts", "add", "text:userid", "a/b?c", "text:nick", "<b>&", "text:face_url", "").done()
	if to := p.header.Get("Location"); !strings.HasSuffix(to, "/account?userid=a%2Fb%3Fc") {
		t.Errorf("it leads to %s", to)
	}
	if a := v.account("a/b?c"); a == nil || a.Nick != "<b>&" {
		t.Errorf("account %+v", a)
	}
	if e := v.audited("account.add"); e.TokenID == "" || e.Actor == "" {
		t.Errorf("audit %+v", e)
	}
	v.submit("./accounts", "add", "text:userid", "a/b?c").is(http.StatusConflict).has("It exists already", `value="a/b?c"`)
	v.submit("./accounts", "add", "text:userid", "@a").is(http.StatusBadRequest).has("reserved", `value="@a"`)
}

func TestDeleteAccounts(t *testing.T) {
	v := newVisitor(t)
	v.add("alice", "bob", "carol")
	app := fmt.Sprint(v.srv.SDKAppID)

	v.submit("./accounts", "delete", "lines:userids", "alice", "lines:userids", "bob", "_confirm", "alice").
		is(http.StatusBadRequest).has("Nothing was changed", `value="alice" checked`).lacks(`value="carol" checked`)
	if v.account("alice") == nil {
		t.Fatal("it was deleted without a confirmation")
	}
	p := v.submit("./accounts", "delete", "lines:userids", "alice", "lines:userids", "bob", "lines:userids", "administrator", "_confirm", app)
	p.ok().has("Deleted accounts: 2", "administrator", ">carol<").lacks(">alice<", ">bob<")
	if v.account("alice") != nil || v.account("bob") != nil || v.account("carol") == nil || v.account("administrator") == nil {
		t.Error("other accounts were deleted than chosen")
	}
	if e := v.audited("account.delete"); e.TokenID == "" || !strings.Contains(e.Detail, "alice") {
		t.Errorf("audit %+v", e)
	}
	v.submit("./accounts", "delete", "_confirm", app).is(http.StatusBadRequest)
}

// TestDeletionOff checks that nothing is offered that the app refuses.
func TestDeletionOff(t *testing.T) {
	v := newVisitor(t, rollcalltest.WithEdition("standard"))
	v.add("alice")
	v.get("./accounts").ok().has("does not allow to delete").lacks(`type="checkbox" form="delete"`, `<form id="delete"`)
	v.post("./accounts", "_form", "delete", "lines:userids", "alice", "_confirm", fmt.Sprint(v.srv.SDKAppID)).is(http.StatusConflict)
	if v.account("alice") == nil {
		t.Error("it was deleted")
	}
}

// TestAccountsReadOnly checks that a token with the scope read changes nothing.
func TestAccountsReadOnly(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	reader := v.as("reader", "read")
	reader.get("./accounts").ok().has(">alice<", "Export").lacks(`<form id="add"`, `<form id="delete"`, `type="checkbox" form=`)
	reader.post("./accounts", "_form", "add", "text:userid", "bob").is(http.StatusForbidden)
	reader.post("./accounts", "_form", "delete", "lines:userids", "alice", "_confirm", fmt.Sprint(v.srv.SDKAppID)).is(http.StatusForbidden)
	if v.account("alice") == nil || v.account("bob") != nil {
		t.Error("it changed accounts")
	}
}

func TestExport(t *testing.T) {
	tags := []client.CustomTag{{Key: "Score", Number: true}}
	v := newVisitor(t, rollcalltest.WithSettings(client.Settings{CustomTags: tags}))
	v.add("alice", "bob")
	formula := "=1+1"
	if _, err := v.srv.AdminClient.ChangeAccount(v.Context(), v.srv.SDKAppID, "bob", client.AccountPatch{Nick: &formula, Profile: map[string]any{"Tag_Profile_Custom_Score": 7}}); err != nil {
		t.Fatal(err)
	}
	p := v.get("./accounts/export?format=csv").ok()
	if d := p.header.Get("Content-Disposition"); !strings.Contains(d, fmt.Sprintf("accounts-%d.csv", v.srv.SDKAppID)) {
		t.Errorf("Content-Disposition %q", d)
	}
	rows := table(t, p.body)
	if len(rows) != 4 || rows[3]["userid"] != "bob" || rows[3]["nick"] != "'=1+1" || rows[3]["Tag_Profile_Custom_Score:number"] != "7" {
		t.Errorf("rows %v", rows)
	}
	rows = table(t, v.get("./accounts/export?format=csv&exact=true&prefix=b&details=true").ok().body)
	if len(rows) != 2 || rows[1]["nick"] != "=1+1" || rows[1]["created_at"] == "" {
		t.Errorf("rows %v", rows)
	}
	p = v.get("./accounts/export?format=ndjson&prefix=al").ok()
	if want := `{"userid":"alice","nick":"nick of alice","face_url":""}` + "\n"; p.body != want {
		t.Errorf("got %q, want %q", p.body, want)
	}
	if e := v.audited("account.export"); e.TokenID == "" {
		t.Errorf("audit %+v", e)
	}
	p = v.get("./accounts/export?format=csv&details=maybe").is(http.StatusBadRequest).has("details is true or false")
	if p.header.Get("Content-Disposition") != "" || !strings.Contains(p.header.Get("Content-Type"), "html") {
		t.Errorf("the problem is a file: %v", p.header)
	}
}

func TestExportMany(t *testing.T) {
	v := newVisitor(t)
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprintf("user%03d", i))
	}
	v.add(ids...)
	var got []string
	for _, row := range table(t, v.get("./accounts/export?format=csv&prefix=user").ok().body)[1:] {
		got = append(got, row["userid"])
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// table returns the rows of a table with its columns as names. The first one is the header.
func table(t *testing.T, text string) (rows []map[string]string) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%v in %q", err, text)
	}
	for _, record := range records {
		row := map[string]string{}
		for i, column := range records[0] {
			row[column] = record[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// hostileNicks are texts that could harm a page.
func hostileNicks() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "\u202eevil\u2066", strings.Repeat("x", 500), "{{.}}", "</title>", "\u0000\u0007",
	}
}

func TestHostileAccounts(t *testing.T) {
	v := newVisitor(t)
	ids := []string{`<script>alert(1)`, `"><img src=x>`, `' onclick=x`, `../../etc`, ` a b `}
	for i, nick := range hostileNicks() {
		id := fmt.Sprint("id", i)
		if i < len(ids) {
			id = ids[i]
		}
		if _, err := v.srv.AdminClient.AddAccount(v.Context(), v.srv.SDKAppID, client.NewAccount{UserID: id, Nick: nick}); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range []string{"./accounts", "./accounts?prefix=" + "%3Cscript%3E"} {
		v.get(address).ok().has("&lt;script&gt;").lacks("<script>alert", "<img src=x", "\u202e", "\u2066", "\x00")
	}
	v.post("/console/preferences", "lang", "zh").done()
	v.get("./accounts").ok().has("账号").lacks("accounts.")
}
