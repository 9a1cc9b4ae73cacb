package usersig

import (
	"bytes"
	"compress/zlib"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func vectorClaims(identifier string) Claims {
	return Claims{SDKAppID: vectorApp, Identifier: identifier, IssuedAt: at(0), Validity: 24 * time.Hour}
}

// open decodes the envelope without code of this package.
func open(t testing.TB, text string) string {
	t.Helper()
	packed := unbase64(t, strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(text))
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(payload)
}

func TestSignVectors(t *testing.T) {
	const long = halfYear * time.Second
	numeric := RoomPermit{
		SDKAppID: vectorApp, Identifier: "xiaojun", RoomID: 10000,
		ExpiresAt: at(halfYear), Privileges: AllPrivileges,
	}
	named := RoomPermit{
		SDKAppID: vectorApp, Identifier: "xiaojun", RoomName: "1000000040",
		ExpiresAt: at(halfYear), Privileges: AllPrivileges,
	}
	tests := []struct {
		name, identifier string
		validity         time.Duration
		userBuf          []byte
		want             string // the JSON
	}{
		{"V1", "administrator", 24 * time.Hour, nil, `{"TLS.ver":"2.0","TLS.identifier":"administrator",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":86400,"TLS.time":1700000000,"TLS.sig":"` + sigV1 + `"}`},
		{"V2", "xiaojun", long, nil, `{"TLS.ver":"2.0","TLS.identifier":"xiaojun",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":15552000,"TLS.time":1700000000,"TLS.sig":"` + sigV2 + `"}`},
		{"V3", "xiaojun", long, []byte("abc"), `{"TLS.ver":"2.0","TLS.identifier":"xiaojun",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":15552000,"TLS.time":1700000000,"TLS.userbuf":"YWJj","TLS.sig":"` + sigV3 + `"}`},
		{"V4", "xiaojun", long, permit(t, numeric), `{"TLS.ver":"2.0","TLS.identifier":"xiaojun",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":15552000,"TLS.time":1700000000,` +
			`"TLS.userbuf":"AAAHeGlhb2p1blNyTgAAACcQZkE/AAAAAP8AAAAA","TLS.sig":"` + sigV4 + `"}`},
		{"V5", "xiaojun", long, permit(t, named), `{"TLS.ver":"2.0","TLS.identifier":"xiaojun",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":15552000,"TLS.time":1700000000,` +
			`"TLS.userbuf":"AQAHeGlhb2p1blNyTgAAAAAAZkE/AAAAAP8AAAAAAAoxMDAwMDAwMDQw","TLS.sig":"` + sigV5 + `"}`},
		{"V6", idV6, 24 * time.Hour, nil, `{"TLS.ver":"2.0","TLS.identifier":"a<b>&c\"\\用户",` +
			`"TLS.sdkappid":1400000000,"TLS.expire":86400,"TLS.time":1700000000,"TLS.sig":"` + sigV6 + `"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Claims{
				SDKAppID: vectorApp, Identifier: test.identifier, IssuedAt: at(0).Add(999 * time.Millisecond),
				Validity: test.validity, UserBuf: test.userBuf,
			}
			text, err := Sign(HMACKey(vectorSecret), c)
			if err != nil {
				t.Fatal(err)
			}
			if got := open(t, text); got != test.want {
				t.Errorf("payload\n got %s\nwant %s", got, test.want)
			}
			if _, err := Verify(text, vectorRequest(test.identifier)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSignVersion1(t *testing.T) {
	c := vectorClaims(idV6)
	c.UserBuf = []byte("abc")
	text, err := Sign(mustPrivate(t, newPEM(t, elliptic.P256())), c)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string // the vendor's verifier decodes into the same type
	if err := json.Unmarshal([]byte(open(t, text)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"TLS.account_type": "0", "TLS.identifier": idV6, "TLS.appid_at_3rd": "0", "TLS.sdk_appid": "1400000000",
		"TLS.expire_after": "86400", "TLS.version": "201610110000", "TLS.time": "1700000000",
		"TLS.userbuf": "YWJj", "TLS.sig": got["TLS.sig"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

// TestVersion1Variants signs the text of version 1 as it is written here. It
// writes the fields in each way that clients use.
func TestVersion1Variants(t *testing.T) {
	const (
		signed = "TLS.appid_at_3rd:%3\nTLS.account_type:%a\nTLS.identifier:%i\nTLS.sdk_appid:1400000000\n" +
			"TLS.time:1700000000\nTLS.expire_after:86400\n"
		rest = `"TLS.sig":"%s"}`
	)
	tests := []struct{ name, third, account, identifier, payload string }{
		{"strings", "0", "0", "u", `{"TLS.account_type":"0","TLS.identifier":"u","TLS.appid_at_3rd":"0","TLS.sdk_appid":"1400000000",` +
			`"TLS.expire_after":"86400","TLS.version":"201512300000","TLS.time":"1700000000",`},
		{"numbers", "0", "0", "u", `{"TLS.account_type":0,"TLS.identifier":"u","TLS.appid_at_3rd":0,"TLS.sdk_appid":1400000000,` +
			`"TLS.expire_after":86400,"TLS.version":201610110000,"TLS.time":1700000000,`},
		{"npm, own app as third, mixed, no version", "1400000000", "792", "u", `{"TLS.appid_at_3rd":1400000000,"TLS.account_type":"792",` +
			`"TLS.identifier":"u","TLS.sdk_appid":1400000000,"TLS.time":"1700000000","TLS.expire_after":"86400",`},
		{"third app as string", "1400000000", "0", "u", `{"TLS.appid_at_3rd":"1400000000","TLS.account_type":"0",` +
			`"TLS.identifier":"u","TLS.sdk_appid":"1400000000","TLS.time":"1700000000","TLS.expire_after":"86400",`},
		{"identifier as number", "0", "0", "86", `{"TLS.appid_at_3rd":"0","TLS.account_type":"0",` +
			`"TLS.identifier":86,"TLS.sdk_appid":"1400000000","TLS.time":"1700000000","TLS.expire_after":"86400",`},
	}
	p := newPEM(t, elliptic.P256())
	private := mustPrivate(t, p)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := strings.NewReplacer("%3", test.third, "%a", test.account, "%i", test.identifier).Replace(signed)
			sig := base64.StdEncoding.EncodeToString(signRaw(t, private, text))
			payload := test.payload + strings.Replace(rest, "%s", sig, 1)
			r := vectorRequest(test.identifier)
			r.Keys = []Key{mustPublic(t, p)}
			if _, err := Verify(envelop(t, payload, zlib.DefaultCompression), r); err != nil {
				t.Error(err)
			}
			r.Now = at(86401)
			if _, err := Verify(envelop(t, payload, zlib.DefaultCompression), r); !sameReason(err, &Error{Reason: Expired}) {
				t.Errorf("a day later: Verify = %v", err)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	key := HMACKey(vectorSecret)
	tests := []struct {
		name string
		key  Key
		c    Claims
	}{
		{"zero key", Key{}, vectorClaims("u")},
		{"empty secret", HMACKey(""), vectorClaims("u")},
		{"public key", mustPublic(t, newPEM(t, elliptic.P256())), vectorClaims("u")},
		{"no identifier", key, vectorClaims("")},
		{"two lines", key, vectorClaims("a\nb")},
		{"bad UTF-8", key, vectorClaims("a\xff")},
		{"long identifier", key, vectorClaims(strings.Repeat("x", MaxInflated))},
	}
	for _, test := range tests {
		if text, err := Sign(test.key, test.c); err == nil || text != "" {
			t.Errorf("%s: Sign = %q, %v", test.name, text, err)
		}
	}
}

func TestZeroTimesMeanNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := HMACKey(vectorSecret)
		text, err := Sign(key, Claims{SDKAppID: 1, Identifier: "u", Validity: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		r := Request{SDKAppID: 1, Identifier: "u", Keys: []Key{key}}
		time.Sleep(time.Minute)
		if s, err := Verify(text, r); err != nil || s.ExpiresAt() != time.Now().Unix() {
			t.Errorf("after a minute: Verify = %+v, %v", s, err)
		}
		time.Sleep(time.Second)
		if _, err := Verify(text, r); !sameReason(err, &Error{Reason: Expired}) {
			t.Errorf("a second later: Verify = %v", err)
		}
	})
}

func TestSignThenVerify(t *testing.T) {
	keys := []Key{HMACKey(vectorSecret), mustPrivate(t, newPEM(t, elliptic.P256()))}
	rapid.Check(t, func(t *rapid.T) {
		c := Claims{
			SDKAppID:   rapid.Uint32().Draw(t, "app"),
			Identifier: rapid.StringMatching(`[ -~]{1,32}`).Draw(t, "identifier"),
			IssuedAt:   time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), 0),
			Validity:   time.Duration(rapid.Int64Range(0, 1<<32).Draw(t, "validity")) * time.Second,
			UserBuf:    rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "userbuf"),
		}
		text, err := Sign(rapid.SampledFrom(keys).Draw(t, "key"), c)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Verify(text, Request{SDKAppID: c.SDKAppID, Identifier: c.Identifier, Keys: keys, Now: c.IssuedAt.Add(c.Validity)})
		if err != nil {
			t.Fatal(err)
		}
		if s.Identifier != c.Identifier || s.IssuedAt != c.IssuedAt.Unix() || !bytes.Equal(s.UserBuf, c.UserBuf) {
			t.Errorf("%+v came back as %+v", c, s)
		}
	})
}

// TestAlteredText changes one byte at a time. A text that is still valid must
// have the signed content.
func TestAlteredText(t *testing.T) {
	key := HMACKey(vectorSecret)
	for _, v := range vectorTexts {
		want, err := Parse(v.text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range len(v.text) {
			for _, c := range []byte("A5z*-_+= \n\x00\xff" + string(v.text[i]^1)) {
				got, err := Parse(v.text[:i] + string([]byte{c}) + v.text[i+1:])
				if err == nil && key.signed(got) && !cmp.Equal(want, got, cmp.AllowUnexported(Sig{}, field{})) {
					t.Fatalf("%s with %q at %d verifies as %+v", v.name, c, i, got)
				}
			}
		}
	}
}

func signRaw(t testing.TB, k Key, text string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(text))
	sig, err := k.ec.(ecSigner).sign(digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return sig
}
