package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/store/mem"
)

func TestAccount(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		const app = account.AppID(1400000001)
		b.imports("a/b c")
		patch := account.Patch{ID: "a/b c", Kicked: 1_770_000_000, Fields: []account.Field{
			{Tag: account.TagNick, Value: account.Value{Text: "Anna <&>"}},
			{Tag: account.TagLevel, Value: account.Value{Number: 1<<64 - 1, IsNumber: true}},
			{Tag: account.TagGender, Value: account.Value{Text: "Gender_Type_Female"}},
		}}
		if _, err := b.engine.Update(b.Context(), app, []account.Patch{patch}, account.ChangePolicy{Now: now.Add(time.Second)}); err != nil {
			b.Fatal(err)
		}
		as, err := b.engine.Lookup(b.Context(), app, []account.UserID{"a/b c"})
		if err != nil {
			b.Fatal(err)
		}
		want := fmt.Sprintf(`{"userid":"a/b c","nick":"Anna <&>","face_url":"","internal_id":"%d",`+
			`"created_at":"2026-05-06T07:08:09.123Z","updated_at":"2026-05-06T07:08:10.123Z","kicked_at":"2026-02-02T02:40:00Z",`+
			`"profile":{"Tag_Profile_IM_Gender":"Gender_Type_Female","Tag_Profile_IM_Level":18446744073709551615}}`, as[0].InternalID)
		for _, path := range []string{"/accounts/a%2Fb%20c", "/accounts:get?userid=a%2Fb+c"} {
			if got := b.call("GET", appPath+path, "").body; got != want {
				b.Errorf("%s: %s\nwant %s", path, got, want)
			}
		}
		if got := b.call("GET", appPath+"/accounts?prefix=a%2F", "").body; got != `{"accounts":[`+want+`],"next_cursor":""}` {
			b.Errorf("list: %s", got)
		}
		b.problem(b.call("GET", appPath+"/accounts/nobody", ""), "not-found")
		b.problem(b.call("GET", "/admin/v1/apps/1400000009/accounts/nobody", ""), "not-found")
		b.problem(b.call("GET", appPath+"/accounts:get", ""), "bad-request")
		b.problem(b.call("GET", appPath+"/accounts:get?userid=@x", ""), "bad-request")
	})
}

// TestUnkick forgets a kick, with an entry in the audit trail.
func TestUnkick(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		const app = account.AppID(1400000001)
		b.imports("a/b c")
		if _, err := b.engine.Update(b.Context(), app, []account.Patch{{ID: "a/b c", Kicked: 1 << 40}}, account.ChangePolicy{Now: now}); err != nil {
			b.Fatal(err)
		}
		if got := ok[adminapi.Account](b, 200, "POST", appPath+"/accounts:unkick", `{"userid":"a/b c"}`); got.UserID != "a/b c" || !got.KickedAt.IsZero() {
			b.Errorf("unkicked %+v", got)
		}
		st, err := b.engine.Status(b.Context(), app, []account.UserID{"a/b c"})
		if err != nil || st[0].Kicked != account.Unkicked {
			b.Errorf("status %+v, %v", st, err)
		}
		trail := ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?limit=1", "").Entries
		if e := trail[0]; e.Action != "account.unkick" || e.SDKAppID != uint32(app) || e.Detail != "a/b c" {
			b.Errorf("audit entry %+v", e)
		}
		b.problem(b.call("POST", appPath+"/accounts:unkick", `{"userid":"nobody"}`), "not-found")
		b.problem(b.call("POST", appPath+"/accounts:unkick", `{"userid":"@x"}`), "bad-request")
		b.problem(b.call("POST", appPath+"/accounts:unkick", ``), "bad-request")
		b.problem(b.call("POST", "/admin/v1/apps/1400000009/accounts:unkick", `{"userid":"a"}`), "not-found")
		if n := len(ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit", "").Entries); b.Failed() || n != 5 {
			b.Errorf("%d audit entries, want 3 tokens, the app, one unkick", n)
		}
	})
}

// TestAccountPages walks through 2,500 accounts and the administrator.
func TestAccountPages(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		var want []account.UserID
		for i := range 25 {
			var batch []account.UserID
			for j := range 100 {
				batch = append(batch, account.UserID(fmt.Sprintf("user %04d", 100*i+j)))
			}
			b.imports(batch...)
			want = append(want, batch...)
		}
		want = append([]account.UserID{"administrator"}, want...)
		if got := b.call("GET", appPath+"/accounts:count", "").body; got != `{"count":2501}` {
			b.Errorf("count: %s", got)
		}
		for query, tt := range map[string]struct {
			pages int
			want  []account.UserID
		}{
			"":                                  {26, want},
			"&limit=1000":                       {3, want},
			"&limit=41":                         {61, want}, // the last page is full
			"&prefix=user+1":                    {10, want[1001:2001]},
			"&prefix=user+24&limit=7":           {15, want[2401:]},
			"&prefix=zebra":                     {1, nil},
			"&prefix=user+0001&limit=1":         {1, want[2:3]},
			"&prefix=user+000&limit=10":         {1, want[1:11]},
			"&prefix=administrator&limit=1000":  {1, want[:1]},
			"&prefix=administratorX&limit=1000": {1, nil},
		} {
			ids, pages := b.walk(query)
			if !slices.Equal(ids, tt.want) || pages != tt.pages {
				b.Errorf("%q: %d ids on %d pages, want %d on %d", query, len(ids), pages, len(tt.want), tt.pages)
			}
		}
	})
}

// walk reads all pages of a list.
func (b *bench) walk(query string) (ids []account.UserID, pages int) {
	b.Helper()
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		p := ok[adminapi.AccountPage](b, 200, "GET", appPath+"/accounts?cursor="+cursor+query, "")
		for _, a := range p.Accounts {
			ids = append(ids, account.UserID(a.UserID))
		}
		cursor = p.NextCursor
	}
	return ids, pages
}

func TestBadPages(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for _, query := range []string{
		"limit=0", "limit=-1", "limit=1001", "limit=x", "limit=", "cursor=%21", "cursor=YQ==", "prefx=a",
		"prefix=" + fmt.Sprintf("%033d", 0), "cursor=" + fmt.Sprintf("%050d", 0),
	} {
		b.problem(b.call("GET", appPath+"/accounts?"+query, ""), "bad-request")
	}
	b.problem(b.call("GET", "/admin/v1/apps?cursor=eA", ""), "bad-request") // "x"
	b.problem(b.call("GET", "/admin/v1/audit?cursor=eA", ""), "bad-request")
	b.problem(b.call("GET", "/admin/v1/audit?sdkappid=0", ""), "bad-request")
	for _, path := range []string{"/accounts", "/accounts:count"} {
		b.problem(b.call("GET", "/admin/v1/apps/1400000009"+path, ""), "not-found")
	}
}
