package usersig

import (
	"bytes"
	"compress/zlib"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// mistakenLines are the lines that a correct signer of [good] signs.
const mistakenLines = "TLS.identifier:u\nTLS.sdkappid:1400000000\nTLS.time:1700000000\nTLS.expire:86400\n"

// explainSig explains [good] with the given TLS.sig, and with before inserted
// before it.
func explainSig(t *testing.T, before, sig string, keys ...Key) Explanation {
	t.Helper()
	b, err := json.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	r := vectorRequest("u")
	r.Keys = keys
	return Explain(envelop(t, strings.Replace(good, `"TLS.sig":"AAAA"`, before+`"TLS.sig":`+string(b), 1), zlib.DefaultCompression), r)
}

// TestExplainMistakes signs with each of the known mistakes.
func TestExplainMistakes(t *testing.T) {
	decoded, err := hex.DecodeString(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	const abc = `"TLS.userbuf":"YWJj",`
	swapped := "TLS.identifier:u\nTLS.sdkappid:1400000000\nTLS.expire:86400\nTLS.time:1700000000\n"
	reversed := "TLS.expire:86400\nTLS.time:1700000000\nTLS.sdkappid:1400000000\nTLS.identifier:u\n"
	replaced := func(old, with string) string { return strings.ReplaceAll(mistakenLines, old, with) }
	tests := []struct{ name, secret, signed, userBuf, given, want string }{
		{"none", vectorSecret, mistakenLines, "", vectorSecret, "signed with a key that was given"},
		{"hexadecimal", string(decoded), mistakenLines, "", vectorSecret, "decoded from hexadecimal"},
		{"base64", string(unbase64(t, vectorSecret)), mistakenLines, "", vectorSecret, "decoded from base64"},
		{"line end in the signer", vectorSecret + "\n", mistakenLines, "", vectorSecret, "a line end behind it"},
		{"line end of Windows", vectorSecret + "\r\n", mistakenLines, "", vectorSecret, "as Windows writes it"},
		{"blank behind", vectorSecret + " ", mistakenLines, "", vectorSecret, "a blank behind it"},
		{"blank before", " " + vectorSecret, mistakenLines, "", vectorSecret, "a blank before it"},
		{"quotes", `"` + vectorSecret + `"`, mistakenLines, "", vectorSecret, "quotes around it"},
		{"byte order mark", "\ufeff" + vectorSecret, mistakenLines, "", vectorSecret, "byte order mark"},
		{"upper case", strings.ToUpper(vectorSecret), mistakenLines, "", vectorSecret, "in upper case"},
		{"lower case", "secret", mistakenLines, "", "Secret", "in lower case"},
		{"spaces in the verifier", vectorSecret, mistakenLines, "", " " + vectorSecret + "\r\n", "without the white space"},
		{"no key", "", mistakenLines, "", vectorSecret, "signed with an empty key"},
		{"undefined key", "undefined", mistakenLines, "", vectorSecret, "signed with the word undefined as the key"},
		{"order", vectorSecret, swapped, "", vectorSecret, "signed in the order identifier, sdkappid, expire, time; the order is identifier, sdkappid, time, expire"},
		{"reversed", vectorSecret, reversed, "", vectorSecret, "signed in the order expire, time, sdkappid, identifier;"},
		{"order before a userbuf", vectorSecret, swapped + "TLS.userbuf:YWJj\n", abc, vectorSecret, "signed in the order identifier, sdkappid, expire, time;"},
		{"last line feed", vectorSecret, strings.TrimSuffix(mistakenLines, "\n"), "", vectorSecret, "without its line feed"},
		{"CR LF", vectorSecret, replaced("\n", "\r\n"), "", vectorSecret, "signed with CR LF"},
		{"written line feeds", vectorSecret, replaced("\n", `\n`), "", vectorSecret, `the two characters \ and n`},
		{"no line feeds", vectorSecret, replaced("\n", ""), "", vectorSecret, "signed without line feeds"},
		{"blanks", vectorSecret, replaced(":", ": "), "", vectorSecret, "a blank was signed behind each colon"},
		{"clock read twice", vectorSecret, replaced("1700000000", "1699999999"), "", vectorSecret, "a second earlier"},
		{"clock read twice, other way", vectorSecret, replaced("1700000000", "1700000001"), "", vectorSecret, "a second later"},
		{"userbuf", vectorSecret, mistakenLines, abc, vectorSecret, "TLS.userbuf was not signed"},
		{"raw userbuf", vectorSecret, mistakenLines + "TLS.userbuf:abc\n", abc, vectorSecret, "as it was before base64"},
		{"other key", "x", mistakenLines, "", vectorSecret, "not signed with the key, or altered since"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sig := base64.StdEncoding.EncodeToString(sumSHA256(test.secret, []byte(test.signed)))
			e := explainSig(t, test.userBuf, sig, HMACKey(test.given))
			if got := why(e, "signature"); !strings.Contains(got, test.want) {
				t.Errorf("signature: %q; want %q in it", got, test.want)
			}
			if wrong := test.name != "none"; (e.Code == 70009) != wrong {
				t.Errorf("code = %d", e.Code)
			}
			if step, ok := e.Fault(); ok == (test.name == "none") || ok && step.Name != "signature" {
				t.Errorf("Fault = %v, %v", step, ok)
			}
		})
	}
}

// TestExplainFormsOfTheSignature writes a signature in other encodings than
// base64. A fault that no key could repair is reported without a key, too.
func TestExplainFormsOfTheSignature(t *testing.T) {
	mac := sumSHA256(vectorSecret, []byte(mistakenLines))
	ordered := sumSHA256(vectorSecret, []byte(strings.ReplaceAll(mistakenLines, "\n", "\r\n")))
	short := hmac.New(sha1.New, []byte(vectorSecret))
	short.Write([]byte(mistakenLines))
	std := base64.StdEncoding.EncodeToString
	for sig, want := range map[string]string{
		hex.EncodeToString(mac):                   "TLS.sig is in hexadecimal, not in base64",
		strings.ToUpper(hex.EncodeToString(mac)):  "TLS.sig is in hexadecimal, not in base64",
		hex.EncodeToString(ordered):               "TLS.sig is in hexadecimal, not in base64; and the lines were signed with CR LF at their ends; each ends in LF alone",
		std([]byte(hex.EncodeToString(mac))):      "TLS.sig is base64 of hexadecimal digits, not of the 32 bytes that they stand for",
		base64.RawURLEncoding.EncodeToString(mac): "TLS.sig is in another alphabet or lost its padding; inside of the JSON it is plain base64, with + / =",
		strings.TrimRight(std(ordered), "="):      "TLS.sig is in another alphabet or lost its padding; inside of the JSON it is plain base64, with + / =; and the lines were signed with CR LF at their ends; each ends in LF alone",
		std(short.Sum(nil)):                       "TLS.sig has 20 bytes, as an HMAC-SHA1; an HMAC-SHA256 has 32",
		std(mac[:31]):                             "TLS.sig has 31 bytes; an HMAC-SHA256 has 32",
		"":                                        "TLS.sig is empty",
		"?":                                       "TLS.sig is not base64",
		hex.EncodeToString(sumSHA256("x", []byte(""))): "TLS.sig is in hexadecimal, not in base64; and not signed with the key, or altered since",
	} {
		e := explainSig(t, "", sig, HMACKey(vectorSecret))
		if got := why(e, "signature"); e.Code != 70009 || got != want {
			t.Errorf("%s: code %d, %q; want %q", sig, e.Code, got, want)
		}
		form, _, _ := strings.Cut(want, "; and ")
		e = explainSig(t, "", sig)
		if got := why(e, "signature"); e.Code != 70009 || !strings.HasPrefix(got, form) {
			t.Errorf("%s, without a key: code %d, %q; want %q", sig, e.Code, got, form)
		}
	}
	if e := explainSig(t, "", std(mac)); e.Code != 0 || why(e, "signature") != "version 2 (HMAC-SHA256), and no secret key was given" {
		t.Errorf("a good one without a key: code %d, %q", e.Code, why(e, "signature"))
	}
	if e := explainSig(t, "", std(sumSHA256("null", []byte(mistakenLines)))); e.Code != 70009 || !strings.HasPrefix(why(e, "signature"), "signed with the word null as the key") {
		t.Errorf("the word null, without a key: code %d, %q", e.Code, why(e, "signature"))
	}
}

// mistakenLines1 are the lines that a correct signer of [good1] signs.
const mistakenLines1 = "TLS.appid_at_3rd:0\nTLS.account_type:0\nTLS.identifier:u\nTLS.sdk_appid:1400000000\nTLS.time:1700000000\nTLS.expire_after:86400\n"

// explainSig1 explains [good1] with a signature.
func explainSig1(t *testing.T, sig []byte, keys ...Key) Explanation {
	t.Helper()
	r := vectorRequest("u")
	r.Keys = keys
	return Explain(envelop(t, strings.Replace(good1, "AAAA", base64.StdEncoding.EncodeToString(sig), 1), zlib.DefaultCompression), r)
}

// TestExplainNoDER explains signatures of version 1 that are not DER. The
// number r may begin with any byte, including that of an ASN.1 sequence.
func TestExplainNoDER(t *testing.T) {
	key := mustPublic(t, newPEM(t, elliptic.P256()))
	for _, first := range []byte{0, 1, 0x30, 0xff} {
		for size, want := range map[int]string{
			56:  "TLS.sig has 56 bytes that are no ASN.1 DER, perhaps r and s side by side; write the signature in DER",
			64:  "TLS.sig has 64 bytes that are no ASN.1 DER, perhaps r and s side by side; write the signature in DER",
			96:  "TLS.sig has 96 bytes that are no ASN.1 DER, perhaps r and s side by side; write the signature in DER",
			132: "TLS.sig has 132 bytes that are no ASN.1 DER, perhaps r and s side by side; write the signature in DER",
			71:  "TLS.sig has 71 bytes that are no ASN.1 DER; write the signature in DER",
		} {
			sig := bytes.Repeat([]byte{0x55}, size)
			sig[0] = first
			for _, keys := range [][]Key{{key}, nil} { // the result is the same without a key
				if got := why(explainSig1(t, sig, keys...), "signature"); got != want {
					t.Errorf("%d bytes from %#x on, %d keys: %q, want %q", size, first, len(keys), got, want)
				}
			}
		}
	}
}

// TestExplainMistakesOfVersion1 signs with known mistakes and an ECDSA key.
func TestExplainMistakesOfVersion1(t *testing.T) {
	p := newPEM(t, elliptic.P256())
	private, public := mustPrivate(t, p), mustPublic(t, p)
	const lines = mistakenLines1
	std := base64.StdEncoding.EncodeToString
	for sig, want := range map[string]string{
		std(signRaw(t, private, lines)):                                   "signed with a key that was given",
		std(signRaw(t, private, strings.ReplaceAll(lines, "\n", "\r\n"))): "the lines were signed with CR LF",
		std(signRaw(t, private, strings.TrimSuffix(lines, "\n"))):         "the last line was signed without its line feed",
		std(signRaw(t, private, lines[19:])):                              "the line TLS.appid_at_3rd was signed and the field left out, or the other way round",
		"":                                                                "TLS.sig is empty",
		"?":                                                               "TLS.sig is not base64",
		std(signRaw(t, mustPrivate(t, newPEM(t, elliptic.P256())), lines)): "not signed with the key, or altered since",
	} {
		r := vectorRequest("u")
		r.Keys = []Key{public}
		e := Explain(envelop(t, strings.Replace(good1, "AAAA", sig, 1), zlib.DefaultCompression), r)
		if got := why(e, "signature"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q; want %q", sig, got, want)
		}
		if _, wrong := e.Fault(); wrong == strings.HasPrefix(want, "signed with a key") {
			t.Errorf("%s: code %d", sig, e.Code)
		}
	}
}

// TestExplainWhatIsNone explains texts that are not UserSigs, or that were
// changed in transit.
func TestExplainWhatIsNone(t *testing.T) {
	text := ""
	for i := 0; strings.Count(text, "-") == 0 || strings.Count(text, "*") == 0 || !strings.HasSuffix(text, "_"); i++ {
		text = envelop(t, strings.Replace(good, `"u"`, fmt.Sprintf(`"user%d"`, i), 1), zlib.DefaultCompression)
	}
	plain := strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(text)
	urlText := strings.NewReplacer("+", "-", "/", "_").Replace(plain)
	for given, want := range map[string]string{
		"eyJhbGciOiJIUzI1NiJ9.eyJ1aWQiOiJhIn0.c2ln": "it is a JSON Web Token; a UserSig has another form: JSON, zlib, base64",
		"undefined":       "it is the word undefined: the program sent a variable without a value",
		"null":            "it is the word null: the program sent a variable without a value",
		"None":            "it is the word None",
		"[object Object]": "it is the word [object Object]",
		vectorSecret:      "it is hexadecimal, as a hash or a secret key is",
		good:              "it is JSON itself: zlib and base64 were forgotten",
		`"eJw"`:           "byte 1 is \": send the text without the quotes around it",
		"'eJw'":           "byte 1 is ': send",
		`"` + text + `"`:  "byte 1 is \": send the text without the quotes around it",
		"https://console.tim.qq.com/v4/openim/querystate?usersig=" + text + "&random=1": "it is a piece of a URL; the UserSig stands between usersig= and the next &",
		"Bearer " + text:               "a word stands before it, as the scheme of an Authorization header; send the text alone",
		"UserSig: " + text + "\n":      "a word stands before it",
		"usersig:" + text:              "a word stands before it",
		text + "\n":                    "white space or quotes stand around it",
		text[:76] + "\r\n" + text[76:]: "line ends or blanks stand in it",
		strings.ReplaceAll(strings.ReplaceAll(text, "*", "%2A"), "_", "%5F"): "it is percent-encoded once too often",
		strings.ReplaceAll(plain, "+", " "):                                  "spaces stand in it where + was",
		urlText:                                                              "it is in the alphabet of RFC 4648 base64url; in a UserSig + / = are * - _, and the padding stays",
		strings.TrimRight(urlText, "="):                                      "it is in the alphabet of RFC 4648 base64url",
		strings.TrimRight(text, "_"):                                         "its padding is missing: the _ at the end",
		"ab_cdefg":                                                           `byte 3 is "_", which stands at the end only: it is in another alphabet, perhaps the base64url of RFC 4648`,
		"ab=cdefg":                                                           `it is not base64: byte 3 is "=", which stands at the end only`,
		"abc.defg":                                                           `it is not base64: byte 4 is "."`,
		"abc":                                                                "its length is no multiple of four",
		"abcd====":                                                           "it is not base64: its padding is wrong",
		strings.Repeat("x", MaxText+1):                                       "its 4097 bytes are more than a UserSig may have (4096)",
	} {
		e := Explain(given, Request{Now: at(0)})
		step, ok := e.Fault()
		if !ok || e.Code != 70003 || !strings.HasPrefix(step.Why, want) {
			t.Errorf("%.60s: code %d, %q; want %q", given, e.Code, step.Why, want)
		}
		if len(e.Steps) != len(stepNames) {
			t.Errorf("%.60s: %d steps", given, len(e.Steps))
		}
	}
}

// TestExplainTimes explains times in wrong units or of the wrong kind.
func TestExplainTimes(t *testing.T) {
	const length = "TLS.expire is %s seconds, and the documents allow 50 years at most; it is a length in seconds"
	for _, test := range []struct {
		time, expire string
		code         int
		why, warning string
	}{
		{"1700000000", "86400", 0, "valid until", ""},
		{"1700000000", "1577836800", 0, "valid until", ""}, // 50 years
		{"1700000000", "15552000000", 0, "valid until", fmt.Sprintf(length, "15552000000") + ", and this looks like milliseconds (15552000 seconds)"},
		{"1700000000", "1700086400", 0, "valid until", fmt.Sprintf(length, "1700086400") + ", and this looks like a point in time (2023-11-15T22:13:20Z): give the length alone"},
		{"1700000000", "1700086400000", 0, "valid until", fmt.Sprintf(length, "1700086400000") + ", and this looks like a point in time in milliseconds (2023-11-15T22:13:20Z): give the length alone"},
		{"1700000000", "9223372036854775807", 0, "valid until", fmt.Sprintf(length, "9223372036854775807")},
		{"1700000000000", "86400", 0, "valid until", "TLS.time is 1700000000000, which looks like milliseconds; it is in seconds (1700000000)"},
		{"1700000060", "86400", 0, "valid until", "issued 60 seconds in the future (2023-11-14T22:14:20Z), which is accepted: the signer's clock is fast, or this one is behind; compare the clocks"},
		{"1700000005", "86400", 0, "valid until", ""}, // within the allowed difference of clocks
		{"1700000006", "86400", 0, "valid until", "issued 6 seconds in the future"},
		{"1699999998", "1", 70001, "expired", "it is valid for 1 second; if it was signed just now, the signer's clock is 2 seconds behind: compare the clocks"},
		{"1699999000", "600", 70001, "expired", "it is valid for 600 seconds; if it was signed just now, the signer's clock is 1000 seconds behind: compare the clocks"},
		{"1699900000", "600", 70001, "expired", ""},
		{"1699999999", "0", 70001, "its validity is 0 seconds: TLS.expire is 0", ""},
		{"1700000000", "0", 0, "valid until", ""},
		{"1700000000", "-1", 70001, "its validity of -1 seconds is negative", ""},
		{"-9223372036854775808", "1", 70001, "expired", ""},
		{"9223372036854775807", "1", 0, "valid until", "issued 9223372035154775807 seconds in the future"},
	} {
		payload := strings.NewReplacer("1700000000", test.time, "86400", test.expire, "AAAA", sigV1).Replace(good)
		e := Explain(envelop(t, payload, zlib.DefaultCompression), Request{Now: at(0)})
		step := e.Steps[5]
		if e.Code != test.code || step.Name != "expiry" || !strings.HasPrefix(step.Why, test.why) {
			t.Errorf("time %s, expire %s: code %d, %+v", test.time, test.expire, e.Code, step)
		}
		if !strings.HasPrefix(step.Warning, test.warning) || test.warning == "" && step.Warning != "" {
			t.Errorf("time %s, expire %s: warning %q; want %q", test.time, test.expire, step.Warning, test.warning)
		}
	}
}

// TestExplainManyKeys checks that only the newest keys are compared, which
// bounds the cost of an explanation.
func TestExplainManyKeys(t *testing.T) {
	sig := base64.StdEncoding.EncodeToString(sumSHA256(vectorSecret+"\n", []byte(mistakenLines)))
	keys := []Key{HMACKey("1"), HMACKey("2"), HMACKey("3"), HMACKey("4"), HMACKey("5")}
	for i := range keys {
		tried := append([]Key(nil), keys...)
		tried[i] = HMACKey(vectorSecret)
		want := "signed with the key and a line end behind it"
		if i == 0 {
			want = "not signed with any of the keys, or altered since"
		}
		if got := why(explainSig(t, "", sig, tried...), "signature"); got != want {
			t.Errorf("key %d: %q; want %q", i, got, want)
		}
	}
}

func TestCheckKick(t *testing.T) {
	for _, test := range []struct {
		kicked, now int64 // seconds after the issue
		code        int
		why         string
	}{
		{-vectorTime, 0, 0, "not kicked since"}, // never
		{-vectorTime - 1, 0, 0, "not kicked since"},
		{-1, 0, 0, "not kicked since"},
		{0, 0, 0, "not kicked since"},
		{1, 1, 70052, "the UserSig was issued 2023-11-14T22:13:20Z, before the account was kicked at 2023-11-14T22:13:21Z; sign anew"},
		{-7200, -3600, 0, "not kicked since"},
		{-7200, -3601, 70052, "dated more than an hour in the future"},
	} {
		e := Explain(textV1, Request{Identifier: "administrator", Keys: []Key{HMACKey(vectorSecret)}, Now: at(0)})
		e.CheckKick(vectorTime+test.kicked, at(test.now))
		if got := why(e, "kick"); e.Code != test.code || len(e.Steps) != len(stepNames) || !strings.Contains(got, test.why) {
			t.Errorf("kicked %d, now %d: code %d, %q; want %d, %q", test.kicked, test.now, e.Code, got, test.code, test.why)
		}
	}
	e := Explain("xxx", Request{})
	e.CheckKick(1, at(0))
	if step, _ := e.Fault(); e.Code != 70003 || step.Name == "kick" || len(e.Steps) != len(stepNames) {
		t.Errorf("unreadable: %+v", e)
	}
}

// BenchmarkExplainMistake measures the cost of a signature that nothing
// explains.
func BenchmarkExplainMistake(b *testing.B) {
	other := make([]Key, 20)
	for i := range other {
		other[i] = HMACKey(fmt.Sprintf("%s%d", vectorSecret, i))
	}
	r := vectorRequest("administrator")
	r.Keys = other
	for b.Loop() {
		if e := Explain(textV1, r); e.Code != 70009 {
			b.Fatal(e)
		}
	}
}
