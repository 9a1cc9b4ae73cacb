package client_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/client"
)

// An exchange is the expected request of a call of the admin API, and the response.
type exchange struct {
	request string // method, path with query, If-Match and body, as far as present
	status  int
	answer  string
}

// admin returns a client of a server that expects the given exchanges, in order.
func admin(t *testing.T, exchanges ...exchange) *client.AdminClient {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(exchanges) == 0 {
			t.Errorf("unexpected %s %s, %v", r.Method, r.URL, err)
			return
		}
		got := strings.Join(strings.Fields(r.Method+" "+r.RequestURI+" "+r.Header.Get("If-Match")+" "+string(body)), " ")
		e := exchanges[0]
		exchanges = exchanges[1:]
		if got != e.request || r.Header.Get("Authorization") != "Bearer rct_test" {
			t.Errorf("request %q with %q, want %q", got, r.Header.Get("Authorization"), e.request)
		}
		w.Header().Set("Content-Type", "application/json")
		if e.status > 299 {
			w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		}
		w.WriteHeader(e.status)
		fmt.Fprint(w, e.answer)
	}))
	c, err := client.NewAdmin(client.AdminOptions{BaseURL: srv.URL, Token: "rct_test", HTTPClient: srv.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.CloseIdleConnections()
		srv.Close()
		if len(exchanges) > 0 {
			t.Errorf("%d requests were not sent, the first %q", len(exchanges), exchanges[0].request)
		}
	})
	return c
}

// withoutProfile returns a without its profile, which cannot be compared.
func withoutProfile(a *client.AccountRecord) *client.AccountRecord {
	if a != nil {
		a.Profile = nil
	}
	return a
}

// TestDeletedAccount reads an account that was deleted.
func TestDeletedAccount(t *testing.T) {
	const answer = `{"code":"not-found","status":404,"deleted_at":"2026-01-02T03:04:05.006Z","tombstone_until":"2026-04-02T03:04:05.006Z"}`
	c := admin(t, exchange{"GET /admin/v1/apps/5/accounts:get?userid=a", 404, answer})
	_, err := c.Account(t.Context(), 5, "a")
	p, ok := errors.AsType[*client.Problem](err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	if !ok || p.Slug != client.SlugNotFound || !p.DeletedAt.Equal(at) || !p.TombstoneUntil.Equal(at.AddDate(0, 3, 0)) {
		t.Errorf("error %+v", err)
	}
}

// TestAdminCalls checks the request and the result of every method.
func TestAdminCalls(t *testing.T) {
	const (
		when     = "2026-01-02T03:04:05.006Z"
		appJSON  = `{"sdkappid":5,"name":"five","edition":"pro","created_at":"` + when + `","version":3,"admins":["administrator"],"settings":{"quota":9},"keys":[` + keyJSON + `]}`
		recordJS = `{"userid":"a/b","nick":"A","face_url":"","internal_id":"77","created_at":"` + when + `","updated_at":"` + when + `","profile":{"Tag_Profile_IM_Level":7}}`
	)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	key := client.Key{ID: "1", Kind: "hmac", CreatedAt: at, Fingerprint: "00112233"}
	app := &client.App{
		SDKAppID: 5, Name: "five", Edition: client.Pro, CreatedAt: at, Version: 3,
		Admins: []string{"administrator"}, Settings: client.Settings{Quota: 9}, Keys: []client.Key{key},
	}
	clock := &client.Clock{Now: at, OffsetMS: 5, Frozen: true}
	snap := &client.Snapshot{Name: "base", CreatedAt: at, Accounts: 2, Bytes: 99}
	record := &client.AccountRecord{UserID: "a/b", Nick: "A", InternalID: "77", CreatedAt: at, UpdatedAt: at}
	ctx := t.Context()
	tests := []struct {
		name string
		exchange
		call func(*client.AdminClient) (any, error)
		want any
	}{
		{
			"Info",
			exchange{"GET /admin/v1", 200, `{"version":"v1","store":"mem","apps":2}`},
			func(c *client.AdminClient) (any, error) { return c.Info(ctx) },
			&client.ServerInfo{Version: "v1", Store: "mem", Apps: 2},
		},
		{
			"CreateApp",
			exchange{`POST /admin/v1/apps {"sdkappid":5,"edition":"pro","settings":{"quota":9}}`, 201, `{"app":` + appJSON + `,"secret":"s"}`},
			func(c *client.AdminClient) (any, error) {
				return c.CreateApp(ctx, client.NewApp{SDKAppID: 5, Edition: client.Pro, Settings: client.Settings{Quota: 9}})
			},
			&client.CreatedApp{App: app, Secret: "s"},
		},
		{
			"App",
			exchange{"GET /admin/v1/apps/5", 200, appJSON},
			func(c *client.AdminClient) (any, error) { return c.App(ctx, 5) }, app,
		},
		{
			"UpdateApp",
			exchange{`PATCH /admin/v1/apps/5 "3" {"name":"","disabled":true,"settings":{"quota":null}}`, 200, appJSON},
			func(c *client.AdminClient) (any, error) {
				return c.UpdateApp(ctx, 5, client.AppPatch{Name: new(""), Disabled: new(true), Settings: map[string]any{"quota": nil}, Version: 3})
			},
			app,
		},
		{
			"DeleteApp",
			exchange{"DELETE /admin/v1/apps/5", 204, ""},
			func(c *client.AdminClient) (any, error) { return nil, c.DeleteApp(ctx, 5) }, nil,
		},
		{
			"AddKey",
			exchange{`POST /admin/v1/apps/5/keys {"secret":"s"}`, 201, `{"key":` + keyJSON + `}`},
			func(c *client.AdminClient) (any, error) { return c.AddKey(ctx, 5, client.NewKey{Secret: "s"}) },
			&client.AddedKey{Key: key},
		},
		{
			"RetireKey",
			exchange{`POST /admin/v1/apps/5/keys/1/retire {"at":"` + when + `"}`, 200, keyJSON},
			func(c *client.AdminClient) (any, error) { return c.RetireKey(ctx, 5, "1", at) }, &key,
		},
		{
			"RetireKey now",
			exchange{`POST /admin/v1/apps/5/keys/1/retire {}`, 200, keyJSON},
			func(c *client.AdminClient) (any, error) { return c.RetireKey(ctx, 5, "1", time.Time{}) }, &key,
		},
		{
			"AddAdmin",
			exchange{"PUT /admin/v1/apps/5/admins/a%2Fb%3F", 200, appJSON},
			func(c *client.AdminClient) (any, error) { return c.AddAdmin(ctx, 5, "a/b?") }, app,
		},
		{
			"RemoveAdmin",
			exchange{"DELETE /admin/v1/apps/5/admins/bob", 200, appJSON},
			func(c *client.AdminClient) (any, error) { return c.RemoveAdmin(ctx, 5, "bob") }, app,
		},
		{
			"CountAccounts",
			exchange{"GET /admin/v1/apps/5/accounts:count", 200, `{"count":12}`},
			func(c *client.AdminClient) (any, error) { return c.CountAccounts(ctx, 5) }, int64(12),
		},
		{
			"Account",
			exchange{"GET /admin/v1/apps/5/accounts:get?userid=a%2Fb", 200, recordJS},
			func(c *client.AdminClient) (any, error) {
				a, err := c.Account(ctx, 5, "a/b")
				if err == nil && string(a.Profile[client.TagLevel]) == "7" {
					a.Profile = nil
				}
				return a, err
			},
			record,
		},
		{
			"AddAccount",
			exchange{`POST /admin/v1/apps/5/accounts {"userid":"a/b","nick":"A","profile":{"Tag_Profile_IM_Level":7}}`, 201, recordJS},
			func(c *client.AdminClient) (any, error) {
				a, err := c.AddAccount(ctx, 5, client.NewAccount{UserID: "a/b", Nick: "A", Profile: map[string]any{client.TagLevel: 7}})
				return withoutProfile(a), err
			},
			record,
		},
		{
			"ChangeAccount",
			exchange{`PATCH /admin/v1/apps/5/accounts:change?userid=a%2Fb {"nick":"","profile":{"Tag_Profile_IM_Level":null}}`, 200, recordJS},
			func(c *client.AdminClient) (any, error) {
				a, err := c.ChangeAccount(ctx, 5, "a/b", client.AccountPatch{Nick: new(""), Profile: map[string]any{client.TagLevel: nil}})
				return withoutProfile(a), err
			},
			record,
		},
		{
			"DeleteAccounts",
			exchange{`POST /admin/v1/apps/5/accounts:delete {"userids":["a","b"]}`, 200, `{"deleted":1,"results":[{"userid":"a"},{"userid":"b","code":"not-found","reason":"r"}]}`},
			func(c *client.AdminClient) (any, error) { return c.DeleteAccounts(ctx, 5, "a", "b") },
			&client.DeletedAccounts{Deleted: 1, Results: []client.AccountResult{{UserID: "a"}, {UserID: "b", Code: client.SlugNotFound, Reason: "r"}}},
		},
		{
			"Kick",
			exchange{`POST /admin/v1/apps/5/accounts:kick {"userid":"a/b"}`, 200, recordJS},
			func(c *client.AdminClient) (any, error) {
				a, err := c.Kick(ctx, 5, "a/b")
				return withoutProfile(a), err
			},
			record,
		},
		{
			"ExplainUserSig",
			exchange{`POST /admin/v1/apps/5/usersig:explain {"usersig":"eJw","identifier":"a"}`, 200, `{"version":2,"sdkappid":5,"identifier":"b","admin":false,"steps":[{"name":"user","status":"wrong","why":"w"}],"code":70013,"info":"i","advice":"v"}`},
			func(c *client.AdminClient) (any, error) { return c.ExplainUserSig(ctx, 5, "eJw", "a") },
			&client.SigExplanation{Version: 2, SDKAppID: 5, Identifier: "b", Steps: []client.SigStep{{Name: "user", Status: "wrong", Why: "w"}}, Code: 70013, Info: "i", Advice: "v"},
		},
		{
			"Settings",
			exchange{`GET /admin/v1/settings`, 200, `{"settings":[{"key":"data","value":"/d","default":"x","source":"flag","place":"--data","takes":"a text","description":"D."}]}`},
			func(c *client.AdminClient) (any, error) { return c.Settings(ctx) },
			[]client.ServerSetting{{Key: "data", Value: "/d", Default: "x", Source: "flag", Place: "--data", Takes: "a text", Description: "D."}},
		},
		{
			"VerifyBackup",
			exchange{`POST /admin/v1/backup:verify {"dir":"/b"}`, 200, `{"dir":"/b","sound":false,"fault":"f"}`},
			func(c *client.AdminClient) (any, error) { return c.VerifyBackup(ctx, "/b") },
			&client.VerifiedBackup{Dir: "/b", Fault: "f"},
		},
		{
			"Tokens",
			exchange{"GET /admin/v1/tokens", 200, `{"tokens":[{"id":"0a","name":"ci","scopes":["read"],"created_at":"` + when + `"}]}`},
			func(c *client.AdminClient) (any, error) { return c.Tokens(ctx) },
			[]client.Token{{ID: "0a", Name: "ci", Scopes: []string{client.ScopeRead}, CreatedAt: at}},
		},
		{
			"CreateToken",
			exchange{`POST /admin/v1/tokens {"name":"ci","scopes":["read"],"expires_at":"` + when + `"}`, 201, `{"token":{"id":"0a","name":"ci"},"secret":"rct_x"}`},
			func(c *client.AdminClient) (any, error) {
				return c.CreateToken(ctx, client.NewToken{Name: "ci", Scopes: []string{client.ScopeRead}, ExpiresAt: at})
			},
			&client.CreatedToken{Token: client.Token{ID: "0a", Name: "ci"}, Secret: "rct_x"},
		},
		{
			"DeleteToken",
			exchange{"DELETE /admin/v1/tokens/0a", 204, ""},
			func(c *client.AdminClient) (any, error) { return nil, c.DeleteToken(ctx, "0a") }, nil,
		},
		{
			"Backup",
			exchange{`POST /admin/v1/backup {"dir":"/b"}`, 200, `{"dir":"/b","accounts":1,"apps":2,"bytes":3,"took_ms":4}`},
			func(c *client.AdminClient) (any, error) { return c.Backup(ctx, "/b") },
			&client.Backup{Dir: "/b", Accounts: 1, Apps: 2, Bytes: 3, TookMS: 4},
		},
		{
			"StoreBackup",
			exchange{`POST /admin/v1/backup {}`, 200, `{"repository":"/r","id":"20261128T150405Z","accounts":1,"apps":2,"bytes":3,"new_bytes":1,"took_ms":4}`},
			func(c *client.AdminClient) (any, error) { return c.StoreBackup(ctx) },
			&client.Backup{Repository: "/r", ID: "20261128T150405Z", Accounts: 1, Apps: 2, Bytes: 3, NewBytes: 1, TookMS: 4},
		},
		{
			"Backups",
			exchange{`GET /admin/v1/backups`, 200, `{"repository":"/r","backups":[{"id":"20261128T150405Z","fault":"f"}]}`},
			func(c *client.AdminClient) (any, error) { return c.Backups(ctx) },
			&client.StoredBackups{Repository: "/r", Backups: []client.StoredBackup{{ID: "20261128T150405Z", Fault: "f"}}},
		},
		{
			"ResealKeys",
			exchange{"POST /admin/v1/keys:reseal", 200, `{"resealed":6}`},
			func(c *client.AdminClient) (any, error) { return c.ResealKeys(ctx) }, 6,
		},
		{
			"Call",
			exchange{"GET /admin/v1/requests/A%2FB", 200, `{"seq":7,"request_id":"A/B","failures":[{"item":1,"userid":"bob","code":70398,"info":"i","advice":"a"}]}`},
			func(c *client.AdminClient) (any, error) { return c.Call(ctx, "A/B") },
			&client.CallRecord{Seq: 7, RequestID: "A/B", Failures: []client.CallFailure{{Item: 1, UserID: "bob", Code: 70398, Info: "i", Advice: "a"}}},
		},
		{
			"ClearCalls",
			exchange{"DELETE /admin/v1/apps/5/requests", 200, `{"cleared":6}`},
			func(c *client.AdminClient) (any, error) { return c.ClearCalls(ctx, 5) }, 6,
		},
		{
			"RateReport",
			exchange{"GET /admin/v1/apps/5/rate-report", 200, `{"commands":[],"seconds":[{"command":"kick","time":"` + when + `","limit":1,"calls":3,"refused":2}]}`},
			func(c *client.AdminClient) (any, error) {
				r, err := c.RateReport(ctx, 5)
				if err != nil {
					return nil, err
				}
				return fmt.Sprintf("%+v", r.Seconds), nil
			},
			"[{Command:kick Time:2026-01-02 03:04:05.006 +0000 UTC Limit:1 Calls:3 Refused:2}]",
		},
		{
			"Figures",
			exchange{"GET /admin/v1/apps/5/figures?last=7d", 200, `{"step_s":3600,"points":[{"time":"` + when + `","seconds":3600,"accounts":7,"calls":3,"codes":{"70107":1}}],"total":{"calls":3,"codes":{}}}`},
			func(c *client.AdminClient) (any, error) {
				f, err := c.Figures(ctx, 5, client.Last7Days)
				if err != nil {
					return nil, err
				}
				p := f.Points[0]
				return fmt.Sprint(f.StepS, f.Total.Calls, p.Time, *p.Accounts, p.Calls, p.Codes), nil
			},
			"3600 3 2026-01-02 03:04:05.006 +0000 UTC 7 3 map[70107:1]",
		},
		{
			"Status",
			exchange{"GET /admin/v1/status", 200, `{"ready":true,"store":"pebble","accounts":9,"disk":{"used_bytes":1,"free_bytes":2}}`},
			func(c *client.AdminClient) (any, error) { return c.Status(ctx) },
			&client.ServerStatus{Ready: true, Store: "pebble", Accounts: 9, Disk: &client.Disk{UsedBytes: 1, FreeBytes: 2}},
		},
		{
			"AddFault",
			exchange{`POST /admin/v1/apps/5/faults {"code":70500,"times":2}`, 201, `{"id":"1","fault":{"code":70500,"times":2}}`},
			func(c *client.AdminClient) (any, error) {
				return c.AddFault(ctx, 5, client.Fault{Code: 70500, Times: 2})
			},
			&client.ActiveFault{ID: "1", Fault: client.Fault{Code: 70500, Times: 2}},
		},
		{
			"Faults",
			exchange{"GET /admin/v1/apps/5/faults", 200, `{"faults":[{"id":"1","fault":{"cut":"middle"},"passed":3,"hit":4}]}`},
			func(c *client.AdminClient) (any, error) { return c.Faults(ctx, 5) },
			[]client.ActiveFault{{ID: "1", Fault: client.Fault{Cut: client.CutMiddle}, Passed: 3, Hit: 4}},
		},
		{
			"RemoveFault",
			exchange{"DELETE /admin/v1/apps/5/faults/1", 204, ""},
			func(c *client.AdminClient) (any, error) { return nil, c.RemoveFault(ctx, 5, "1") }, nil,
		},
		{
			"ClearFaults",
			exchange{"DELETE /admin/v1/apps/5/faults", 200, `{"cleared":2}`},
			func(c *client.AdminClient) (any, error) { return c.ClearFaults(ctx, 5) }, 2,
		},
		{
			"SignUser",
			exchange{`POST /admin/v1/apps/5/usersig {"identifier":"alice","validity_s":90}`, 200, `{"sdkappid":5,"identifier":"alice","usersig":"eJw","expires_at":"` + when + `"}`},
			func(c *client.AdminClient) (any, error) {
				return c.SignUser(ctx, 5, client.NewUserSig{Identifier: "alice", Validity: 90 * time.Second})
			},
			&client.UserSig{SDKAppID: 5, Identifier: "alice", UserSig: "eJw", ExpiresAt: at},
		},
		{
			"MakeCall",
			exchange{`POST /admin/v1/apps/5/call {"command":"kick","identifier":"boss","body":{"UserID":"alice"}}`, 200, `{"request_id":"AA","status":200,"body":"{}"}`},
			func(c *client.AdminClient) (any, error) {
				return c.MakeCall(ctx, 5, client.NewCall{Command: "kick", Identifier: "boss", Body: []byte(`{"UserID":"alice"}`)})
			},
			&client.MadeCall{RequestID: "AA", Status: 200, Body: "{}"},
		},
		{
			"SignUser by default",
			exchange{`POST /admin/v1/apps/5/usersig {}`, 200, `{"sdkappid":5,"usersig":"eJw"}`},
			func(c *client.AdminClient) (any, error) { return c.SignUser(ctx, 5, client.NewUserSig{}) },
			&client.UserSig{SDKAppID: 5, UserSig: "eJw"},
		},
		{
			"SignUser for a moment",
			exchange{`POST /admin/v1/apps/5/usersig {"validity_s":1}`, 200, `{}`},
			func(c *client.AdminClient) (any, error) {
				return c.SignUser(ctx, 5, client.NewUserSig{Validity: time.Millisecond})
			},
			&client.UserSig{},
		},
		{
			"Clock",
			exchange{"GET /admin/v1/apps/5/clock", 200, clockJSON},
			func(c *client.AdminClient) (any, error) { return c.Clock(ctx, 5) }, clock,
		},
		{
			"ChangeClock",
			exchange{`PATCH /admin/v1/apps/5/clock {"now":"` + when + `","advance_ms":1500,"frozen":true}`, 200, clockJSON},
			func(c *client.AdminClient) (any, error) {
				return c.ChangeClock(ctx, 5, client.ClockChange{Set: at, Advance: 1500 * time.Millisecond, Frozen: new(true)})
			},
			clock,
		},
		{
			"ResetClock",
			exchange{"DELETE /admin/v1/apps/5/clock", 200, clockJSON},
			func(c *client.AdminClient) (any, error) { return c.ResetClock(ctx, 5) }, clock,
		},
		{
			"ResetApp",
			exchange{"POST /admin/v1/apps/5/reset", 200, appJSON},
			func(c *client.AdminClient) (any, error) { return c.ResetApp(ctx, 5) }, app,
		},
		{
			"Snapshots",
			exchange{"GET /admin/v1/apps/5/snapshots", 200, `{"snapshots":[` + snapJSON + `]}`},
			func(c *client.AdminClient) (any, error) { return c.Snapshots(ctx, 5) },
			[]client.Snapshot{*snap},
		},
		{
			"TakeSnapshot",
			exchange{`POST /admin/v1/apps/5/snapshots {"name":"base"}`, 201, snapJSON},
			func(c *client.AdminClient) (any, error) { return c.TakeSnapshot(ctx, 5, "base") }, snap,
		},
		{
			"RestoreSnapshot",
			exchange{"POST /admin/v1/apps/5/snapshots/a%2Fb/restore", 200, appJSON},
			func(c *client.AdminClient) (any, error) { return c.RestoreSnapshot(ctx, 5, "a/b") }, app,
		},
		{
			"DeleteSnapshot",
			exchange{"DELETE /admin/v1/apps/5/snapshots/base", 204, ""},
			func(c *client.AdminClient) (any, error) { return nil, c.DeleteSnapshot(ctx, 5, "base") }, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.call(admin(t, tt.exchange))
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

const (
	clockJSON = `{"now":"2026-01-02T03:04:05.006Z","offset_ms":5,"frozen":true}`
	snapJSON  = `{"name":"base","created_at":"2026-01-02T03:04:05.006Z","accounts":2,"bytes":99}`
)

const keyJSON = `{"id":"1","kind":"hmac","created_at":"2026-01-02T03:04:05.006Z","fingerprint":"00112233"}`

// TestAdminLists checks that lists follow the cursor, stop when the caller stops, and end
// after an error.
func TestAdminLists(t *testing.T) {
	forbidden := exchange{"", 403, `{"type":"/docs/errors#forbidden","title":"Forbidden","status":403,"detail":"the token may only read","code":"forbidden"}`}
	failing := func(request string) exchange {
		e := forbidden
		e.request = request
		return e
	}
	ctx := t.Context()
	accounts := func(c *client.AdminClient) []string {
		return texts(c.Accounts(ctx, 5, client.AccountQuery{Prefix: "a&", PageSize: 2}), func(a *client.AccountRecord) string { return a.UserID })
	}
	apps := func(c *client.AdminClient) []string {
		return texts(c.Apps(ctx), func(a *client.App) string { return a.Name })
	}
	audit := func(c *client.AdminClient) []string {
		return texts(c.Audit(ctx, client.AuditQuery{SDKAppID: 5}), func(e *client.AuditEntry) string { return e.Action })
	}
	filtered := func(c *client.AdminClient) []string {
		return texts(c.Audit(ctx, client.AuditQuery{Actor: "a b", Action: "key."}), func(e *client.AuditEntry) string { return e.Action })
	}
	tests := []struct {
		name      string
		exchanges []exchange
		list      func(*client.AdminClient) []string
		want      []string
	}{
		{"two pages", []exchange{
			{"GET /admin/v1/apps/5/accounts?limit=2&prefix=a%26", 200, `{"accounts":[{"userid":"a&1"},{"userid":"a&2"}],"next_cursor":"x"}`},
			{"GET /admin/v1/apps/5/accounts?cursor=x&limit=2&prefix=a%26", 200, `{"accounts":[{"userid":"a&3"}],"next_cursor":""}`},
		}, accounts, []string{"a&1", "a&2", "a&3"}},
		{"an error in the middle", []exchange{
			{"GET /admin/v1/apps", 200, `{"apps":[{"name":"one"}],"next_cursor":"y"}`},
			failing("GET /admin/v1/apps?cursor=y"),
		}, apps, []string{"one", "GET /admin/v1/apps: 403 forbidden: the token may only read"}},
		{"the caller stops", []exchange{
			{"GET /admin/v1/audit?sdkappid=5", 200, `{"entries":[{"action":"key.add"},{"action":"stop"},{"action":"app.create"}],"next_cursor":"z"}`},
		}, audit, []string{"key.add", "stop"}},
		{"filters", []exchange{
			{"GET /admin/v1/audit?action=key.&actor=a+b", 200, `{"entries":[],"next_cursor":"z"}`},
			{"GET /admin/v1/audit?action=key.&actor=a+b&cursor=z", 200, `{"entries":[{"action":"key.add"}],"next_cursor":""}`},
		}, filtered, []string{"key.add"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.list(admin(t, tt.exchanges...))); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

// texts reads a list up to an item "stop", and includes the text of an error.
func texts[T any](list iter.Seq2[T, error], text func(T) string) []string {
	var all []string
	for item, err := range list {
		if err != nil {
			all = append(all, err.Error())
			continue
		}
		all = append(all, text(item))
		if all[len(all)-1] == "stop" {
			break
		}
	}
	return all
}

func TestProblem(t *testing.T) {
	const answer = `{"type":"/docs/errors#exists","title":"Exists","status":409,"detail":"the app exists; choose another number","code":"exists"}`
	c := admin(t, exchange{`POST /admin/v1/apps {"sdkappid":5}`, 409, answer})
	_, err := c.CreateApp(t.Context(), client.NewApp{SDKAppID: 5})
	p, ok := errors.AsType[*client.Problem](err)
	want := &client.Problem{
		Op: "POST /admin/v1/apps", Status: 409, Slug: client.SlugExists, Title: "Exists",
		Detail: "the app exists; choose another number", Type: "/docs/errors#exists",
	}
	if diff := cmp.Diff(want, p); !ok || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestNoAdminAPI calls servers without the admin API. The error is a TransportError, not
// a Problem.
func TestNoAdminAPI(t *testing.T) {
	for status, text := range map[int]string{200: "<html>", 404: "nothing here"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		}))
		defer srv.Close()
		c, err := client.NewAdmin(client.AdminOptions{BaseURL: srv.URL, Token: "t", HTTPClient: srv.Client()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Info(t.Context())
		if e, ok := errors.AsType[*client.TransportError](err); !ok || e.Status != status {
			t.Errorf("%d %s: %v, want a TransportError", status, text, err)
		}
	}
}

// TestAdminRetries calls a server that is unavailable. The client retries a call that
// reads, but no other call.
func TestAdminRetries(t *testing.T) {
	const busy = `{"title":"Unavailable","status":503,"detail":"later","code":"unavailable"}`
	c := admin(t,
		exchange{"GET /admin/v1", 503, busy},
		exchange{"GET /admin/v1", 200, `{"version":"v1"}`},
		exchange{"POST /admin/v1/keys:reseal", 503, busy},
	)
	if info, err := c.Info(t.Context()); err != nil || info.Version != "v1" {
		t.Errorf("Info: %v, %v", info, err)
	}
	_, err := c.ResealKeys(t.Context())
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Slug != client.SlugUnavailable {
		t.Errorf("ResealKeys: %v, want a Problem", err)
	}
}

// TestCalls checks the requests and the order of each way to list calls.
func TestCalls(t *testing.T) {
	const first, second = `{"calls":[{"seq":4,"request_id":"D"},{"seq":3,"request_id":"C"}],"last":9}`, `{"calls":[{"seq":10,"request_id":"E"}],"last":10}`
	kicks := client.CallQuery{Command: "kick", Code: new(70107), Bodies: true}
	newest := client.CallQuery{Newest: 2}
	follow := client.CallQuery{Newest: 2, Follow: true}
	for name, test := range map[string]struct {
		app       uint32
		query     client.CallQuery
		exchanges []exchange
		want      string
	}{
		"all": {5, kicks, []exchange{
			{"GET /admin/v1/apps/5/requests?after=0&bodies=true&code=70107&command=kick", 200, second},
			{"GET /admin/v1/apps/5/requests?after=10&bodies=true&code=70107&command=kick", 200, `{"calls":[],"last":10}`},
		}, "E"},
		"newest": {0, newest, []exchange{{"GET /admin/v1/requests?limit=2", 200, first}}, "CD"},
		"follow": {5, follow, []exchange{
			{"GET /admin/v1/apps/5/requests?limit=2", 200, first},
			{"GET /admin/v1/apps/5/requests?after=9&wait=15", 200, `{"calls":[],"last":9}`},
			{"GET /admin/v1/apps/5/requests?after=9&wait=15", 200, second},
		}, "CDE"},
	} {
		t.Run(name, func(t *testing.T) {
			var ids []string
			for call, err := range admin(t, test.exchanges...).Calls(t.Context(), test.app, test.query) {
				if err != nil {
					t.Fatal(err)
				}
				if ids = append(ids, call.RequestID); len(ids) == len(test.want) && test.query.Follow {
					break
				}
			}
			if got := strings.Join(ids, ""); got != test.want {
				t.Errorf("calls %s, want %s", got, test.want)
			}
		})
	}
}
