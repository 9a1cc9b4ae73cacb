package records_test

import (
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/store/mem"
)

// TestConvert converts values of format 4.
func TestConvert(t *testing.T) {
	v := newEnv(t, new(mem.Store))
	for _, old := range []struct {
		letter byte
		value  string
	}{
		{'w', `{"seq":1,"time":"2026-02-03T04:05:06.789Z","actor":"serve","action":"app.create","sdkappid":1400000001,"detail":"edition pro"}`},
		{'w', `{"seq":2,"time":"2026-02-03T04:05:06.789Z","actor":"serve","action":"token.create","sdkappid":0}`},
		{'p', `{"sdkappid":1400000001,"name":"old","edition":"pro","created":"2026-02-03T04:05:06.789Z","version":5,` +
			`"admins":["administrator"],"settings":{"gateway_not_admin":true},` +
			`"keys":[{"id":"1","kind":"hmac","secret":"of before sealing","created":"2026-02-03T04:05:06.789Z"}]}`},
		{'k', `{"id":"00000001","name":"a","hash":"6e1f64cf63d4a3bb8a1c9bbf1a6ee9eaa7ac6a0a9d54d1fa9fa6d3d5d0e0e3c1","scopes":["read"],"created":"2026-02-03T04:05:06.789Z"}`},
	} {
		ws, err := records.Convert(old.letter, []byte(old.value))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range ws {
			if !w.Append && w.If != account.AnyVersion {
				t.Errorf("a write of %q depends on a version", old.letter)
			}
		}
		if _, err := v.e.Commit(t.Context(), account.Commit{Writes: ws}); err != nil {
			t.Fatal(err)
		}
	}
	a := v.app(app)
	if a.Name != "old" || a.Version != 5 || a.Settings.NotAdmin != account.NotAdminGateway || a.Keys[0].Secret != "of before sealing" {
		t.Errorf("app %+v", a)
	}
	if ts := v.tokens(); len(ts) != 1 || ts[0].ID != "00000001" || !ts[0].Created.Equal(now) {
		t.Errorf("tokens %+v", ts)
	}
	v.code("DeleteToken", v.r.DeleteToken(t.Context(), "00000001", by("token.delete")), account.OK)
	all, of := v.audit(account.AuditQuery{Limit: 10}), v.audit(account.AuditQuery{App: app, Limit: 10})
	if len(all) != 3 || all[2].Seq != 1 || len(of) != 1 || of[0].Detail != "edition pro" {
		t.Errorf("trail %+v, of the app %+v", all, of)
	}
	for _, letter := range []byte{'p', 'k', 'w', 'x'} {
		if _, err := records.Convert(letter, []byte("{")); err == nil {
			t.Errorf("no error for half a value of %q", letter)
		}
	}
}
