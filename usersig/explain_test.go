package usersig

import (
	"compress/zlib"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcome formats the statuses of e as one letter for each step.
func outcome(e Explanation) string {
	letters := map[Status]string{OK: "o", Wrong: "W", NotChecked: "-"}
	var b strings.Builder
	for _, s := range e.Steps {
		b.WriteString(letters[s.Status])
	}
	return b.String()
}

func why(e Explanation, step string) string {
	for _, s := range e.Steps {
		if s.Name == step {
			return s.Why
		}
	}
	return ""
}

func TestExplain(t *testing.T) {
	p := newPEM(t, elliptic.P256())
	version1, err := Sign(mustPrivate(t, p), vectorClaims("administrator"))
	if err != nil {
		t.Fatal(err)
	}
	var (
		right  = []Key{HMACKey(vectorSecret)}
		wrong  = []Key{HMACKey("another secret")}
		public = []Key{mustPublic(t, p)}
	)
	tests := []struct {
		name, text string
		r          Request
		code       int
		outcome    string
		step, why  string // a part of the clause of that step
	}{
		{"valid", textV1, Request{vectorApp, "administrator", right, at(0)}, 0, "ooooooo-", "expiry", "valid until 2023-11-15T22:13:20Z"},
		{"valid version 1", version1, Request{vectorApp, "administrator", public, at(0)}, 0, "ooooooo-", "json", "version 1 (ECDSA)"},
		{"nothing known", textV1, Request{Now: at(0)}, 0, "ooo--o--", "app", "made for SDKAppID 1400000000"},
		{"version 1, no public key", version1, Request{vectorApp, "administrator", right, at(0)}, 0, "ooooo-o-", "signature", "no public key was given"},
		{"version 2, no secret key", textV1, Request{vectorApp, "administrator", public, at(0)}, 0, "oooooo--", "signature", "no secret key was given"},
		{"other key", textV1, Request{vectorApp, "administrator", wrong, at(0)}, 70009, "ooooooW-", "signature", "not signed with the key"},
		{"other public key", version1, Request{vectorApp, "administrator", []Key{mustPublic(t, newPEM(t, elliptic.P256()))}, at(0)}, 70009, "oooooWo-", "signature", "not signed with the key"},
		{"other app", textV1, Request{1, "administrator", right, at(0)}, 70014, "oooWooo-", "app", "made for SDKAppID 1400000000, not for 1"},
		{"other user", textV1, Request{vectorApp, "x", right, at(0)}, 70013, "ooooWoo-", "user", `made for the user "administrator", not for "x"`},
		{"expired", textV1, Request{vectorApp, "administrator", right, at(90000)}, 70001, "oooooWo-", "expiry", "expired 2023-11-15T22:13:20Z, and it is 2023-11-15T23:13:20Z"},
		{"all wrong", textV1, Request{1, "x", wrong, at(90000)}, 70014, "oooWWWW-", "expiry", "expired"},
		{"issued ahead", textV1, Request{vectorApp, "administrator", right, at(-60)}, 0, "ooooooo-", "expiry", "valid until 2023-11-15T22:13:20Z"},
		{"empty", "", Request{}, 70002, "W-------", "base64", "empty"},
		{"cut off", textV1[:100], Request{}, 70003, "oW------", "zlib", "cut off"},
		{"cut in a group", textV1[:101], Request{}, 70003, "W-------", "base64", "cut off"},
		{"zlib forgotten", base64.StdEncoding.EncodeToString([]byte(good)), Request{}, 70003, "oW------", "zlib", "zlib step was forgotten"},
		{"not a UserSig", envelop(t, "{}", 9), Request{}, 70003, "ooW-----", "json", "neither"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := Explain(test.text, test.r)
			if e.Code != test.code || outcome(e) != test.outcome {
				t.Errorf("code %d, outcome %s; want %d, %s", e.Code, outcome(e), test.code, test.outcome)
			}
			if got := why(e, test.step); !strings.Contains(got, test.why) {
				t.Errorf("%s: %q; want %q in it", test.step, got, test.why)
			}
			if (e.Sig != nil) != (e.Steps[2].Status == OK) {
				t.Errorf("Sig = %+v", e.Sig)
			}
		})
	}
}

func TestExplainJSON(t *testing.T) {
	got, err := json.MarshalIndent(Explain(textV1, Request{vectorApp, "x", []Key{HMACKey(vectorSecret)}, at(0)}), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
 "code": 70013,
 "sig": {
  "version": 2,
  "sdkappid": 1400000000,
  "identifier": "administrator",
  "time": 1700000000,
  "expire": 86400
 },
 "issued_at": "2023-11-14T22:13:20Z",
 "expires_at": "2023-11-15T22:13:20Z",
 "steps": [
  {
   "name": "base64",
   "status": "ok",
   "why": "256 characters"
  },
  {
   "name": "zlib",
   "status": "ok",
   "why": "191 bytes inflate to 175"
  },
  {
   "name": "json",
   "status": "ok",
   "why": "a UserSig of version 2 (HMAC-SHA256)"
  },
  {
   "name": "app",
   "status": "ok",
   "why": "made for SDKAppID 1400000000"
  },
  {
   "name": "user",
   "status": "wrong",
   "why": "made for the user \"administrator\", not for \"x\""
  },
  {
   "name": "expiry",
   "status": "ok",
   "why": "valid until 2023-11-15T22:13:20Z"
  },
  {
   "name": "signature",
   "status": "ok",
   "why": "signed with a key that was given"
  },
  {
   "name": "kick",
   "status": "not_checked",
   "why": "only the server knows when the account was kicked"
  }
 ]
}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestExplainStrangeTimes explains times that no calendar contains.
func TestExplainStrangeTimes(t *testing.T) {
	tests := []struct {
		time, expire, want string
		code               int
	}{
		{"9223372036854775807", "9223372036854775807", "valid until at second 9223372036854775807", 0},
		{"-9223372036854775808", "0", "its validity is 0 seconds", 70001},
		{"-9223372036854775808", "1", "expired at second -9223372036854775807", 70001},
		{"1700000000", "-9223372036854775808", "negative", 70001},
		{"-9223372036854775808", "-1", "negative", 70001},
		{"1700000000", "253402300799", "valid until at second 255102300799", 0},
	}
	for _, test := range tests {
		payload := strings.NewReplacer("1700000000", test.time, "86400", test.expire, "AAAA", sigV1).Replace(good)
		e := Explain(envelop(t, payload, zlib.DefaultCompression), Request{Now: at(0)})
		if got := why(e, "expiry"); e.Code != test.code || !strings.Contains(got, test.want) {
			t.Errorf("time %s, expire %s: code %d, %q; want %d, %q", test.time, test.expire, e.Code, got, test.code, test.want)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Errorf("time %s, expire %s: %v", test.time, test.expire, err)
		}
	}
}

func TestExplainNeverShowsKeys(t *testing.T) {
	for _, secret := range []string{vectorSecret, "open sesame"} {
		e := Explain(textV1, Request{vectorApp, "x", []Key{HMACKey(secret)}, time.Time{}})
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(b), fmt.Sprintf("%+v", e)} {
			if strings.Contains(text, secret) || strings.Contains(text, sigV1) {
				t.Errorf("the explanation shows a secret: %s", text)
			}
		}
	}
}
