package admin_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/directory"
	"rollcall/internal/store/mem"
)

func TestTokens(t *testing.T) {
	onEngines(t, func(b *bench) {
		r := b.call("POST", "/admin/v1/tokens", `{"name":"ci","scopes":["read"],"expires_at":"2027-01-01T00:00:00Z"}`)
		if r.status != 201 {
			b.Fatal(r.body)
		}
		list := ok[adminapi.TokenList](b, 200, "GET", "/admin/v1/tokens", "")
		var made adminapi.Token
		for _, token := range list.Tokens {
			if token.Name == "ci" {
				made = token
			}
		}
		_, text, _ := strings.Cut(r.body, `"secret":"`)
		text, _, _ = strings.Cut(text, `"`)
		b.secret(text)
		want := `{"token":{"id":"` + made.ID + `","name":"ci","scopes":["read"],"created_at":"2026-05-06T07:08:09.123Z",` +
			`"expires_at":"2027-01-01T00:00:00.000Z"},"secret":"` + text + `"}`
		if r.body != want || len(made.ID) != 8 || len(list.Tokens) != 4 {
			b.Errorf("%s\nwant %s", r.body, want)
		}
		use := request{method: "GET", path: "/admin/v1", token: text}
		if got := b.send(use); got.status != 200 {
			b.Errorf("using the token: %d %s", got.status, got.body)
		}
		if got := b.call("DELETE", "/admin/v1/tokens/"+made.ID, ""); got.status != 204 {
			b.Errorf("delete: %d %s", got.status, got.body)
		}
		b.problem(b.send(use), "unauthorized")
		b.problem(b.call("DELETE", "/admin/v1/tokens/"+made.ID, ""), "not-found")
		for _, body := range []string{
			``, `{"name":"x"}`, `{"scopes":["read"]}`, `{"name":"x","scopes":["root"]}`, `{"name":"serve","scopes":["read"]}`,
			`{"name":"x","scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}`, `{"name":"x","scopes":["read"],"expires_at":7}`,
		} {
			b.problem(b.call("POST", "/admin/v1/tokens", body), "bad-request")
		}
		if body := b.call("GET", "/admin/v1/tokens", "").body + b.call("GET", "/admin/v1/audit", "").body; strings.Contains(body, "rct_") || strings.Contains(body, "hash") {
			b.Error("a list shows the secret or the hash of a token")
		}
	})
}

// TestAudit makes one change of every kind. Each entry has the name of its token.
func TestAudit(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		b.createApp(1400000002)
		write := func(method, path, body string) {
			b.Helper()
			got := b.send(request{method: method, path: path, body: body, token: b.tokens[account.ScopeWrite]})
			if got.status/100 != 2 {
				b.Fatalf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
		write("PATCH", appPath, `{"name":"x","settings":{"quota":1}}`)
		write("PUT", appPath+"/admins/boss", "")
		write("DELETE", appPath+"/admins/administrator", "")
		write("POST", appPath+"/keys", `{"secret":"s"}`)
		write("POST", appPath+"/keys/1/retire", "")
		token := ok[adminapi.CreatedToken](b, 201, "POST", "/admin/v1/tokens", `{"name":"ci","scopes":["read"]}`)
		b.call("DELETE", "/admin/v1/tokens/"+token.Token.ID, "")
		b.call("DELETE", "/admin/v1/apps/1400000002", "")
		b.call("DELETE", appPath, "") // with the account administrator: refused
		want := []string{
			"token-admin app.delete 1400000002",
			"token-admin token.delete 0",
			"token-admin token.create 0",
			"token-write key.retire 1400000001",
			"token-write key.add 1400000001",
			"token-write admin.remove 1400000001",
			"token-write admin.add 1400000001",
			"token-write app.change 1400000001",
			"token-admin app.create 1400000002",
			"token-admin app.create 1400000001",
		}
		es := audit(b)
		if len(es) < len(want) {
			b.Fatalf("%d entries", len(es))
		}
		for i, e := range es[:len(want)] {
			if got := strings.Join([]string{e.Actor, e.Action, itoa(account.AppID(e.SDKAppID))}, " "); got != want[i] || e.Seq == 0 {
				b.Errorf("entry %d: %s, want %s", i, got, want[i])
			}
			if i > 0 && e.Seq >= es[i-1].Seq {
				b.Errorf("entry %d has the number %d after %d", i, e.Seq, es[i-1].Seq)
			}
		}
		b.auditPages(len(es))
	})
}

// auditPages reads the audit trail in pages, first that of all apps and then that of one.
func (b *bench) auditPages(all int) {
	b.Helper()
	for query, want := range map[string]int{
		"limit=3": all, "limit=1&sdkappid=1400000001": 6, "sdkappid=1400000009": 0,
		"limit=1&actor=token-write": 5, "actor=token-writ": 0, "action=key.": 2, "action=key": 0, "action=key.add": 1,
		"action=app.&actor=token-admin": 3, "limit=2&action=app.create&sdkappid=1400000001": 1,
	} {
		n := 0
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			p := ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?"+query+"&cursor="+cursor, "")
			n += len(p.Entries)
			cursor = p.NextCursor
		}
		if n != want {
			b.Errorf("%s: %d entries, want %d", query, n, want)
		}
	}
}

// TestAuditFilterIsBounded looks for an old entry among many. One page looks at a part of
// them only.
func TestAuditFilterIsBounded(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for range 10_500 {
		if err := b.dir.Record(t.Context(), "x", "noise", 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	const path = "/admin/v1/audit?action=app.create&cursor="
	first := ok[adminapi.AuditPage](b, 200, "GET", path, "")
	if len(first.Entries) != 0 || first.NextCursor == "" {
		t.Fatalf("the first page has %d entries and the cursor %q", len(first.Entries), first.NextCursor)
	}
	if next := ok[adminapi.AuditPage](b, 200, "GET", path+first.NextCursor, ""); len(next.Entries) != 1 || next.NextCursor != "" {
		t.Errorf("the next page: %+v", next)
	}
}

// TestUnavailable checks the response of a server whose store fails.
func TestUnavailable(t *testing.T) {
	b := newBench(t, failing{new(mem.Store)})
	got := b.call("GET", "/admin/v1", "")
	if p := b.problem(got, "internal"); got.status != 500 || strings.Contains(p.Detail, "pq:") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(b.log.String(), "pq: relation missing") {
		t.Error("the log lacks the cause")
	}
}

// A failing engine lists tokens, but no apps.
type failing struct{ *mem.Store }

func (f failing) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	if q.Kind == 2 {
		return f.Store.Records(ctx, q)
	}
	return account.RecordPage{}, &account.Error{Code: account.Internal, Err: errors.New("pq: relation missing")}
}

func itoa(id account.AppID) string { return strconv.FormatUint(uint64(id), 10) }

// TestTimesInRange sends times that cannot be stored unchanged.
func TestTimesInRange(t *testing.T) {
	b := newBench(t, new(mem.Store))
	b.createApp(1400000001)
	for _, at := range []string{
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.0005Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z",
	} {
		for path, body := range map[string]string{
			appPath + "/keys/1/retire": `{"at":"` + at + `"}`,
			"/admin/v1/tokens":         `{"name":"a","scopes":["read"],"expires_at":"` + at + `"}`,
		} {
			if p := b.problem(b.call("POST", path, body), "bad-request"); !strings.Contains(p.Detail, "1970 to 9999") {
				t.Errorf("%s: %s", at, p.Detail)
			}
		}
	}
}

// TestAuditTellsTokensApart makes changes with two tokens of the same name. The audit
// trail contains the id of each.
func TestAuditTellsTokensApart(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		var ids []string
		for range 2 {
			made := ok[adminapi.CreatedToken](b, 201, "POST", "/admin/v1/tokens", `{"name":"ci","scopes":["write"]}`)
			b.secret(made.Secret)
			ids = append(ids, made.Token.ID)
			r := b.send(request{method: "PATCH", path: appPath, body: `{"name":"x"}`, token: made.Secret})
			if r.status != 200 {
				b.Fatal(r.body)
			}
			if e := audit(b)[0]; e.Actor != "ci" || e.TokenID != made.Token.ID {
				b.Errorf("audit entry %+v, want that of token %s", e, made.Token.ID)
			}
			if !strings.Contains(b.log.String(), `"token_id":"`+made.Token.ID+`"`) {
				b.Errorf("the log does not name token %s", made.Token.ID)
			}
		}
		if ids[0] == ids[1] {
			b.Error("two tokens have the same id")
		}
		if err := b.dir.DropToken(directory.WithToken(b.Context(), ids[0]), "ci"); err != nil {
			b.Fatal(err)
		}
		if e := audit(b)[0]; e.Actor != directory.ServerActor || e.TokenID != "" {
			b.Errorf("audit entry of the server %+v", e)
		}
	})
}
