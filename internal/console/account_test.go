package console_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestAccount(t *testing.T) {
	v := newVisitor(t, rollcalltest.WithSettings(client.Settings{CustomTags: []client.CustomTag{{Key: "Score", Number: true}, {Key: "Fixed", NoWrite: true}}}))
	v.add("a/b?c")
	const page = "./account?userid=a%2Fb%3Fc"
	p := v.get(page).ok().has("a/b?c", `value="nick of a/b?c"`, v.account("a/b?c").InternalID, "Never, or the kick was forgotten", "Tag_Profile_Custom_Score", "Gender_Type_Female")
	p.lacks(`name="change:profile.Tag_Profile_Custom_Fixed"`)

	nick, score, gender := "Tag_Profile_IM_Nick", "Tag_Profile_Custom_Score", "Tag_Profile_IM_Gender"
	v.submit(page, "change",
		"change:profile."+nick, "new", "was:profile."+nick, "nick of a/b?c",
		"changenumber:profile."+score, "12", "was:profile."+score, "",
		"change:profile."+gender, "Gender_Type_Male", "was:profile."+gender, "",
	).done()
	a := v.account("a/b?c")
	if a.Nick != "new" || string(a.Profile[score]) != "12" || string(a.Profile[gender]) != `"Gender_Type_Male"` {
		t.Errorf("account %+v", a)
	}
	if e := v.audited("account.change"); e.TokenID == "" || !strings.Contains(e.Detail, score) {
		t.Errorf("audit %+v", e)
	}

	// A form that has become old does not undo what it does not change.
	v.submit(page, "change",
		"change:profile."+nick, "nick of a/b?c", "was:profile."+nick, "nick of a/b?c",
		"changenumber:profile."+score, "", "was:profile."+score, "12",
		"change:profile."+gender, "Gender_Type_Male", "was:profile."+gender, "Gender_Type_Male",
	).done()
	if a = v.account("a/b?c"); a.Nick != "new" || a.Profile[score] != nil || a.Profile[gender] == nil {
		t.Errorf("account %+v", a)
	}

	v.submit(page, "change", "change:profile."+nick, strings.Repeat("x", 501), "was:profile."+nick, "new").
		is(http.StatusBadRequest).has("500 bytes", `value="`+strings.Repeat("x", 501), `name="was:profile.Tag_Profile_IM_Nick" value="new"`)
	v.submit(page, "change", "changenumber:profile."+score, "many", "was:profile."+score, "").is(http.StatusBadRequest).has("is not a number")
	v.submit(page, "change", "change:profile."+nick, "new", "was:profile."+nick, "new").is(http.StatusBadRequest)
	if a = v.account("a/b?c"); a.Nick != "new" {
		t.Errorf("account %+v", a)
	}
}

func TestKick(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	v.submit(page, "kick", "text:userid", "alice").done()
	if v.account("alice").KickedAt.IsZero() {
		t.Error("it is not kicked")
	}
	if e := v.audited("account.kick"); e.TokenID == "" {
		t.Errorf("audit %+v", e)
	}
	v.get(page).ok().has("UserSigs from before this time are refused")
	v.submit(page, "unkick", "text:userid", "alice").done()
	if !v.account("alice").KickedAt.IsZero() {
		t.Error("it is still kicked")
	}
}

func TestDeleteAccount(t *testing.T) {
	v := newVisitor(t, rollcalltest.WithEdition("standard"), rollcalltest.WithSettings(client.Settings{AllowDelete: true}))
	v.add("alice")
	const page = "./account?userid=alice"
	v.submit(page, "delete", "lines:userids", "alice", "_confirm", "Alice").is(http.StatusBadRequest).has("Nothing was changed")
	if v.account("alice") == nil {
		t.Fatal("it was deleted without a confirmation")
	}
	v.submit(page, "delete", "lines:userids", "alice", "_confirm", "alice").ok().has("Deleted accounts: 1", "UserID can be used again from")
	if v.account("alice") != nil {
		t.Error("it was not deleted")
	}
	v.get(page).ok().has("Deleted", "UserID can be used again from", `<form id="add"`).lacks(`<form id="delete"`, `<form id="kick"`)
	v.submit(page, "add", "text:userid", "alice").is(http.StatusConflict)
	v.get("./account?userid=nobody").ok().has("no account with this UserID").lacks("can be used again")
	v.submit("./account?userid=nobody", "add", "text:userid", "nobody").done()
	if v.account("nobody") == nil {
		t.Error("it was not added")
	}
	v.get("./account").is(http.StatusBadRequest)
	v.get("./account?userid=%40x").is(http.StatusBadRequest)
}

func TestSign(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	p := v.submit(page, "sign", "text:identifier", "alice", "number:validity_s", "3600").ok().has("shown this once", "eJ")
	v.get(page).ok().lacks("shown this once")
	if e := v.audited("usersig.make"); e.TokenID == "" || !strings.Contains(e.Detail, "alice for 3600 s") {
		t.Errorf("audit %+v", e)
	}
	if strings.Contains(p.header.Get("Set-Cookie"), "eJ") {
		t.Error("a cookie has the UserSig")
	}
	writer := v.as("writer", "write")
	writer.get(page).ok().lacks(`<form id="sign"`).has(`<form id="kick"`)
	writer.post(page, "_form", "sign", "text:identifier", "alice").is(http.StatusForbidden)
}

func TestAccountReadOnly(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	const page = "./account?userid=alice"
	reader := v.as("reader", "read")
	reader.get(page).ok().has("nick of alice").lacks("<form id=")
	for _, form := range []string{"change", "kick", "delete", "unkick", "sign"} {
		reader.post(page, "_form", form, "_confirm", "alice", "text:userid", "alice", "lines:userids", "alice",
			"change:profile.Tag_Profile_IM_Nick", "x", "was:profile.Tag_Profile_IM_Nick", "").is(http.StatusForbidden)
	}
	if a := v.account("alice"); a == nil || a.Nick != "nick of alice" || !a.KickedAt.IsZero() {
		t.Errorf("account %+v", a)
	}
}

// TestCallsAbout checks that a page has the calls of its account alone.
func TestCallsAbout(t *testing.T) {
	v := newVisitor(t)
	v.add("alice")
	if _, err := v.srv.Client.ImportAccounts(t.Context(), []client.Account{{UserID: "@bad"}, {UserID: "bob"}}); err != nil {
		t.Log(err) // the item is refused
	}
	v.get("./account?userid=administrator").ok().has("multiaccount_import", "call?id=")
	v.get("./account?userid=bob").ok().has("multiaccount_import", "calls?userid=bob")
	v.get("./account?userid=alice").ok().lacks("multiaccount_import").has("No kept call")
}

func TestHostileAccount(t *testing.T) {
	v := newVisitor(t)
	id := `"><script>alert(1)</script>`
	for _, nick := range hostileNicks() {
		if v.account(id) == nil {
			v.add(id)
		}
		if _, err := v.srv.AdminClient.ChangeAccount(t.Context(), v.srv.SDKAppID, id, client.AccountPatch{Nick: &nick, Profile: map[string]any{client.TagSelfSignature: nick}}); err != nil {
			t.Fatal(err)
		}
		v.get("./account?userid=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E").ok().has("&lt;script&gt;").lacks("<script>alert", "<img src=x", "<bdi>\u202e")
	}
	v.post("/console/preferences", "lang", "zh").done()
	v.get("./account?userid=administrator").ok().has("账号", "昵称", "内部 ID").lacks("account.", "accounts.")
}
