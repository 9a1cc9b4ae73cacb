package admin_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/usersig"
)

func TestSignUser(t *testing.T) {
	onEngines(t, func(b *bench) {
		const path = "/admin/v1/apps/1400000001/usersig"
		made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000001,"test":true}`)
		b.secret(made.Secret)
		for body, want := range map[string]struct {
			identifier string
			validity   time.Duration
		}{
			``:                                     {"administrator", 24 * time.Hour},
			`{"identifier":"alice"}`:               {"alice", 24 * time.Hour},
			`{"identifier":"bob","validity_s":60}`: {"bob", time.Minute},
		} {
			got := ok[adminapi.UserSig](b, 200, "POST", path, body)
			b.secret(got.UserSig)
			if string(got.Identifier) != want.identifier || got.SDKAppID != 1400000001 ||
				!got.ExpiresAt.Equal(now.Truncate(time.Second).Add(want.validity)) {
				b.Errorf("%s: app %d, %s until %v", body, got.SDKAppID, got.Identifier, got.ExpiresAt)
			}
			_, err := usersig.Verify(got.UserSig, usersig.Request{
				SDKAppID: 1400000001, Identifier: want.identifier, Now: now, Keys: []usersig.Key{usersig.HMACKey(made.Secret)},
			})
			if err != nil {
				b.Errorf("%s: %v", body, err)
			}
		}
		trail := ok[adminapi.AuditPage](b, 200, "GET", "/admin/v1/audit?sdkappid=1400000001&limit=1", "").Entries[0]
		if trail.Action != "usersig.make" || trail.Actor != "token-admin" || trail.Detail == "" {
			b.Errorf("audit: %+v", trail)
		}
		for _, body := range []string{`{"validity_s":59}`, `{"validity_s":15552001}`, `{"validity_s":-1}`, `{"identifier":"\n"}`, `{"user":"alice"}`} {
			b.problem(b.call("POST", path, body), "bad-request")
		}
		b.problem(b.send(request{method: "POST", path: path, token: b.tokens[account.ScopeWrite]}), "forbidden")
		b.problem(b.call("POST", "/admin/v1/apps/1400000002/usersig", ""), "not-found")
	})
}

// TestSignUserRefused checks that only a test app with an active HMAC key signs.
func TestSignUserRefused(t *testing.T) {
	onEngines(t, func(b *bench) {
		b.createApp(1400000001)
		test := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true}`)
		b.secret(test.Secret)
		ok[adminapi.Key](b, 200, "POST", "/admin/v1/apps/1400000002/keys/1/retire", "")
		before := len(audit(b))
		for _, app := range []int{1400000001, 1400000002} {
			b.problem(b.call("POST", fmt.Sprintf("/admin/v1/apps/%d/usersig", app), ""), "forbidden")
		}
		if after := len(audit(b)); after != before {
			b.Errorf("%d entries in the audit trail, then %d", before, after)
		}
	})
}
