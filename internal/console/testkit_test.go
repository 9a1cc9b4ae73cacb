package console_test

import (
	"net/http"
	"strings"
	"testing"

	"rollcall/client"
	"rollcall/rollcalltest"
)

func TestClock(t *testing.T) {
	v := newVisitor(t)
	clock := func() *client.Clock {
		c, err := v.srv.AdminClient.Clock(t.Context(), v.srv.SDKAppID)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	v.submit("./app/testkit", "clock-freeze", "bool:frozen", "true").done()
	v.submit("./app/testkit", "clock-set", "time:now", "2030-01-02T03:04:05").done()
	v.submit("./app/testkit", "clock-day", "number:advance_ms", "86400000").done()
	if c := clock(); !c.Frozen || c.Now.Format("2006-01-02T15:04:05") != "2030-01-03T03:04:05" {
		t.Errorf("the clock is %+v", c)
	}
	v.get("./app/testkit").has("2030-01-03 03:04:05 UTC", "stopped", "Let run")
	v.submit("./app/testkit", "clock-advance", "milliseconds:advance_ms", "soon").is(http.StatusBadRequest).has("is not a duration as 90s")
	v.submit("./app/testkit", "clock-advance", "milliseconds:advance_ms", "1h30m").done()
	if c := clock(); c.Now.Format("2006-01-02T15:04:05") != "2030-01-03T04:34:05" {
		t.Errorf("the clock is %+v", c)
	}
	v.submit("./app/testkit", "clock-real").done()
	if c := clock(); c.Frozen || c.OffsetMS != 0 {
		t.Errorf("the clock is %+v", c)
	}
	v.audited("clock.change")
}

func TestFaults(t *testing.T) {
	v := newVisitor(t)
	v.get("./app/testkit").has("There is no fault")
	v.submit("./app/testkit", "add-fault", "text:command", "account_check", "number:status", "503", "number:times", "2", "bool:run", "false", "lines:fail_userids", "", "text:cut", "").done()
	all := func() []client.ActiveFault {
		list, err := v.srv.AdminClient.Faults(t.Context(), v.srv.SDKAppID)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := all(); len(list) != 1 || list[0].Fault.Status != 503 || list[0].Fault.Times != 2 || list[0].Fault.Run {
		t.Fatalf("the faults are %+v", list)
	}
	v.submit("./app/testkit", "add-fault", "number:code", "70398", "text:info", "<i>\u202e", "number:seed", "18446744073709551615", "number:probability", "0.5").done()
	v.get("./app/testkit").has("&lt;i&gt;&lt;U+202E&gt;", "&#34;seed&#34;:18446744073709551615").lacks("<i>")
	v.submit("./app/testkit", "add-fault", "number:fail_items", "2").is(http.StatusBadRequest).has("need a command whose items")
	v.submit("./app/testkit", "remove-fault-31").done()
	if list := all(); len(list) != 1 || list[0].ID != "2" {
		t.Errorf("the faults are %+v", list)
	}
	v.submit("./app/testkit", "clear-faults").done()
	if list := all(); len(list) != 0 {
		t.Errorf("the faults are %+v", list)
	}
}

func TestSnapshotsAndReset(t *testing.T) {
	v := newVisitor(t)
	count := func() int64 {
		n, err := v.srv.AdminClient.CountAccounts(t.Context(), v.srv.SDKAppID)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	if err := v.srv.Client.ImportAccount(t.Context(), client.Account{UserID: "alice"}); err != nil {
		t.Fatal(err)
	}
	v.submit("./app/testkit", "take", "text:name", "one").done()
	v.post("./app/testkit", "_form", "reset", "_confirm", "no").is(http.StatusBadRequest)
	if got := count(); got != before+1 {
		t.Fatalf("there are %d accounts", got)
	}
	v.submit("./app/testkit", "reset", "_confirm", v.id()).done()
	if got := count(); got != before {
		t.Errorf("after the reset there are %d accounts, want %d", got, before)
	}
	v.submit("./app/testkit", "restore-6f6e65").done()
	if got := count(); got != before+1 {
		t.Errorf("after the restoration there are %d accounts", got)
	}
	v.submit("./app/testkit", "delete-snapshot-6f6e65").done()
	v.get("./app/testkit").has("There is no snapshot")
	for _, action := range []string{"app.reset", "snapshot.create", "snapshot.restore", "snapshot.delete"} {
		v.audited(action)
	}
}

// TestReader checks that a token of the scope read sees no form on any page of apps and of
// the server, and that a forged one is refused.
func TestReader(t *testing.T) {
	admin := newVisitor(t, rollcalltest.WithSettings(client.Settings{Quota: 77}))
	v := admin.as("reader", "read")
	before := v.app()
	pages := map[string][]string{
		"./app":                    {"change", "add-admin", "delete", "end-test"},
		"./app/settings":           {"set-quota", "reset-quota"},
		"./app/keys":               {"make", "add-secret", "retire-31"},
		"./app/rates":              nil,
		"./app/testkit":            {"clock-day", "reset", "take", "add-fault"},
		"/console/new-app":         {"create"},
		"/console/server":          {"reseal"},
		"/console/server/tokens":   {"create"},
		"/console/server/audit":    nil,
		"/console/server/backups":  {"create", "verify"},
		"/console/server/jobs":     nil,
		"/console/server/settings": nil,
	}
	for address, forms := range pages {
		p := v.get(address).ok().lacks(`name="_form"`)
		if address == "./app/settings" {
			p.has("<code>77\n</code>")
		}
		for _, lang := range []string{"zh", "en"} {
			v.post("/console/preferences", "lang", lang).done()
			v.get(address).ok().has(`<html lang="` + lang + `"`)
		}
		for _, form := range forms {
			confirm := v.id()
			if strings.HasPrefix(form, "retire") {
				confirm = before.Keys[0].Fingerprint
			}
			p := v.post(address, "_form", form, "_confirm", confirm, "bool:test", "false", "null:settings.quota", "null", "number:settings.quota", "1",
				"number:sdkappid", "5", "text:name", "n", "lines:scopes", "admin", "text:dir", t.TempDir()+"/x", "path:userid", "eve", "milliseconds:advance_ms", "1s", "secret:secret", "sssss")
			if p.status != http.StatusForbidden && p.status != http.StatusConflict { // conflict: the page has no such form at all
				t.Errorf("%s %s: status %d", address, form, p.status)
			}
		}
	}
	if after := v.app(); after.Version != before.Version {
		t.Errorf("the app has changed from %+v to %+v", before, after)
	}
}
