package usersig

import (
	"compress/zlib"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/internal/testutil"
)

func TestVerifyVectors(t *testing.T) {
	for _, v := range vectorTexts {
		t.Run(v.name, func(t *testing.T) {
			got, err := Verify(v.text, vectorRequest(v.identifier))
			if err != nil {
				t.Fatal(err)
			}
			want := &Sig{
				Version: 2, SDKAppID: vectorApp, Identifier: v.identifier,
				IssuedAt: vectorTime, Expire: v.expire,
			}
			if v.userBuf != "" {
				want.UserBuf = unbase64(t, v.userBuf)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Sig{})); diff != "" {
				t.Errorf("Sig (-want +got):\n%s", diff)
			}
		})
	}
}

// TestVerifyLibraries builds by hand what the libraries write that are not in
// the vectors.
func TestVerifyLibraries(t *testing.T) {
	const (
		v1 = `"TLS.sdkappid":1400000000,"TLS.expire":86400,"TLS.time":1700000000,"TLS.sig":"` + sigV1 + `"}`
		v6 = `"TLS.sdkappid": 1400000000, "TLS.expire": 86400, "TLS.time": 1700000000, "TLS.sig": "` + sigV6 + `"}`
	)
	tests := []struct {
		name, identifier, payload string
		level                     int
	}{
		{"Go before 1.4, sorted keys", "administrator", `{"TLS.expire":86400,"TLS.identifier":"administrator","TLS.sdkappid":1400000000,` +
			`"TLS.sig":"` + sigV1 + `","TLS.time":1700000000,"TLS.ver":"2.0"}`, zlib.DefaultCompression},
		{"Go, line feed at the end", "administrator", `{"TLS.ver":"2.0","TLS.identifier":"administrator",` + v1 + "\n", zlib.NoCompression},
		{"Node, time before expire", "administrator", `{"TLS.ver":"2.0","TLS.identifier":"administrator","TLS.sdkappid":1400000000,` +
			`"TLS.time":1700000000,"TLS.expire":86400,"TLS.sig":"` + sigV1 + `"}`, zlib.DefaultCompression},
		{"Node, raw UTF-8", idV6, `{"TLS.ver":"2.0","TLS.identifier":"a<b>&c\"\\用户",` + v6, zlib.DefaultCompression},
		{"Python, spaces and escapes", idV6, `{"TLS.ver": "2.0", "TLS.identifier": "a<b>&c\"\\\u7528\u6237", ` + v6, zlib.DefaultCompression},
		{"PHP, escaped slashes", "administrator", `{"TLS.ver":"2.0","TLS.identifier":"administrator",` +
			strings.ReplaceAll(v1, "/", `\/`), zlib.DefaultCompression},
		{"C#, userbuf after sig", "xiaojun", `{"TLS.ver":"2.0","TLS.identifier":"xiaojun","TLS.sdkappid":1400000000,` +
			`"TLS.expire":15552000,"TLS.time":1700000000,"TLS.sig":"` + sigV3 + `","TLS.userbuf":"YWJj"}`, zlib.DefaultCompression},
		{"C++, best speed", "xiaojun", `{"TLS.ver":"2.0","TLS.sdkappid":1400000000,"TLS.identifier":"xiaojun",` +
			`"TLS.time":1700000000,"TLS.expire":15552000,"TLS.userbuf":"YWJj","TLS.sig":"` + sigV3 + `"}`, zlib.BestSpeed},
		{"Java, any order", "administrator", `{"TLS.sig":"` + sigV1 + `","TLS.time":1700000000,"TLS.ver":"2.0",` +
			`"TLS.identifier":"administrator","TLS.expire":86400,"TLS.sdkappid":1400000000}`, zlib.DefaultCompression},
		{"unknown and null members", "administrator", ` {"x":true,"TLS.userbuf":null,"TLS.ver":"2.0","TLS.identifier":"administrator",` + v1, zlib.BestCompression},
		{"escaped name", "administrator", `{"TLS\u002ever":"2.0","TLS.identifier":"administrator",` + v1, zlib.DefaultCompression},
		{"room permit in a string room", "xiaojun", `{"TLS.ver":"2.0","TLS.identifier":"xiaojun","TLS.sdkappid":1400000000,` +
			`"TLS.expire":15552000,"TLS.time":1700000000,"TLS.userbuf":"AQAHeGlhb2p1blNyTgAAAAAAZkE/AAAAAP8AAAAAAAoxMDAwMDAwMDQw","TLS.sig":"` + sigV5 + `"}`, zlib.DefaultCompression},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Verify(envelop(t, test.payload, test.level), vectorRequest(test.identifier)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyPlainBase64(t *testing.T) {
	text := strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(textV1)
	if text == textV1 {
		t.Fatal("the vector has no letter to replace")
	}
	if _, err := Verify(text, vectorRequest("administrator")); err != nil {
		t.Error(err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	right, wrong := HMACKey(vectorSecret), HMACKey("another secret")
	tests := []struct {
		name   string
		change func(*Request)
		want   error
	}{
		{"right", func(r *Request) {}, nil},
		{"last valid second", func(r *Request) { r.Now = at(86400) }, nil},
		{"last instant of that second", func(r *Request) { r.Now = at(86400).Add(time.Second - 1) }, nil},
		{"a second later", func(r *Request) { r.Now = at(86401) }, &Error{Reason: Expired}},
		{"issued a year ahead", func(r *Request) { r.Now = at(-365 * 86400) }, nil},
		{"real time", func(r *Request) { r.Now = time.Time{} }, &Error{Reason: Expired}},
		{"id in other case", func(r *Request) { r.Identifier = "Administrator" }, &Error{Reason: OtherUser}},
		{"next app", func(r *Request) { r.SDKAppID++ }, &Error{Reason: OtherApp}},
		{"wrong key", func(r *Request) { r.Keys = []Key{wrong} }, &Error{Reason: BadSignature}},
		{"no key", func(r *Request) { r.Keys = nil }, &Error{Reason: BadSignature}},
		{"zero key", func(r *Request) { r.Keys = []Key{{}, HMACKey("")} }, &Error{Reason: BadSignature}},
		{"right key last", func(r *Request) { r.Keys = []Key{{}, wrong, mustPublic(t, newPEM(t, elliptic.P256())), right} }, nil},
		{"right key first", func(r *Request) { r.Keys = []Key{right, wrong} }, nil},
		{"app before user", func(r *Request) { r.SDKAppID, r.Identifier = 1, "x" }, &Error{Reason: OtherApp}},
		{"user before signature", func(r *Request) { r.Identifier, r.Keys = "x", nil }, &Error{Reason: OtherUser}},
		{"time before signature", func(r *Request) { r.Now, r.Keys = at(1e9), []Key{wrong} }, &Error{Reason: Expired}},
		{"user before time", func(r *Request) { r.Now, r.Identifier = at(1e9), "x" }, &Error{Reason: OtherUser}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := vectorRequest("administrator")
			test.change(&r)
			s, err := Verify(textV1, r)
			if !sameReason(err, test.want) {
				t.Fatalf("Verify = %v; want %v", err, test.want)
			}
			if (s == nil) != (err != nil) {
				t.Errorf("Verify = %v, %v; want one of them", s, err)
			}
			// The explanation must come to the same end.
			if e := Explain(textV1, r); len(r.Keys) > 0 && r.Keys[0] != (Key{}) && e.Code != codeOf(err) {
				t.Errorf("Explain code = %d; Verify: %v", e.Code, err)
			}
		})
	}
}

// TestVerifyOrderOfVersion1 verifies a UserSig that is expired and signed with
// another key. Version 1 checks the signature first.
func TestVerifyOrderOfVersion1(t *testing.T) {
	p, other := newPEM(t, elliptic.P256()), newPEM(t, elliptic.P256())
	text, err := Sign(mustPrivate(t, p), vectorClaims("administrator"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key  Key
		want Reason
	}{{mustPublic(t, p), Expired}, {mustPublic(t, other), BadSignature}} {
		r := Request{SDKAppID: vectorApp, Identifier: "administrator", Keys: []Key{test.key}, Now: at(1e9)}
		if _, err := Verify(text, r); !sameReason(err, &Error{Reason: test.want}) {
			t.Errorf("Verify = %v; want %v", err, test.want)
		}
		if e := Explain(text, r); e.Code != test.want.Code() {
			t.Errorf("Explain code = %d; want %d", e.Code, test.want.Code())
		}
	}
}

// TestVerifyConcurrently shares one key between goroutines, for the race
// detector.
func TestVerifyConcurrently(t *testing.T) {
	key := HMACKey(vectorSecret)
	var wg sync.WaitGroup
	for _, v := range vectorTexts {
		r := Request{vectorApp, v.identifier, []Key{key}, at(0)}
		wg.Go(func() {
			for range 50 {
				if _, err := Verify(v.text, r); err != nil {
					t.Errorf("%s: %v", v.name, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestVerifyAltered changes fields and keeps the signature.
func TestVerifyAltered(t *testing.T) {
	const payload = `{"TLS.ver":"2.0","TLS.identifier":"xiaojun","TLS.sdkappid":1400000000,` +
		`"TLS.expire":15552000,"TLS.time":1700000000,"TLS.userbuf":"YWJj","TLS.sig":"` + sigV3 + `"}`
	for _, change := range [][2]string{
		{"", ""},
		{`"TLS.expire":15552000`, `"TLS.expire":15552001`},
		{`"TLS.time":1700000000`, `"TLS.time":1700000001`},
		{`"YWJj"`, `"YWJk"`},
		{`"YWJj"`, `""`},
		{`"TLS.userbuf":"YWJj",`, ``},
		{sigV3, sigV2},
		{sigV3, ""},
		{sigV3, "?"},
		{sigV3, base64.StdEncoding.EncodeToString(unbase64(t, sigV3)[:16])},
	} {
		text := envelop(t, strings.Replace(payload, change[0], change[1], 1), zlib.DefaultCompression)
		_, err := Verify(text, vectorRequest("xiaojun"))
		if want := change[0] != ""; (err != nil) != want || (want && !sameReason(err, &Error{Reason: BadSignature})) {
			t.Errorf("%q for %q: Verify = %v", change[1], change[0], err)
		}
	}
}

// TestUserBufAsWritten signs userbufs that are not plain base64. The signature
// covers the text, whatever it contains.
func TestUserBufAsWritten(t *testing.T) {
	for text, decoded := range map[string]string{
		`YWJj`: "abc", `YWJj\n`: "abc", `YW\r\nJj`: "abc", `YWJ=`: "ab", `{\"room\":1}`: "", `用户`: "", ``: "",
	} {
		var plain string
		if err := json.Unmarshal([]byte(`"`+text+`"`), &plain); err != nil {
			t.Fatal(err)
		}
		lines := "TLS.identifier:u\nTLS.sdkappid:1400000000\nTLS.time:1700000000\nTLS.expire:86400\nTLS.userbuf:" + plain + "\n"
		sig := base64.StdEncoding.EncodeToString(sumSHA256(vectorSecret, []byte(lines)))
		payload := strings.Replace(good, `"TLS.sig":"AAAA"`, `"TLS.userbuf":"`+text+`","TLS.sig":"`+sig+`"`, 1)
		s, err := Verify(envelop(t, payload, zlib.DefaultCompression), vectorRequest("u"))
		if err != nil || string(s.UserBuf) != decoded {
			t.Errorf("%q: Verify = %+v, %v", plain, s, err)
		}
	}
}

// TestVersionsApart signs each version with the method of the other. A key of
// one version must never verify the other.
func TestVersionsApart(t *testing.T) {
	p := newPEM(t, elliptic.P256())
	private, secret := mustPrivate(t, p), HMACKey(vectorSecret)
	for _, test := range []struct {
		version int
		key     Key
	}{{1, secret}, {2, private}} {
		s, err := vectorClaims("u").sig(test.version)
		if err != nil {
			t.Fatal(err)
		}
		if s.mac, err = test.key.sign(s); err != nil {
			t.Fatal(err)
		}
		payload, err := s.payload()
		if err != nil {
			t.Fatal(err)
		}
		r := vectorRequest("u")
		r.Keys = []Key{secret, private, mustPublic(t, p)}
		_, err = Verify(envelop(t, string(payload), zlib.DefaultCompression), r)
		if !sameReason(err, &Error{Reason: BadSignature}) {
			t.Errorf("version %d signed with %v: Verify = %v", test.version, test.key, err)
		}
	}
}

// TestNoForgeryByLines uses a genuine signature over an identifier of several
// lines, which a careless signer might create, with the lines as fields. Each such
// UserSig must be refused.
func TestNoForgeryByLines(t *testing.T) {
	const rest = "\nTLS.sdkappid:1400000000\nTLS.time:1700000000\nTLS.expire:86400\n"
	k := HMACKey(vectorSecret)
	signed := &Sig{
		Version: 2, SDKAppID: vectorApp, IssuedAt: vectorTime, Expire: 86400,
		Identifier: "administrator" + rest + "TLS.userbuf:x",
	}
	sig := base64.StdEncoding.EncodeToString(k.hmac.sum(signed))
	forged := `{"TLS.ver":"2.0","TLS.identifier":"administrator","TLS.sdkappid":1400000000,"TLS.time":1700000000,` +
		`"TLS.expire":86400,"TLS.userbuf":"x` + strings.ReplaceAll(strings.TrimSuffix(rest, "\n"), "\n", `\n`) + `","TLS.sig":"` + sig + `"}`
	_, err := Verify(envelop(t, forged, zlib.DefaultCompression), vectorRequest("administrator"))
	if !sameReason(err, &Error{Reason: Malformed}) {
		t.Errorf("Verify = %v; want malformed", err)
	}
	if _, err := Sign(k, Claims{SDKAppID: vectorApp, Identifier: signed.Identifier}); err == nil {
		t.Error("Sign accepts an identifier of several lines")
	}
}

func TestExpired(t *testing.T) {
	tests := []struct {
		issued, expire int64
		now            int64
		want           bool
	}{
		{100, 10, 110, false},
		{100, 10, 111, true},
		{100, 0, 100, false},
		{100, 0, 101, true},
		{100, -1, 0, true},
		{1000, -1, 1, true},
		{-100, 50, -50, false},
		{-100, 50, 0, true},
		{math.MaxInt64, 1, 100, false},
		{1, math.MaxInt64, 100, false},
		{math.MinInt64, 1, 100, true},
		{math.MinInt64, math.MinInt64, 100, true},
		{math.MinInt64, math.MaxInt64, 0, true},
	}
	for _, test := range tests {
		s := &Sig{IssuedAt: test.issued, Expire: test.expire}
		now := time.Unix(test.now, 0)
		if got := s.Expired(now); got != test.want {
			t.Errorf("issued %d, expire %d, now %d: Expired = %v", test.issued, test.expire, test.now, got)
		}
		if err := s.Check(0, "", now); (err != nil) != test.want {
			t.Errorf("issued %d, expire %d, now %d: Check = %v", test.issued, test.expire, test.now, err)
		}
	}
}

// TestCheck is the way of a caller that accepts any signature.
func TestCheck(t *testing.T) {
	const payload = `{"TLS.ver":"2.0","TLS.identifier":"administrator","TLS.sdkappid":1400000000,` +
		`"TLS.expire":86400,"TLS.time":1700000000,"TLS.sig":"not even base64"}`
	s, err := Parse(envelop(t, payload, zlib.DefaultCompression))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		app  uint32
		user string
		now  time.Time
		want error
	}{
		{vectorApp, "administrator", at(86400), nil},
		{1, "x", at(86401), &Error{Reason: OtherApp}},
		{vectorApp, "x", at(86401), &Error{Reason: OtherUser}},
		{vectorApp, "administrator", at(86401), &Error{Reason: Expired}},
	}
	for _, test := range tests {
		if err := s.Check(test.app, test.user, test.now); !sameReason(err, test.want) {
			t.Errorf("Check(%d, %q, %v) = %v; want %v", test.app, test.user, test.now, err, test.want)
		}
	}
}

func TestReasonCodes(t *testing.T) {
	want := map[Reason]int{Malformed: 70003, OtherApp: 70014, OtherUser: 70013, BadSignature: 70009, Expired: 70001, Kicked: 70052}
	for r := range numReasons {
		if r.Code() != want[r] || r.String() == "" {
			t.Errorf("%v: code %d; want %d", r, r.Code(), want[r])
		}
	}
}

func sameReason(got, want error) bool {
	if got == nil || want == nil {
		return got == want
	}
	g, ok := errors.AsType[*Error](got)
	w, _ := errors.AsType[*Error](want)
	return ok && g.Reason == w.Reason && g.Detail != ""
}

func codeOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason.Code()
	}
	return 0
}

// TestVerifyAllocs bounds the garbage of a verification: the Sig, its identifier
// and its signature, and a checksum inside of package zlib.
func TestVerifyAllocs(t *testing.T) {
	if testutil.Race {
		t.Skip("pools forget under the race detector")
	}
	for _, v := range vectorTexts {
		r, most := vectorRequest(v.identifier), 4.0
		if v.userBuf != "" {
			most += 3 // it, and its base64 once more for comparison
		}
		if v.identifier == idV6 {
			most += 5 // package json takes the escapes out
		}
		got := testing.AllocsPerRun(100, func() {
			if _, err := Verify(v.text, r); err != nil {
				t.Error(err)
			}
		})
		if got > most {
			t.Errorf("%s: %v allocations, want at most %v", v.name, got, most)
		}
	}
}
