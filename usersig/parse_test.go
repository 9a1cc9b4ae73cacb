package usersig

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// good is a valid payload. Tests change parts of it.
const good = `{"TLS.ver":"2.0","TLS.identifier":"u","TLS.sdkappid":1400000000,"TLS.expire":86400,"TLS.time":1700000000,"TLS.sig":"AAAA"}`

// good1 is the same payload in version 1.
const good1 = `{"TLS.account_type":"0","TLS.identifier":"u","TLS.appid_at_3rd":"0","TLS.sdk_appid":"1400000000",` +
	`"TLS.expire_after":"86400","TLS.time":"1700000000","TLS.sig":"AAAA"}`

// TestParsePayload replaces a part of a valid payload. WantErr is a part of the
// error, or empty if the payload is still valid.
func TestParsePayload(t *testing.T) {
	tests := []struct{ name, base, old, with, wantErr string }{
		{"good", good, "", "", ""},
		{"good version 1", good1, "", "", ""},
		{"white space around", good, good, " \t\r\n" + good + "\r\n ", ""},
		{"white space between", good, ":", " \n: \t", ""},
		{"bad signature is readable", good, "AAAA", "!", ""},
		{"negative expiry", good, "86400", "-86400", ""},
		{"sixteen members", good, "}", extraMembers(10) + "}", ""},
		{"seventeen members", good, "}", extraMembers(11) + "}", "more than 16 members"},
		{"bytes after", good, good, good + "x", "not valid JSON"},
		{"NUL after", good, good, good + "\x00", "not valid JSON"},
		{"two objects", good, good, good + good, "not valid JSON"},
		{"empty", good, good, "", "not valid JSON"},
		{"array", good, good, "[1]", "not an object"},
		{"string", good, good, `"TLS.ver"`, "not an object"},
		{"empty object", good, good, "{}", "neither TLS.ver nor TLS.sdk_appid"},
		{"nested object", good, "86400", `{"a":1}`, "object or an array"},
		{"nested array", good, "86400", `[86400]`, "object or an array"},
		{"duplicate", good, "}", `,"TLS.identifier":"v"}`, `"TLS.identifier" stands twice`},
		{"duplicate by escape", good, "}", `,"TLS\u002eidentifier":"v"}`, `"TLS.identifier" stands twice`},
		{"duplicate unknown", good, "}", `,"x":1,"x":1}`, `"x" stands twice`},
		{"invalid UTF-8", good, `"u"`, "\"\xff\"", "not valid JSON"},
		{"other version", good, "2.0", "3.0", `"3.0"`},
		{"version as number", good, `"2.0"`, "2.0", "TLS.ver is not a string"},
		{"name in other case", good, "TLS.identifier", "TLS.Identifier", "TLS.identifier is missing"},
		{"null", good, `"u"`, "null", "TLS.identifier is missing"},
		{"no identifier", good, `"u"`, `""`, "identifier is empty"},
		{"identifier of two lines", good, `"u"`, `"u\nv"`, "line feed"},
		{"identifier as number", good, `"u"`, "7", "TLS.identifier is not a string"},
		{"no time", good, "TLS.time", "x", "TLS.time is missing"},
		{"no signature", good, "TLS.sig", "x", "TLS.sig is missing"},
		{"signature as number", good, `"AAAA"`, "1", "TLS.sig is not a string"},
		{"string for number", good, "86400", `"86400"`, "TLS.expire is a string"},
		{"boolean for number", good, "86400", "true", "TLS.expire is not a plain integer"},
		{"fraction", good, "86400", "86400.0", "TLS.expire is not a plain integer"},
		{"exponent", good, "86400", "864e2", "TLS.expire is not a plain integer"},
		{"minus zero", good, "86400", "-0", "TLS.expire is not a plain integer"},
		{"over int64", good, "86400", "9223372036854775808", "TLS.expire is not a plain integer"},
		{"app over uint32", good, "1400000000", "4294967296", "not an SDKAppID"},
		{"negative app", good, "1400000000", "-1", "not an SDKAppID"},
		{"largest app", good, "1400000000", "4294967295", ""},
		{"userbuf", good, "}", `,"TLS.userbuf":"YWJj"}`, ""},
		{"userbuf with line end", good, "}", `,"TLS.userbuf":"YW\nJj\n"}`, ""},
		{"userbuf with padding", good, "}", `,"TLS.userbuf":"YWI="}`, ""},
		{"userbuf with stray bits", good, "}", `,"TLS.userbuf":"YWJ="}`, ""},
		{"userbuf of any text", good, "}", `,"TLS.userbuf":"{\"room\":1}"}`, ""},
		{"userbuf that reads as fields", good, "}", `,"TLS.userbuf":"x\nTLS.sdkappid:1"}`, "a line of TLS.userbuf reads as another field"},
		{"userbuf as number", good, "}", `,"TLS.userbuf":1}`, "TLS.userbuf is not a string"},
		{"version 1, leading zero", good1, `"86400"`, `"086400"`, "TLS.expire_after is not a plain integer"},
		{"version 1, plus sign", good1, `"86400"`, `"+86400"`, "TLS.expire_after is not a plain integer"},
		{"version 1, space", good1, `"86400"`, `" 86400"`, "TLS.expire_after is not a plain integer"},
		{"version 1, empty number", good1, `"86400"`, `""`, "TLS.expire_after is not a plain integer"},
		{"version 1, line in number", good1, `_3rd":"0"`, `_3rd":"0\n1"`, "TLS.appid_at_3rd holds a line feed"},
		{"version 1, text for third app", good1, `_3rd":"0"`, `_3rd":"wx1"`, ""},
		{"version 1, number for third app", good1, `_3rd":"0"`, `_3rd":7`, ""},
		{"version 1, truth for third app", good1, `_3rd":"0"`, `_3rd":true`, "TLS.appid_at_3rd is not a plain integer"},
		{"version 1, no third app", good1, "TLS.appid_at_3rd", "x", ""},
		{"version 1, empty account type", good1, `_type":"0"`, `_type":""`, ""},
		{"version 1, line in account type", good1, `_type":"0"`, `_type":"0\n"`, "TLS.account_type holds a line feed"},
		{"version 1, identifier true", good1, `"u"`, `true`, "TLS.identifier is not a plain integer"},
		{"version 1, no account type", good1, "TLS.account_type", "x", "TLS.account_type is missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			payload := strings.Replace(test.base, test.old, test.with, 1)
			s, err := Parse(envelop(t, payload, zlib.DefaultCompression))
			if test.wantErr == "" {
				if err != nil || s == nil {
					t.Errorf("Parse = %v, %v", s, err)
				}
				return
			}
			if !sameReason(err, &Error{Reason: Malformed}) || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("Parse: %v; want %q", err, test.wantErr)
			}
		})
	}
}

func extraMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":%d`, i, i)
	}
	return b.String()
}

func TestParseEnvelope(t *testing.T) {
	packed := deflate(t, good)
	encode := func(b []byte) string { return escape(base64.StdEncoding.EncodeToString(b)) }
	text := encode(packed)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	badSum := bytes.Clone(packed)
	badSum[len(badSum)-1] ^= 1
	dictionary := append([]byte{0x78, 0xbb, 0, 0, 0, 2}, packed[2:]...)
	tests := []struct{ name, text, wantErr string }{
		{"good", text, ""},
		{"empty", "", "it is empty"},
		{"not base64", "x!xx", `byte 2 is "!"`},
		{"three letters", "xxx", "no multiple of four"},
		{"not ASCII", "用户xx", "it is not base64: byte 1"},
		{"cut in a group", text[:len(text)-3], "no multiple of four"},
		{"percent-encoded", strings.ReplaceAll(text, "_", "%5F") + "%2A", "percent-encoded"},
		{"plus as space", " " + text[1:], "a space stands in it"},
		{"line end", text + "\n", "line end"},
		{"padding in the middle", "__" + text[2:], `byte 1 is "_", which stands at the end only`},
		{"one byte", encode(packed[:1]), "ends early"},
		{"header only", encode(packed[:2]), "ends early"},
		{"half", encode(packed[:len(packed)/2]), "ends early"},
		{"no checksum", encode(packed[:len(packed)-4]), "ends early"},
		{"wrong checksum", encode(badSum), "checksum"},
		{"bytes after", encode(append(bytes.Clone(packed), 0, 0)), "2 bytes follow"},
		{"zlib forgotten", encode([]byte(good)), "zlib step was forgotten"},
		{"gzip", encode(gz.Bytes()), "gzip"},
		{"raw deflate", encode(packed[2:]), "not zlib data"},
		{"preset dictionary", encode(dictionary), "not zlib data"},
		{"bad block", encode([]byte{0x78, 0x9c, 0xff, 0xff, 0xff, 0xff}), "damaged"},
		{"longest JSON", envelop(t, good+strings.Repeat(" ", MaxInflated-len(good)), zlib.BestCompression), ""},
		{"JSON too long", envelop(t, good+strings.Repeat(" ", MaxInflated-len(good)+1), zlib.BestCompression), "more than 8192"},
		{"bomb", envelop(t, good+strings.Repeat(" ", 2<<20), zlib.BestCompression), "more than 8192"},
		{"longest text", longText(t, MaxText), ""},
		{"text too long", longText(t, MaxText+4), "4100 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.text)
			if test.wantErr == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !sameReason(err, &Error{Reason: Malformed}) || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("Parse: %v; want %q", err, test.wantErr)
			}
		})
	}
}

// TestParseEveryCut cuts a text at each byte. The result must always be
// malformed.
func TestParseEveryCut(t *testing.T) {
	for i := range len(textV1) {
		if _, err := Parse(textV1[:i]); !sameReason(err, &Error{Reason: Malformed}) {
			t.Fatalf("cut at %d: Parse = %v", i, err)
		}
	}
}

func deflate(t testing.TB, payload string) []byte {
	t.Helper()
	return unbase64(t, strings.NewReplacer("*", "+", "-", "/", "_", "=").Replace(envelop(t, payload, zlib.DefaultCompression)))
}

// longText returns a text of exactly n bytes that can be parsed. It is stored
// uncompressed.
func longText(t testing.TB, n int) string {
	t.Helper()
	for pad := n/4*3 - len(good) - 32; pad < n; pad++ { // zlib adds some 20 bytes
		if text := envelop(t, good+strings.Repeat(" ", pad), zlib.NoCompression); len(text) == n {
			return text
		}
	}
	t.Fatalf("no text of %d bytes", n)
	return ""
}

// TestParseKeepsNothing parses a second text with the same buffers.
func TestParseKeepsNothing(t *testing.T) {
	var first []*Sig
	for _, v := range vectorTexts {
		s, err := Parse(v.text)
		if err != nil {
			t.Fatal(err)
		}
		first = append(first, s)
	}
	for i, v := range vectorTexts {
		if first[i].Identifier != v.identifier || base64.StdEncoding.EncodeToString(first[i].UserBuf) != v.userBuf {
			t.Errorf("%s became %+v", v.name, first[i])
		}
	}
}
