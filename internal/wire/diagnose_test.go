package wire

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

// compressed returns text compressed with the writer that open returns.
func compressed[W io.WriteCloser](t testing.TB, open func(io.Writer) W, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func utf16LE(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}

func TestDiagnose(t *testing.T) {
	const good = `{"UserID":"u1"}`
	for _, test := range []struct {
		name, body, want string
	}{
		{"form data", `Identifier=test&Nick=test`, "the body is form data; send JSON as the body itself"},
		{"multipart", "------WebKitFormBoundary7MA4\r\nContent-Disposition: form-data; name=\"UserID\"\r\n", "the body is multipart form data; send JSON as the body itself"},
		{"percent-encoded", "%7B%22UserID%22%3A%22u1%22%7D=", "the body is percent-encoded; send the JSON as it is"},
		{"base64", "eyJVc2VySUQiOiJ1MSJ9", "the body is encoded in base64; send the JSON as it is"},
		{"a Python dict", `{'UserID': 'u1'}`, "byte 2 is a single quote; JSON takes double quotes, and the text of a Python dict is not JSON"},
		{"a single quote later", `{"UserID": 'u1'}`, "byte 12 is a single quote; JSON takes double quotes, and the text of a Python dict is not JSON"},
		{"byte order mark", "\ufeff" + good, "the body starts with a byte order mark (bytes EF BB BF); leave it out"},
		{"UTF-16", utf16LE(good), "the body is encoded in UTF-16; encode it in UTF-8"},
		{"UTF-16 with its mark", "\xff\xfe" + utf16LE(good), "the body is encoded in UTF-16; encode it in UTF-8"},
		{"UTF-32", "{\x00\x00\x00\"\x00\x00\x00", "the body is encoded in UTF-32; encode it in UTF-8"},
		{"GBK", "{\"UserID\":\"u1\",\"Nick\":\"\xd6\xd0\xce\xc4\"}", "byte 24 (0xD6) is not UTF-8: the text looks like GBK; encode it in UTF-8"},
		{"Latin-1", "{\"UserID\":\"u1\",\"Nick\":\"Caf\xe9\"}", "byte 27 (0xE9) is not UTF-8: the text looks like Latin-1 or another encoding; encode it in UTF-8"},
		{"Latin-1 inside a word", "{\"Nick\":\"M\xfcller\"}", "byte 11 (0xFC) is not UTF-8: the text looks like Latin-1 or another encoding; encode it in UTF-8"},
		{"as many even runs as odd ones", "{\"Nick\":\"\xe9 \xe9\xe8\"}", "byte 10 (0xE9) is not UTF-8: the text looks like Latin-1 or another encoding; encode it in UTF-8"},
		{"a cut character", "{\"Nick\":\"中\xe6\x96\"}", "byte 13 (0xE6) is not UTF-8: a character was cut there; cut texts between characters, not between bytes"},
		{"a cut emoji", `{"Nick":"\ud83d"}`, "byte 10 begins half of a character, a surrogate without the other one; do not cut texts between the two"},
		{"the other half", `{"Nick":"x\ude00"}`, "byte 11 begins half of a character, a surrogate without the other one; do not cut texts between the two"},
		{"a cut body", `{"UserID":"u1"`, "the body ends early, at byte 14, with 1 bracket open; it was cut, or its Content-Length is too small"},
		{"cut inside a text", `{"UserID":"u`, "the body ends early, at byte 12, inside the text that begins at byte 11; it was cut, or its Content-Length is too small"},
		{"cut inside an escape", `{"UserID":"\u00`, "the body ends early, at byte 15, inside the text that begins at byte 11; it was cut, or its Content-Length is too small"},
		{"cut after a comma", `{"a":[1,`, "the body ends early, at byte 8, with 2 brackets open; it was cut, or its Content-Length is too small"},
		{"one brace", `{`, "the body ends early, at byte 1, with 1 bracket open; it was cut, or its Content-Length is too small"},
		{"gzip", compressed(t, gzip.NewWriter, good), "the body is compressed (gzip); send it uncompressed"},
		{"deflate", compressed(t, zlib.NewWriter, good), "the body is compressed (deflate); send it uncompressed"},
		{"zstd", "\x28\xb5\x2f\xfd\x04\x00x", "the body is compressed (zstd); send it uncompressed"},
		{"letters of a magic", "x^2", "the body begins with x at byte 1; a JSON object begins with {"},
		{"encoded twice", `"{\"UserID\":\"u1\"}"`, "the body was encoded as JSON twice, into a text that contains the object; encode it once"},
		{"a string", `"u1"`, "the body is a JSON string; send an object"},
		{"no braces", `"UserID":"u1"`, "the body begins with a text, not with {; put braces around it"},
		{"a key twice", `{"UserID":"a","UserID":"b"}`, "the body has UserID twice, again at byte 15; send each key once"},
		{"a key twice inside", `{"AccountList":[{},{"Nick":"a","Nick":"b"}]}`, "the body has AccountList[1].Nick twice, again at byte 32; send each key once"},
		{"an odd key twice", `{"a b":1,"a b":2}`, `the body has "a b" twice, again at byte 10; send each key once`},
		{"an array", `[{"UserID":"a"}]`, `the body is an array; send an object that holds it, {"AccountList":[...]}`},
		{"an object of JavaScript", `[object Object]`, "the body is the text of an object of JavaScript; send JSON.stringify of it"},
		{"XML", "<?xml version=\"1.0\"?>", "the body is XML or HTML; send JSON"},
		{"undefined", "undefined", "the body is the word undefined, as of a variable without a value; send a JSON object"},
		{"a second object", "{}\n{}", "a second object begins at byte 4; send one object in a call"},
		{"a brace too many", `{"a":{}}}`, "byte 9 is a } too many; remove it"},
		{"text behind", `{} x`, "byte 4, x, comes after the end of the object; send nothing after it"},
		{"a C string", "{}\x00", "byte 3 is a zero byte; send the text without the zero that ends it in C"},
		{"comment", "{\n// who\n\"UserID\":\"a\"}", "byte 3 is a comment; JSON has none"},
		{"comment behind", `{} # end`, "byte 4 is a comment; JSON has none"},
		{"trailing comma", `{"a":1,}`, "byte 8 ends an object after a comma; remove the comma"},
		{"trailing comma of an array", `{"a":[1,]}`, "byte 9 ends an array after a comma; remove the comma"},
		{"NaN", `{"a":NaN}`, "byte 6 begins NaN, which is no JSON value; write null or leave the key out"},
		{"Infinity", `{"a":-Infinity}`, "byte 6 begins Infinity, which is no JSON value; write null or leave the key out"},
		{"None", `{"a":None}`, "byte 6 begins None, which is no JSON value; write null or leave the key out"},
		{"True", `{"a":True}`, "byte 6 begins True, which is no JSON value; write it in lower case"},
		{"a word", `{"a":alice}`, "byte 6 begins alice, which is no JSON value; quote texts with double quotes"},
		{"an unquoted key", `{UserID:"a"}`, `the key UserID at byte 2 is not quoted; write "UserID"`},
		{"a later unquoted key", `{"a":1, Nick:"a"}`, `the key Nick at byte 9 is not quoted; write "Nick"`},
		{"a raw line feed", "{\"a\":\"x\ny\"}", `byte 8 is a raw line feed inside a text; write \n`},
		{"a raw tab in a key", "{\"a\t\":1}", `byte 4 is a raw tab inside a text; write \t`},
		{"a raw control character", "{\"a\":\"\x01\"}", `byte 7 is a raw control character 0x01 inside a text; write \u0001`},
		{"an escape", `{"a":"C:\dir"}`, `byte 9 begins the escape \d, which JSON does not have; write \\ for a backslash`},
		{"an escape of no digits", `{"a":"\user"}`, `byte 7 begins a \u without four hexadecimal digits; write \u0041, or \\ for a backslash`},
		{"too deep", nested(MaxDepth + 1), "the body is nested deeper than 32 levels, at byte 37; send flat data"},
		{"no comma", `{"a":1 "b":2}`, "a comma is missing before byte 8; separate values with commas"},
		{"no colon", `{"a" 1}`, `byte 6 is 1, where a colon must follow the key; write {"key":value}`},
		{"an arrow", `{"a"=>1}`, `byte 5 is =, where a colon must follow the key; write {"key":value}`},
		{"no value", `{"a":}`, "byte 6 is }, where a value must stand; write null or leave the key out"},
		{"two commas", `{"a":1,,"b":2}`, "byte 8 is ,, where a key in double quotes must stand; correct it"},
		{"a leading zero", `{"a":01}`, "the number stops being one of JSON at byte 7, 1; write it like -12.5e3, or quote it"},
		{"a hexadecimal number", `{"a":0x1F}`, "the number stops being one of JSON at byte 7, x; write it like -12.5e3, or quote it"},
		{"a plus", `{"a":+1}`, "the number stops being one of JSON at byte 6, +; write it like -12.5e3, or quote it"},
		{"a quote inside", `{"Nick":"a "b" c"}`, "byte 13 is b, after a value; a comma is missing, or a quote inside a text is not escaped as \\\""},
		{"mismatched brackets", `{"a":[1}`, "byte 8 is }, but [ was opened last; close that first"},
		{"typographic quotes", "{“a”:1}", `byte 2 is a typographic quote; write "`},
		{"a full-width colon", `{"a"：1}`, "byte 5 is a full-width punctuation mark; write it in ASCII"},
		{"a no-break space", "{\u00a0\"a\":1}", "byte 2 is an invisible character; use ordinary spaces"},
		{"letters", "hello world", "the body begins with h at byte 1; a JSON object begins with {"},
		{"binary", "\x89PNG\r\n", "byte 1 (0x89) is not UTF-8: the text looks like Latin-1 or another encoding; encode it in UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Decode([]byte(test.body), new(MultiImportRequest)); err != ErrJSON {
				t.Fatalf("Decode(%q) = %v, want %v", test.body, err, ErrJSON)
			}
			if got := Diagnose([]byte(test.body), new(MultiImportRequest)); got != test.want {
				t.Errorf("Diagnose(%q)\n got: %s\nwant: %s", test.body, got, test.want)
			}
		})
	}
}

// TestDiagnosisIsBounded diagnoses bodies that could make the sentence long.
func TestDiagnosisIsBounded(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	deep := strings.Repeat(`{"`+strings.Repeat(`é\"`, 20)+`":`, MaxDepth)
	for _, body := range []string{
		long, `{` + long, `{"` + long + `":1,"` + long + `":2}`, `{"a":` + long + `}`, `{"a":"` + long, `"` + long + `"`, long + "=1",
		deep[:len(deep)-1] + `:{"a":1,"a":2`, strings.Repeat(`{"1":`, MaxDepth-1) + `{"a":1,"a":2`,
	} {
		checkDiagnosis(t, []byte(body))
	}
}

func FuzzDiagnose(f *testing.F) {
	for _, seed := range []string{
		`{'a':1}`, `{"a":1,}`, `[1]`, "\xff\xfe{\x00", `{"a":"\ud800"}`, `{"a":1,"a":2}`, `a=1`, `{"a":"` + "\xe9", nested(MaxDepth + 1), `{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if Decode(body, new(MultiImportRequest)) == ErrJSON {
			checkDiagnosis(t, body)
		}
	})
}

// checkDiagnosis checks the promise for every refused body: the sentence is
// specific, short, fit for a header, and quotes only a little of the body.
func checkDiagnosis(t *testing.T, body []byte) {
	t.Helper()
	got := Diagnose(body, new(MultiImportRequest))
	if got == "" || len(got) > maxDiagnosis || !printable(got) {
		t.Errorf("Diagnose(%.80q) = %q", body, got)
	}
	if got == ErrJSON.Error() {
		t.Errorf("Diagnose(%.80q) does not say what is wrong", body)
	}
	const most = 90 // bytes of the body in the sentence
	for i := range max(len(got)-most, 0) {
		if bytes.Contains(body, []byte(got[i:i+most])) {
			t.Errorf("Diagnose(%.80q) repeats %q", body, got[i:i+most])
		}
	}
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}
