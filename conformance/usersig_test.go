package conformance

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/internal/testutil"
)

// A key on secp256k1, created by OpenSSL. Apps of the first years have such keys.
const (
	koblitzPrivate = `-----BEGIN PRIVATE KEY-----
MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg0qpFuhXfR8HpQuWzwWW/
+iX2M77pPo0vLfMvCT1UgoyhRANCAAQ/rMV7KyBqXoNI4F8AfZKEpeWSOLTk+7m2
yYS12NpUdbQW9Kx0nRCaqclA/OqViFShGxo/MGJQbV1W4oZuqbIj
-----END PRIVATE KEY-----
`
	koblitzPublic = `-----BEGIN PUBLIC KEY-----
MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEP6zFeysgal6DSOBfAH2ShKXlkji05Pu5
tsmEtdjaVHW0FvSsdJ0QmqnJQPzqlYhUoRsaPzBiUG1dVuKGbqmyIw==
-----END PUBLIC KEY-----
`
)

// A form is a UserSig that is signed by hand: the lines that are signed, and the members
// of the JSON other than the signature. TIME stands for the current second.
type form struct {
	version int
	lines   string
	members string
	key     string // key of version 2, if not that of the app
	hex     bool   // TLS.sig is written in hexadecimal
}

const (
	lines1   = "TLS.identifier:administrator\nTLS.sdk_appid:1400000000\nTLS.time:TIME\nTLS.expire_after:86400\n"
	members1 = `"TLS.identifier":"administrator","TLS.sdk_appid":"1400000000","TLS.expire_after":"86400","TLS.time":"TIME"`
	lines2   = "TLS.identifier:administrator\nTLS.sdkappid:1400000000\nTLS.time:%s\nTLS.expire:%s\n"
	members2 = `"TLS.ver":"2.0","TLS.identifier":"administrator","TLS.sdkappid":1400000000,"TLS.time":%s,"TLS.expire":%s`
)

var (
	lines2Now   = fmt.Sprintf(lines2, "TIME", "86400")
	members2Now = fmt.Sprintf(members2, "TIME", "86400")
)

// formsOfSig are forms that no signer of package usersig creates.
var formsOfSig = map[string]form{
	"third-app":      first("TLS.appid_at_3rd:1400000000\nTLS.account_type:0\n", `"TLS.appid_at_3rd":"1400000000","TLS.account_type":"0"`),
	"third-number":   first("TLS.appid_at_3rd:7\nTLS.account_type:0\n", `"TLS.appid_at_3rd":7,"TLS.account_type":"0"`),
	"third-empty":    first("TLS.appid_at_3rd:\nTLS.account_type:0\n", `"TLS.appid_at_3rd":"","TLS.account_type":"0","TLS.version":"20151204"`),
	"third-text":     first("TLS.appid_at_3rd:myapp\nTLS.account_type:0\n", `"TLS.appid_at_3rd":"myapp","TLS.account_type":"0"`),
	"third-absent":   first("TLS.account_type:0\n", `"TLS.account_type":"0"`),
	"third-unsigned": first("TLS.account_type:0\n", `"TLS.appid_at_3rd":"0","TLS.account_type":"0"`),
	"type-792":       first("TLS.appid_at_3rd:0\nTLS.account_type:792\n", `"TLS.appid_at_3rd":"0","TLS.account_type":"792"`),
	"type-number":    first("TLS.appid_at_3rd:0\nTLS.account_type:0\n", `"TLS.appid_at_3rd":"0","TLS.account_type":0`),
	"type-empty":     first("TLS.appid_at_3rd:0\nTLS.account_type:\n", `"TLS.appid_at_3rd":"0","TLS.account_type":""`),

	"userbuf-line":   second("TIME", "86400", "TLS.userbuf:YWJj\n\n", `,"TLS.userbuf":"YWJj\n"`),
	"userbuf-text":   second("TIME", "86400", "TLS.userbuf:{1}\n", `,"TLS.userbuf":"{1}"`),
	"userbuf-fields": second("TIME", "86400", "TLS.userbuf:1\nTLS.time:1\n", `,"TLS.userbuf":"1\nTLS.time:1"`),
	"milliseconds":   second("TIME000", "86400", "", ""),
	"180-days-ms":    second("TIME", "15552000000", "", ""),
	"end":            second("TIME", "1700086400", "", ""),
	"no-validity":    second("TIME", "0", "", ""),

	"crlf":     {version: 2, lines: strings.ReplaceAll(lines2Now, "\n", "\r\n"), members: members2Now},
	"key-line": {version: 2, lines: lines2Now, members: members2Now, key: sampleKey + "\n"},
	"hex":      {version: 2, lines: lines2Now, members: members2Now, hex: true},
}

func first(lines, members string) form {
	return form{version: 1, lines: lines + lines1, members: members + "," + members1}
}

func second(issued, expire, line, member string) form {
	return form{version: 2, lines: fmt.Sprintf(lines2, issued, expire) + line, members: fmt.Sprintf(members2, issued, expire) + member}
}

// signByHand signs a form with the keys of the app, without package usersig.
func (k *keys) signByHand(tb testing.TB, o sigOptions) string {
	tb.Helper()
	f, ok := formsOfSig[o.json]
	if !ok {
		tb.Fatalf("no form %q", o.json)
	}
	now := strings.NewReplacer("TIME", fmt.Sprint(time.Now().Add(-o.age).Unix()))
	digest := sha256.Sum256([]byte(now.Replace(f.lines)))
	mac := hmac.New(sha256.New, []byte(cmp.Or(f.key, sampleKey)))
	mac.Write([]byte(now.Replace(f.lines)))
	sig := mac.Sum(nil)
	if f.version == 1 {
		var err error
		if sig, err = ecdsa.SignASN1(rand.Reader, k.private, digest[:]); err != nil {
			tb.Fatal(err)
		}
	}
	encoded := base64.StdEncoding.EncodeToString(sig)
	if f.hex {
		encoded = hex.EncodeToString(sig)
	}
	text := pack(tb, "{"+now.Replace(f.members)+`,"TLS.sig":"`+encoded+`"}`)
	testutil.Secret(tb, text)
	return text
}

func pack(tb testing.TB, payload string) string {
	tb.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(payload)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(base64.StdEncoding.EncodeToString(b.Bytes()))
}
