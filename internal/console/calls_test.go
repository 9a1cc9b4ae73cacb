package console_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"rollcall/client"
)

// make makes a call with a body as it is, and returns its id.
func (v *visitor) make(command, body string) string {
	v.Helper()
	made, err := v.srv.AdminClient.MakeCall(v.Context(), v.srv.SDKAppID, client.NewCall{Command: command, Text: body})
	if err != nil {
		v.Fatal(err)
	}
	return made.RequestID
}

func TestCalls(t *testing.T) {
	v := newVisitor(t)
	v.get("./calls").ok().has("There are no calls yet", `role="search"`)
	first := v.make("account_import", `{"UserID":"alice"}`)
	second := v.make("account_check", `{"CheckItem":[{"UserID":"bob"}]}`)
	refused := v.make("account_import", `{"UserID":"@x"}`)
	all := v.get("./calls").ok()
	all.has(first, second, refused, ">70402<")
	if strings.Index(all.body, first) < strings.Index(all.body, refused) {
		t.Error("the oldest call comes first")
	}
	for query, want := range map[string][3]bool{
		"?command=account_import":            {true, false, true},
		"?code=70402":                        {false, false, true},
		"?code=0":                            {true, true, false},
		"?userid=alice":                      {true, false, false},
		"?userid=bob&command=account_check":  {false, true, false},
		"?userid=bob&command=account_import": {},
	} {
		p := v.get("./calls" + query).ok()
		for i, id := range []string{first, second, refused} {
			if strings.Contains(p.body, id) != want[i] {
				t.Errorf("%s: call %d is shown: %v", query, i, !want[i])
			}
		}
	}
	v.get("./calls?userid=nobody").ok().has("No call fits these filters")
	v.get("./calls?code=x").is(http.StatusBadRequest).has("code is a number")
	german := v.request(http.MethodGet, "./calls", nil)
	german.Header.Set("Accept-Language", "zh-CN")
	v.do(german).ok().has("账号 API 的最新调用")
}

// TestCallRows waits for the next calls as the script does.
func TestCallRows(t *testing.T) {
	v := newVisitor(t)
	old := v.make("kick", `{"UserID":"administrator"}`)
	page := v.get("./calls").ok()
	_, rest, _ := strings.Cut(page.body, `data-last="`)
	last, _, _ := strings.Cut(rest, `"`)
	rows := make(chan *reply)
	go func() { rows <- v.get("./calls/rows?wait=20&command=kick&after=" + last) }()
	v.make("account_check", `{"CheckItem":[]}`)
	kick := v.make("kick", `{"UserID":"nobody"}`)
	p := (<-rows).ok().has(kick).lacks(old, "account_check", "<html")
	next, err := strconv.ParseUint(p.header.Get("Rollcall-Last"), 10, 64)
	if before, _ := strconv.ParseUint(last, 10, 64); err != nil || next <= before {
		t.Errorf("last %s, then %s", last, p.header.Get("Rollcall-Last"))
	}
	if p := v.get(fmt.Sprint("./calls/rows?wait=0&after=", next)).ok(); strings.Contains(p.body, "<tr") {
		t.Errorf("rows without a new call: %s", p.body)
	}
	stranger(t, v.srv).get("./calls/rows?wait=20&after=" + last).is(http.StatusUnauthorized)
	v.get("./calls/rows?after=x").is(http.StatusBadRequest)
}

func TestCall(t *testing.T) {
	v := newVisitor(t)
	id := v.make("multiaccount_import", `{"AccountList":[{"UserID":"alice","Nick":"<script>x</script>`+"\u202e"+`"},{"UserID":"@bad<b>"}]}`)
	p := v.get("./call?id=" + id).ok()
	p.has("70402", "reserved", "1/2", "&#34;UserID&#34;: &#34;alice&#34;", "&lt;script&gt;", "&lt;U+202E&gt;", "@bad&lt;b&gt;", "Content of the UserSig", "rollcalltest.NewServer", "node:test", "usersig=$USERSIG")
	p.lacks("<script>x", "\u202e", "eJw")

	p = v.submit("./call?id="+id, "again").ok()
	p.has("Failed items")
	if n := len(v.srv.Calls("multiaccount_import")); n != 2 {
		t.Errorf("%d calls", n)
	}
	if e := v.audited("call.make"); e.Actor == "" || e.Detail != "multiaccount_import as administrator" {
		t.Errorf("%+v", e)
	}
	v.get("./call?id=" + v.srv.Calls("")[1].RequestID).ok()

	v.get("./call?id=AAAA").is(http.StatusNotFound)
	other := v.srv.NewApp(t)
	v.get(fmt.Sprintf("/console/%d/call?id=%s", other.SDKAppID, id)).is(http.StatusNotFound)
}

// TestOldestCall makes the oldest call again that is kept. Its page is gone afterwards.
func TestOldestCall(t *testing.T) {
	v := newVisitor(t)
	oldest := v.make("kick", `{"UserID":"administrator"}`)
	for range 999 {
		v.make("account_check", `{"CheckItem":[{"UserID":"bob"}]}`)
	}
	v.submit("./call?id="+oldest, "again").ok().has(`<section class="made"`)
	v.get("./call?id=" + oldest).is(http.StatusNotFound)
}

// TestCallCut shows a call whose body is longer than what the server keeps.
func TestCallCut(t *testing.T) {
	v := newVisitor(t)
	id := v.make("account_import", `{"UserID":"alice","Nick":"`+strings.Repeat("n", 70000)+`"}`)
	v.get("./call?id="+id).ok().has("of 68.4 KiB", "does not have the whole body").lacks(`id="again"`)
}

// TestCallsOfOtherApps checks that an app that is no test app shows little.
func TestCallsOfOtherApps(t *testing.T) {
	v := newVisitor(t)
	off := false
	if _, err := v.srv.AdminClient.UpdateApp(t.Context(), v.srv.SDKAppID, client.AppPatch{Test: &off}); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Options{BaseURL: v.srv.URL, SDKAppID: v.srv.SDKAppID, Key: v.srv.Key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	if err := c.ImportAccount(t.Context(), client.Account{UserID: "@secretid"}); err == nil {
		t.Fatal("the id is accepted")
	}
	id := v.srv.Calls("")[0].RequestID
	v.get("./calls").ok().has("account_import", "70402").lacks("@secretid", "administrator<", id)
	v.get("./calls?userid=administrator").ok().has("account_import") // it is no filter
	v.get("./call?id="+id).ok().has("account_import", "70402").lacks("@secretid", "127.0.0.1<", "reserved", `id="again"`)
	v.get("./account?userid=administrator").ok().has("account_import", "70402").lacks(id, "/calls?userid=", ">administrator</bdi></td>")
	v.get("./try").ok().has("test apps only").lacks("<form id=\"call\"")
	v.get("./usersig").ok().has("rollcall sig make --sdkappid").lacks(`id="make"`)
	for address, form := range map[string]string{"./try": "call", "./usersig": "make", "./call?id=" + id: "again"} {
		v.post(address, "_form", form, "text:command", "kick").is(http.StatusConflict)
	}
}

// TestCallsAfterRestart checks that the script can go on at another server.
func TestCallsAfterRestart(t *testing.T) {
	v := newVisitor(t)
	before := v.make("kick", `{"UserID":"administrator"}`)
	last := v.get("./calls/rows?wait=0&after=0").ok().has(before).header.Get("Rollcall-Last")
	again := newVisitor(t)
	after := again.make("kick", `{"UserID":"administrator"}`)
	again.get("./calls/rows?wait=20&after=" + last).ok().has(after)
}

func TestScopeOfCalls(t *testing.T) {
	v := newVisitor(t)
	id := v.make("kick", `{"UserID":"administrator"}`)
	reader := v.as("reader", "read")
	reader.get("./calls").ok().has(id)
	for address, form := range map[string]string{"./call?id=" + id: "again", "./try": "call", "./usersig": "make"} {
		reader.get(address).ok().lacks(`<form id="` + form + `"`)
		reader.post(address, "_form", form, "text:command", "kick").is(http.StatusForbidden)
	}
	if n := len(v.srv.Calls("")); n != 1 {
		t.Errorf("%d calls", n)
	}
	reader.get("./usersig").has(`<form id="explain"`)
}

// TestWrongSignature checks that a call with a wrong UserSig leads to the page that explains
// UserSigs, and that other refused calls do not.
func TestWrongSignature(t *testing.T) {
	v := newVisitor(t)
	const link = `/usersig?identifier=eve#explain`
	address := fmt.Sprintf("%s/v4/im_open_login_svc/account_check?sdkappid=%d&identifier=eve&usersig=eJx&random=1&contenttype=json", v.srv.URL, v.srv.SDKAppID)
	response, err := http.Post(address, "application/json", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	v.get("./call?id="+response.Header.Get("Rollcall-Request-Id")).ok().has("70003", link)
	v.get("./call?id=" + v.make("account_import", `{"UserID":"@x"}`)).ok().has("70402").lacks(link)
}
