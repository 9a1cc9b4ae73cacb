package usersig

import (
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

// variants1 are the forms of two fields of version 1 that the vendor's own
// verifiers take: what stands in the JSON, and the lines that are signed. An
// absent field has neither.
var variants1 = []struct {
	name, thirdApp, accountType string // JSON values
	lines                       string
}{
	{"zero", `"0"`, `"0"`, "TLS.appid_at_3rd:0\nTLS.account_type:0\n"},
	{"the SDKAppID", `"1400000000"`, `"0"`, "TLS.appid_at_3rd:1400000000\nTLS.account_type:0\n"},
	{"another number", `"7"`, `"0"`, "TLS.appid_at_3rd:7\nTLS.account_type:0\n"},
	{"empty, as the vendor's Python signer has it", `""`, `"0"`, "TLS.appid_at_3rd:\nTLS.account_type:0\n"},
	{"text", `"myapp"`, `"0"`, "TLS.appid_at_3rd:myapp\nTLS.account_type:0\n"},
	{"absent", ``, `"0"`, "TLS.account_type:0\n"},
	{"another account type", `"0"`, `"792"`, "TLS.appid_at_3rd:0\nTLS.account_type:792\n"},
	{"account type as number", `"0"`, `0`, "TLS.appid_at_3rd:0\nTLS.account_type:0\n"},
	{"empty account type", `"0"`, `""`, "TLS.appid_at_3rd:0\nTLS.account_type:\n"},
	{"third app as number", `7`, `"0"`, "TLS.appid_at_3rd:7\nTLS.account_type:0\n"},
	{"null", `null`, `"0"`, "TLS.account_type:0\n"},
}

// payload1 returns the JSON of a variant with a signature over its lines.
func payload1(t *testing.T, key *ecdsa.PrivateKey, thirdApp, accountType, lines string) string {
	t.Helper()
	signed := lines + "TLS.identifier:administrator\nTLS.sdk_appid:1400000000\nTLS.time:1700000000\nTLS.expire_after:86400\n"
	digest := sha256.Sum256([]byte(signed))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(`{"TLS.account_type":` + accountType + `,"TLS.identifier":"administrator",`)
	if thirdApp != "" {
		b.WriteString(`"TLS.appid_at_3rd":` + thirdApp + `,`)
	}
	b.WriteString(`"TLS.sdk_appid":"1400000000","TLS.expire_after":"86400","TLS.time":"1700000000","TLS.sig":"`)
	return b.String() + base64.StdEncoding.EncodeToString(sig) + `"}`
}

func TestVersion1Fields(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := Request{SDKAppID: vectorApp, Identifier: "administrator", Keys: []Key{{ec: nistPublic{&private.PublicKey}}}, Now: at(0)}
	for i, v := range variants1 {
		text := envelop(t, payload1(t, private, v.thirdApp, v.accountType, v.lines), zlib.DefaultCompression)
		if _, err := Verify(text, r); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if e := Explain(text, r); e.Code != 0 {
			t.Errorf("%s: Explain: %+v", v.name, e.Steps)
		}
		// The fields are signed: those of the next variant do not fit.
		next := variants1[(i+1)%len(variants1)]
		if next.lines == v.lines {
			continue
		}
		text = envelop(t, payload1(t, private, next.thirdApp, next.accountType, v.lines), zlib.DefaultCompression)
		if _, err := Verify(text, r); !sameReason(err, &Error{Reason: BadSignature}) {
			t.Errorf("%s signed, %s sent: Verify = %v", v.name, next.name, err)
		}
	}
}
