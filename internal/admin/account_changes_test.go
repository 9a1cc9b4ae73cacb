package admin_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/store/mem"
)

// news returns the entries of the audit trail of the app after the first n, oldest first, as
// "action detail".
func (b *bench) news(n int) (entries []string) {
	b.Helper()
	all := ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?sdkappid=1400000001&limit=1000", "").Entries
	for _, e := range all[:len(all)-n] {
		if e.Actor != "token-admin" || e.TokenID == "" {
			b.Errorf("audit entry %+v", e)
		}
		entries = append([]string{e.Action + " " + e.Detail}, entries...)
	}
	return entries
}

// told compares the news of the audit trail.
func (b *bench) told(n int, want ...string) {
	b.Helper()
	if diff := cmp.Diff(want, b.news(n)); diff != "" {
		b.Errorf("audit trail (-want +got):\n%s", diff)
	}
}

func TestAddAccount(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		const path = appPath + "/accounts"
		const body = `{"userid":"a/b c","nick":"Ann","face_url":"http://x/y","profile":{"Tag_Profile_IM_Level":7,"Tag_Profile_IM_Gender":"Gender_Type_Female"}}`
		got := b.call("POST", path, body)
		want := `"nick":"Ann","face_url":"http://x/y",`
		if got.status != 201 || !strings.Contains(got.body, want) || !strings.Contains(got.body, `"profile":{"Tag_Profile_IM_Gender":"Gender_Type_Female","Tag_Profile_IM_Level":7}`) {
			b.Errorf("%d %s", got.status, got.body)
		}
		if read := b.call("GET", path+":get?userid=a%2Fb+c", "").body; read != got.body {
			b.Errorf("answer %s, then read %s", got.body, read)
		}
		if bare := ok[adminapi.Account](b, 201, "POST", path, `{"userid":"bob"}`); bare.Nick != "" || len(bare.Profile) != 0 {
			b.Errorf("bare account %+v", bare)
		}
		b.problem(b.call("POST", path, `{"userid":"a/b c","nick":"other"}`), "exists")
		if read := b.call("GET", path+":get?userid=a%2Fb+c", "").body; read != got.body {
			b.Errorf("a refused addition changed the account to %s", read)
		}
		b.told(1, "account.add a/b c", "account.add bob")
	})
}

// TestAddAccountRefused checks that a refused addition leaves neither an account nor an entry.
func TestAddAccountRefused(t *testing.T) {
	onEngines(t, func(b *bench) {
		made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000001,"edition":"pro","settings":{"quota":3,"allow_delete":true,"words":["bad"],"strict_ids":true}}`)
		b.secret(made.Secret)
		b.imports("gone", "one")
		ok[adminapi.DeletedAccounts](b, 200, "POST", appPath+"/accounts:delete", `{"userids":["gone"]}`)
		long := strings.Repeat("x", 501)
		for body, want := range map[string]struct{ slug, detail string }{
			``:                                     {"bad-request", ""},
			`{"userid":"@x"}`:                      {"bad-request", "reserved"},
			`{"userid":"a b"}`:                     {"bad-request", ""}, // strict
			`{"userid":"x","nik":"y"}`:             {"bad-request", "did you mean nick?"},
			`{"userid":"x","nick":"bad"}`:          {"bad-request", "Tag_Profile_IM_Nick holds a word"},
			`{"userid":"x","nick":"` + long + `"}`: {"bad-request", "longer than 500 bytes"},
			`{"userid":"x","face_url":7}`:          {"bad-request", "/face_url"},
			`{"userid":"x","nick":"a","profile":{"Tag_Profile_IM_Nick":"b"}}`:          {"bad-request", "the same"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Nope":"b"}}`:                     {"bad-request", "no such standard tag"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Level":"b"}}`:                    {"bad-request", "Tag_Profile_IM_Level takes an integer"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Level":-1}}`:                     {"bad-request", "Tag_Profile_IM_Level takes an integer"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Level":1.5}}`:                    {"bad-request", "Tag_Profile_IM_Level takes an integer"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Location":[]}}`:                  {"bad-request", "Tag_Profile_IM_Location takes a string"},
			`{"userid":"x","profile":{"Tag_Profile_IM_Gender":"Gender_Type_Unheard"}}`: {"bad-request", "takes one of"},
			`{"userid":"x","profile":null}`:                                            {"bad-request", "/profile"},
			`{"userid":"gone"}`:                                                        {"conflict", "again from 2026-08-04T07:08:09Z"},
		} {
			if p := b.problem(b.call("POST", appPath+"/accounts", body), want.slug); !strings.Contains(p.Detail, want.detail) {
				b.Errorf("%s: %s, want %q", body, p.Detail, want.detail)
			}
		}
		ok[adminapi.Account](b, 201, "POST", appPath+"/accounts", `{"userid":"three"}`)
		if p := b.problem(b.call("POST", appPath+"/accounts", `{"userid":"four"}`), "conflict"); !strings.Contains(p.Detail, "quota") {
			b.Errorf("over the quota: %s", p.Detail)
		}
		b.problem(b.call("POST", "/admin/v1/apps/1400000009/accounts", `{"userid":"a"}`), "not-found")
		if got := b.call("GET", appPath+"/accounts:count", "").body; got != `{"count":3}` {
			b.Errorf("count: %s", got)
		}
		b.told(1, "account.delete gone", "account.add three")
	})
}

func TestChangeAccount(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		b.imports("a/b c")
		for _, tt := range []struct{ path, body, want string }{
			{"/accounts/a%2Fb%20c", `{"nick":"Ann","profile":{"Tag_Profile_IM_Level":18446744073709551615}}`, ""},
			{"/accounts/a%2Fb%20c", `{"nick":"Ann","profile":{"Tag_Profile_IM_Level":4294967295,"Tag_Profile_IM_Gender":"Gender_Type_Male"}}`, `"nick":"Ann","face_url":"" {"Tag_Profile_IM_Gender":"Gender_Type_Male","Tag_Profile_IM_Level":4294967295}`},
			{"/accounts:change?userid=a%2Fb+c", `{"face_url":"u"}`, `"nick":"Ann","face_url":"u" {"Tag_Profile_IM_Gender":"Gender_Type_Male","Tag_Profile_IM_Level":4294967295}`},
			{"/accounts:change?userid=a%2Fb+c", `{"nick":"","profile":{"Tag_Profile_IM_Level":null,"Tag_Profile_IM_Gender":null}}`, `"nick":"","face_url":"u" {}`},
			{"/accounts:change?userid=a%2Fb+c", `{"profile":{"Tag_Profile_IM_Image":null,"Tag_Profile_IM_Role":0}}`, `"nick":"","face_url":"" {"Tag_Profile_IM_Role":0}`},
		} {
			got := b.call("PATCH", appPath+tt.path, tt.body)
			if tt.want == "" {
				b.problem(got, "bad-request")
				continue
			}
			names, profile, _ := strings.Cut(tt.want, " ")
			if got.status != 200 || !strings.Contains(got.body, names) || !strings.Contains(got.body, `"profile":`+profile+"}") {
				b.Errorf("%s %s: %d %s, want %s", tt.path, tt.body, got.status, got.body, tt.want)
			}
		}
		b.told(1,
			"account.change a/b c: Tag_Profile_IM_Nick, Tag_Profile_IM_Gender, Tag_Profile_IM_Level",
			"account.change a/b c: Tag_Profile_IM_Image",
			"account.change a/b c: Tag_Profile_IM_Nick, Tag_Profile_IM_Gender, Tag_Profile_IM_Level",
			"account.change a/b c: Tag_Profile_IM_Image, Tag_Profile_IM_Role")
	})
}

// TestChangeAccountRefused checks that a refused change changes nothing and has no entry.
func TestChangeAccountRefused(t *testing.T) {
	onEngines(t, func(b *bench) {
		made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000001,"settings":{"custom_tags":[{"key":"fixed","no_write":true}]}}`)
		b.secret(made.Secret)
		b.imports("alice")
		before := b.call("GET", appPath+"/accounts/alice", "").body
		for body, detail := range map[string]string{
			``:               "changes nothing",
			`{}`:             "changes nothing",
			`{"profile":{}}`: "changes nothing",
			`{"nick":"N","profile":{"Tag_Profile_Custom_fixed":"x"}}`:  "does not let admins write",
			`{"nick":"N","profile":{"Tag_Profile_Custom_fixed":null}}`: "does not let admins write",
			`{"nick":"N","profile":{"Tag_Profile_Custom_none":null}}`:  "no such tag",
		} {
			if p := b.problem(b.call("PATCH", appPath+"/accounts/alice", body), "bad-request"); !strings.Contains(p.Detail, detail) {
				b.Errorf("%s: %s, want %q", body, p.Detail, detail)
			}
		}
		if p := b.problem(b.call("PATCH", appPath+"/accounts/nobody", `{"nick":"N"}`), "not-found"); !strings.Contains(p.Detail, "no account") {
			b.Error(p.Detail)
		}
		b.problem(b.call("PATCH", appPath+"/accounts:change?userid=@x", `{"nick":"N"}`), "bad-request")
		b.problem(b.call("PATCH", appPath+"/accounts:change", `{"nick":"N"}`), "bad-request")
		b.problem(b.call("PATCH", "/admin/v1/apps/1400000009/accounts/alice", `{"nick":"N"}`), "not-found")
		if after := b.call("GET", appPath+"/accounts/alice", "").body; after != before {
			b.Errorf("%s became %s", before, after)
		}
		b.told(1)
	})
}

func TestDeleteAccounts(t *testing.T) {
	onEngines(t, func(b *bench) {
		made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000001}`)
		b.secret(made.Secret)
		var all []account.UserID
		for i := range 11 {
			all = append(all, account.UserID(fmt.Sprintf("u%02d", i)))
		}
		b.imports(append(all, "a", "b")...)
		const path = appPath + "/accounts:delete"
		got := b.call("POST", path, `{"userids":["a","nobody","@x","administrator","b","a"]}`)
		const none = `"code":"not-found","reason":"the app has no account with that UserID"}`
		want := `{"deleted":2,"results":[{"userid":"a"},{"userid":"nobody",` + none + `,{"userid":"@x","code":"bad-request","reason":"UserIDs that start with @ or #TOA# are reserved; choose another"},` +
			`{"userid":"administrator","code":"conflict","reason":"the account is an admin; take the role away first"},{"userid":"b"},{"userid":"a",` + none + `]}`
		if got.status != 200 || got.body != want {
			b.Errorf("%d %s\nwant %s", got.status, got.body, want)
		}
		ok[adminapi.DeletedAccounts](b, 200, "POST", path, `{"userids":["nobody"]}`)
		many := ok[adminapi.DeletedAccounts](b, 200, "POST", path, `{"userids":["u00","u01","u02","u03","u04","u05","u06","u07","u08","u09","u10"]}`)
		if many.Deleted != 11 {
			b.Errorf("deleted %+v", many)
		}
		b.told(1, `account.delete 2 accounts: "a", "b"`, `account.delete 11 accounts: "u00", "u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09", …`)
		if got := b.call("GET", appPath+"/accounts:count", "").body; got != `{"count":1}` {
			b.Errorf("count: %s", got)
		}
		b.problem(b.call("POST", path, `{"userids":[]}`), "bad-request")
		b.problem(b.call("POST", path, ``), "bad-request")
		b.problem(b.call("POST", path, `{"userids":["x"`+strings.Repeat(`,"x"`, 100)+`]}`), "too-large")
		b.problem(b.call("POST", "/admin/v1/apps/1400000009/accounts:delete", `{"userids":["x"]}`), "not-found")
	})
}

// TestDeletionOff checks that nothing is deleted in an app that does not allow it.
func TestDeletionOff(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	b.imports("a")
	if p := b.problem(b.call("POST", appPath+"/accounts:delete", `{"userids":["a"]}`), "conflict"); !strings.Contains(p.Detail, "allow_delete") {
		t.Error(p.Detail)
	}
	b.told(1)
}

func TestKickAccount(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		b.imports("a/b c")
		got := ok[adminapi.Account](b, 200, "POST", appPath+"/accounts:kick", `{"userid":"a/b c"}`)
		if !got.KickedAt.Equal(now.Truncate(time.Second)) {
			b.Errorf("kicked at %v", got.KickedAt)
		}
		b.problem(b.call("POST", appPath+"/accounts:kick", `{"userid":"nobody"}`), "not-found")
		b.problem(b.call("POST", appPath+"/accounts:kick", `{"userid":"@x"}`), "bad-request")
		b.problem(b.call("POST", appPath+"/accounts:kick", ``), "bad-request")
		b.problem(b.call("POST", "/admin/v1/apps/1400000009/accounts:kick", `{"userid":"a"}`), "not-found")
		b.told(1, "account.kick a/b c")
	})
}

// TestDeletedAccount reads accounts that were deleted.
func TestDeletedAccount(t *testing.T) {
	onEngines(t, func(b *bench) {
		made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000001,"edition":"pro","settings":{"allow_delete":true,"tombstone_days":7}}`)
		b.secret(made.Secret)
		b.imports("a/b")
		ok[adminapi.DeletedAccounts](b, 200, "POST", appPath+"/accounts:delete", `{"userids":["a/b"]}`)
		deleted := account.Millis(now)
		for _, path := range []string{"/accounts/a%2Fb", "/accounts:get?userid=a%2Fb"} {
			p := b.problemOf(b.call("GET", appPath+path, ""), "not-found")
			if !p.DeletedAt.Equal(deleted) || !p.TombstoneUntil.Equal(deleted.AddDate(0, 0, 7)) || !strings.Contains(p.Detail, "again from 2026-05-13T07:08:09Z") {
				b.Errorf("%s: %+v", path, p)
			}
		}
		ok[adminapi.App](b, 200, "PATCH", appPath, `{"settings":{"tombstone_days":-1}}`)
		if p := b.problemOf(b.call("GET", appPath+"/accounts/a%2Fb", ""), "not-found"); !p.DeletedAt.Equal(deleted) || !p.TombstoneUntil.IsZero() {
			b.Errorf("without a ban: %+v", p)
		}
		ok[adminapi.Account](b, 201, "POST", appPath+"/accounts", `{"userid":"a/b"}`)
		ok[adminapi.Account](b, 200, "GET", appPath+"/accounts/a%2Fb", "")
	})
}

// TestAddAccountOnce adds one account many times at the same moment. One call succeeds; the
// others change nothing and have no entry.
func TestAddAccountOnce(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		var wg sync.WaitGroup
		statuses := make([]int, 16)
		for i := range statuses {
			wg.Go(func() {
				got := b.call("POST", appPath+"/accounts", fmt.Sprintf(`{"userid":"a","nick":"n%d"}`, i))
				statuses[i] = got.status
			})
		}
		wg.Wait()
		a := ok[adminapi.Account](b, 200, "GET", appPath+"/accounts/a", "")
		for i, status := range statuses {
			want := 409
			if a.Nick == fmt.Sprintf("n%d", i) {
				want = 201
			}
			if status != want {
				b.Errorf("call %d: %d, and the nick is %s", i, status, a.Nick)
			}
		}
		b.told(1, "account.add a")
	})
}
