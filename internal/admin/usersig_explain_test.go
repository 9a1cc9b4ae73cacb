package admin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/auth"
	"rollcall/internal/store/mem"
	"rollcall/internal/testutil"
	"rollcall/usersig"
)

// explain explains a UserSig in app 1400000002.
func (b *bench) explain(sig, identifier string) adminapi.ExplainedSig {
	b.Helper()
	return ok[adminapi.ExplainedSig](b, 200, "POST", kitApp+"/usersig:explain", fmt.Sprintf(`{"usersig":%q,"identifier":%q}`, sig, identifier))
}

// sign makes a UserSig of app 1400000002 that was issued at a time.
func (b *bench) sign(key usersig.Key, identifier string, issued time.Time) string {
	b.Helper()
	sig, err := usersig.Sign(key, usersig.Claims{SDKAppID: 1400000002, Identifier: identifier, IssuedAt: issued, Validity: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	testutil.Secret(b, sig)
	return sig
}

// ecdsaKey returns a new key that signs version 1.
func ecdsaKey(t *testing.T) usersig.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := usersig.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestExplainUserSig compares explanations with the decisions of package auth.
func TestExplainUserSig(t *testing.T) {
	b := newBench(t, new(mem.Store))
	first := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true}`)
	second := ok[adminapi.CreatedKey](b, 201, "POST", kitApp+"/keys", "")
	b.secret(first.Secret)
	b.secret(second.Secret)
	ok[adminapi.Key](b, 200, "POST", kitApp+"/keys/1/retire", "")
	app, err := b.dir.App(t.Context(), 1400000002)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"alice", "kicked"} {
		ok[adminapi.Account](b, 201, "POST", kitApp+"/accounts", fmt.Sprintf(`{"userid":%q}`, id))
	}
	ok[adminapi.Account](b, 200, "POST", kitApp+"/accounts:kick", `{"userid":"kicked"}`)
	active, retired, strange := usersig.HMACKey(second.Secret), usersig.HMACKey(first.Secret), usersig.HMACKey(strings.Repeat("ab", 32))
	before := len(audit(b))
	for _, tt := range []struct {
		name, sig, identifier string
		step, why             string // of the first wrong step; "" if none is
		key                   string
	}{
		{"good", b.sign(active, "alice", now), "alice", "", "", "2"},
		{"an admin", b.sign(active, "administrator", now), "administrator", "", "", "2"},
		{"retired key", b.sign(retired, "alice", now), "alice", "signature", "key 1 of the app, which was retired", "1"},
		{"strange key", b.sign(strange, "alice", now), "alice", "signature", "", ""},
		{"version 1 without a key", b.sign(ecdsaKey(t), "alice", now), "alice", "signature", "no active key for version 1", ""},
		{"version 1 without a key, expired", b.sign(ecdsaKey(t), "alice", now.Add(-2*time.Hour)), "alice", "signature", "no active key for version 1", ""},
		{"expired", b.sign(active, "alice", now.Add(-2*time.Hour)), "alice", "expiry", "", "2"},
		{"expired with a retired key", b.sign(retired, "alice", now.Add(-2*time.Hour)), "alice", "expiry", "", "1"},
		{"other user", b.sign(active, "bob", now), "alice", "user", "", "2"},
		{"kicked", b.sign(active, "kicked", now.Add(-time.Minute)), "kicked", "kick", "", "2"},
		{"kicked, signed afterwards", b.sign(active, "kicked", now), "kicked", "", "", "2"},
		{"no UserSig", "nonsense", "alice", "zlib", "", ""},
	} {
		got := b.explain(tt.sig, tt.identifier)
		_, err := auth.New(b.dir).Identify(t.Context(), auth.Credentials{App: app, Identifier: account.UserID(tt.identifier), UserSig: tt.sig})
		want := 0
		if e, ok := errors.AsType[*usersig.Error](err); ok {
			want = e.Reason.Code()
		}
		if got.Code != want || (want == 0) != (tt.step == "") || (got.Info == "") != (want == 0) || (got.Advice == "") != (want == 0) {
			t.Errorf("%s: answer %d %q %q, want %d for %v", tt.name, got.Code, got.Info, got.Advice, want, err)
		}
		var step, why string
		for _, st := range got.Steps {
			if st.Status == "wrong" {
				step, why = st.Name, st.Why
				break
			}
		}
		if step != tt.step || !strings.Contains(why, tt.why) || got.KeyID != tt.key || len(got.Steps) != 8 {
			t.Errorf("%s: the step %q is wrong: %s; key %q; want %q, %s, %q", tt.name, step, why, got.KeyID, tt.step, tt.why, tt.key)
		}
		if got.Admin != (tt.identifier == "administrator") {
			t.Errorf("%s: admin %v", tt.name, got.Admin)
		}
	}
	if after := len(audit(b)); after != before {
		t.Errorf("%d entries in the audit trail, then %d", before, after)
	}
	b.problem(b.call("POST", "/admin/v1/apps/1400000009/usersig:explain", `{"usersig":"x"}`), "not-found")
	b.problem(b.call("POST", kitApp+"/usersig:explain", `{"usersig":"x","identifier":"@x"}`), "bad-request")
}

// TestExplainUserSigAnswer checks answers that depend on the settings of the app.
func TestExplainUserSigAnswer(t *testing.T) {
	b := newBench(t, new(mem.Store))
	made := ok[adminapi.CreatedApp](b, 201, "POST", "/admin/v1/apps", `{"sdkappid":1400000002,"test":true}`)
	b.secret(made.Secret)
	ok[adminapi.Account](b, 201, "POST", kitApp+"/accounts", `{"userid":"kicked"}`)
	ok[adminapi.Account](b, 200, "POST", kitApp+"/accounts:kick", `{"userid":"kicked"}`)
	key, strange := usersig.HMACKey(made.Secret), usersig.HMACKey(strings.Repeat("ab", 32))
	other, err := usersig.Sign(key, usersig.Claims{SDKAppID: 1400000009, Identifier: "a", IssuedAt: now, Validity: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, patch, sig string
		code             int
		info             string
	}{
		{"good, no identifier", `{"name":"x"}`, b.sign(key, "alice", now), 0, ""},
		{"empty", `{"name":"x"}`, "", 70002, ""},
		{"other app", `{"name":"x"}`, other, 70014, "SDKAppID(1400000002) does not match the Usersig(1400000009)"},
		{"kicked", `{"name":"x"}`, b.sign(key, "kicked", now.Add(-time.Minute)), 70052, ""},
		{"kicked as expired", `{"settings":{"kicked_as_expired":true}}`, b.sign(key, "kicked", now.Add(-time.Minute)), 70001, ""},
		{"any signature", `{"settings":{"any_signature":true}}`, b.sign(strange, "alice", now), 0, ""},
		{"any signature, expired", `{"settings":{"any_signature":true}}`, b.sign(strange, "alice", now.Add(-2*time.Hour)), 70001, ""},
		{"any signature of version 1, expired", `{"settings":{"any_signature":true}}`, b.sign(ecdsaKey(t), "alice", now.Add(-2*time.Hour)), 70001, ""},
		{"disabled", `{"disabled":true}`, b.sign(key, "alice", now), 60016, ""},
	} {
		ok[adminapi.App](b, 200, "PATCH", kitApp, tt.patch)
		if got := b.explain(tt.sig, ""); got.Code != tt.code || !strings.Contains(got.Info, tt.info) || (got.Advice == "") != (tt.code == 0) {
			t.Errorf("%s: %d %q %q, want %d %q", tt.name, got.Code, got.Info, got.Advice, tt.code, tt.info)
		}
	}
}
