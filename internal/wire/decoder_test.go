package wire

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// same fails if a method of a Decoder and Decode differ on body.
func same[Req any](t *testing.T, decode func([]byte) (*Req, error), body string) {
	t.Helper()
	want := new(Req)
	wantErr := Decode([]byte(body), want)
	got, err := decode([]byte(body))
	if !errors.Is(err, wantErr) {
		t.Fatalf("%q: error %v; Decode: %v", body, err, wantErr)
	}
	if err != nil {
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%q (-Decode +Decoder):\n%s", body, diff)
	}
}

func sameAll(t *testing.T, d *Decoder, body string) {
	t.Helper()
	same(t, d.MultiImport, body)
	same(t, d.Check, body)
	same(t, d.Import, body)
	same(t, d.Status, body)
}

// edgeCases are values and fragments that a fast parser may get wrong. The
// tests put each of them into each place of each body.
var edgeCases = []string{
	``, `null`, `nul`, `nullx`, `NULL`, `true`, `false`, `0`, `-0`, `01`, `1e5`, `1.`, `18446744073709551616`, `NaN`, `[]`, `{}`, `["a"]`, `{"UserID":"a"}`,
	`""`, `"a"`, ` "a" `, "\t\"a\"\r\n", "\v\"a\"", "\u00a0\"a\"", `'a'`, `a`, `"`, `"a`, `"a""b"`, `"a" "b"`, `"a"x`, `"a",`, `,"a"`, `"a","a"`,
	`"\u0000"`, `"\u0061"`, `"\u00E9\u00e9"`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\u0061"`, `"\ud83d\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`,
	`"\u12"`, `"\u12g4"`, `"\u 123"`, `"\U0061"`, `"\x41"`, `"\'"`, `"\0"`, `"\"`, `"\\"`, `"\\\"`, `"\""`, `"\/"`, `"/"`, `"\b\f\n\r\t"`, `"a\tb\"c\\d"`,
	"\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\n\"", "\"\t\"", "\"aaaaaaa\n\"", "\"aaaaaaaa\n\"", "\"é\"", "\"\u4e2d\u6587\U0001f600\"", "\"\u2028\u2029\ufeff\ufffd\"",
	"\"\xff\"", "\"\xc0\x80\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe4\xb8\"", "\"aaaaaaaa\xff\"", "\"\\n\xff\"", "\"\xff\\n\"", "\"<>&'\"",
	`"0123456"`, `"01234567"`, `"012345678"`, "\"0123456\u00e9\"", `"0123456\n"`, `"01234567\n"`, `"` + strings.Repeat("x", 1000) + `"`,
	nested(MaxDepth - 4), nested(MaxDepth), nested(MaxDepth + 1), `{"x":1,"x":2}`, `[{"x":1,"x":2}]`, `/**/null`, "\ufeff\"a\"",
}

// places are bodies with a gap, %s, for an edge case.
var places = []string{
	`%s`, ` %s `, `{%s}`, `{%s:"a"}`, `{"AccountList":%s}`, `{"Accounts":%s}`, `{"CheckItem":%s}`, `{"UserID":%s}`,
	`{"Accounts":[%s]}`, `{"Accounts":["a",%s,"b"]}`, `{"Accounts":["a"%s]}`, `{"Accounts":["a"]%s}`, `{"Accounts":["a"]}%s`, `%s{"Accounts":["a"]}`,
	`{"Accounts":["a"],%s:"a"}`, `{"Accounts":["a"],"Accounts":%s}`, `{"Accounts":["a"],"AccountList":%s}`, `{"Accounts":["a"],"x":%s}`, `{"Accounts"%s:["a"]}`,
	`{"AccountList":[%s]}`, `{"AccountList":[{"UserID":"a"},%s]}`, `{"AccountList":[{%s}]}`, `{"AccountList":[{"UserID":%s}]}`, `{"AccountList":[{"UserID":%s,"Nick":"n","FaceUrl":"f"}]}`,
	`{"AccountList":[{"UserID":"a","Nick":%s}]}`, `{"AccountList":[{"UserID":"a","FaceUrl":%s}]}`, `{"AccountList":[{"UserID":"a","x":%s}]}`, `{"AccountList":[{"UserID":"a",%s:"b"}]}`,
	`{"AccountList":[{"UserID":"a"%s}]}`, `{"AccountList":[{"UserID":"a","UserID":%s}]}`, `{"AccountList":[{"Nick":null,"Nick":%s}]}`, `{"AccountList":[{"Nick":%s},{"Nick":%[1]s}]}`,
	`{"CheckItem":[%s]}`, `{"CheckItem":[{"UserID":%s}]}`, `{"CheckItem":[{"UserID":"a"},{"UserID":%s}]}`, `{"CheckItem":[{%s:"a"}]}`, `{"CheckItem":[{"UserID":"a"}]%s}`,
	`{"To_Account":%s}`, `{"To_Account":[%s]}`, `{"To_Account":["a",%s]}`, `{"To_Account":["a"],"IsNeedDetail":%s}`, `{"IsReturnInstid":%s,"To_Account":["a"]}`, `{"IsReturnCustomStatus":1,"To_Account":["a"],"IsNeedDetail":%s}`,
	`{"To_Account":["a"],"IsNeedDetail":1,"IsNeedDetail":%s}`, `{"To_Account":["a"],"To_Account":%s}`, `{"To_Account":["a"],"IsNeedDetail":1%s}`, `{"To_Account":["a"],"IsNeedDetail":0%s,"IsReturnInstid":1}`, `{"To_Account":["a"],"x":%s}`, `{"IsNeedDetail":%s}`,
	`{"UserID":"a","Nick":%s}`, `{"Identifier":%s,"FaceUrl":"f"}`, `{"UserID":"a","Type":%s}`, `{"UserID":"a","UserID":%s}`, `{"UserID":"a"%s}`, `{"UserID":"a"}%s`, `{"Nick":%s,"Nick":%[1]s}`,
}

// TestDecoderEdgeCases puts every edge case into every place.
func TestDecoderEdgeCases(t *testing.T) {
	var d Decoder
	for _, place := range places {
		for _, oddity := range edgeCases {
			sameAll(t, &d, fmt.Sprintf(place, oddity))
		}
	}
}

// TestDecoderNames decodes bodies whose names differ only slightly from those
// of members.
func TestDecoderNames(t *testing.T) {
	var d Decoder
	for _, name := range []string{
		"UserID", "userid", "USERID", "UserId", "Userid", "UserID ", " UserID", "UserI", "UserIDs", "User\\u0049D", "\\u0055serID", "UserID\\n", "UserID\n", "UserID\t", "UserID\x00",
		"UserID\\", "UserID\xff", "", "Nick", "nick", "FaceUrl", "FaceURL", "Identifier", "identifier", "CheckItem", "Accounts", "AccountList", "accountlist",
		"To_Account", "to_account", "To_account", "IsNeedDetail", "isNeedDetail", "IsReturnInstid", "IsReturnCustomStatus",
	} {
		for _, place := range []string{
			`{"%s":"a"}`, `{"%s":["a"]}`, `{"%s":[{"UserID":"a"}]}`, `{"AccountList":[{"%s":"a"}]}`, `{"AccountList":[{"UserID":"a","%s":"b"}]}`, `{"CheckItem":[{"%s":"a"}]}`,
			`{"UserID":"a","%s":"b"}`, `{"CheckItem":[{"UserID":"a"}],"%s":1}`, `{"To_Account":["a"],"%s":1}`, `{"%s":1,"To_Account":["a"]}`,
		} {
			sameAll(t, &d, fmt.Sprintf(place, name))
		}
	}
}

// TestDecoderCutOff cuts bodies off after every byte, and corrupts every byte.
func TestDecoderCutOff(t *testing.T) {
	var d Decoder
	for _, body := range []string{
		`{ "AccountList" : [ {"UserID":"a","Nick":"é\n","FaceUrl":null} , {"UserID":"bbbbbbbbbb"} ] } `,
		`{"Accounts":["a","\u4e2d\u6587","0123456789"]}`, `{"CheckItem":[{"UserID":"a"},{}]}`, `{"Identifier":"a","Nick":"\"","FaceUrl":"f","UserID":null}`,
		`{"IsNeedDetail":1,"To_Account":["a","\u4e2d"],"IsReturnInstid": 0 }`,
	} {
		for i := range len(body) {
			sameAll(t, &d, body[:i])
			for _, c := range "\x00 \n\"\\,:{}[]nu0x\x80\xff" {
				sameAll(t, &d, body[:i]+string([]byte{byte(c)})+body[i+1:])
				sameAll(t, &d, body[:i]+string([]byte{byte(c)})+body[i:])
			}
		}
	}
}

func TestDecoderCounts(t *testing.T) {
	var d Decoder
	for _, n := range []int{0, 1, 99, 100, 101, 1000} {
		for _, format := range []string{`"u%d"`, `{"UserID":"u%d"}`, `{"UserID":"u%d","Nick":"n"}`, `%d`} {
			for _, list := range []string{"Accounts", "AccountList", "CheckItem", "To_Account"} {
				sameAll(t, &d, batch(list, format, n))
			}
		}
	}
}

// TestDecoderReadsCommonShapes fails if the Decoder passes common shapes to
// Decode. The result would be right, but slow.
func TestDecoderReadsCommonShapes(t *testing.T) {
	var d Decoder
	for _, body := range []string{
		batch("AccountList", `{"UserID":"u%d","Nick":"中文 \"x\"","FaceUrl":"https:\/\/example.com\/\u4e2d.png"}`, 100),
		batch("AccountList", ` { "Nick" : null, "UserID" : "u%d" } `, 1),
		batch("Accounts", `"u%d"`, 100),
	} {
		if got, err := d.MultiImport([]byte(body)); err != nil || got != &d.imports {
			t.Errorf("MultiImport left %.80q… to Decode (%v)", body, err)
		}
	}
	if got, err := d.Check([]byte(batch("CheckItem", `{"UserID":"u%d"}`, 100))); err != nil || got != &d.check {
		t.Errorf("Check left its body to Decode (%v)", err)
	}
	for _, body := range []string{batch("To_Account", `"u%d"`, 500), `{"IsNeedDetail":1,"To_Account":["a"], "IsReturnInstid" : 0,"IsReturnCustomStatus":1}`} {
		if got, err := d.Status([]byte(body)); err != nil || got != &d.status {
			t.Errorf("Status left %.80q… to Decode (%v)", body, err)
		}
	}
	if got, err := d.Import([]byte(`{"Identifier":"a","Nick":"n","FaceUrl":""}`)); err != nil || got != &d.single {
		t.Errorf("Import left its body to Decode (%v)", err)
	}
}

// TestDecoderForgets checks that the Decoder keeps nothing of a body, neither
// for the next one nor in its memory.
func TestDecoderForgets(t *testing.T) {
	var d Decoder
	long := batch("AccountList", `{"UserID":"u%d","Nick":"\n","FaceUrl":"f"}`, 100)
	if _, err := d.MultiImport([]byte(long)); err != nil {
		t.Fatal(err)
	}
	sameAll(t, &d, `{"AccountList":[{},{"UserID":null}]}`)
	sameAll(t, &d, `{"Nick":"n"}`)
	sameAll(t, &d, `{}`)
	d.Reset()
	for i, item := range d.imports.AccountList.V[:cap(d.imports.AccountList.V)] {
		if item != (Object[ImportItem]{}) {
			t.Errorf("item %d is still %+v", i, item)
		}
	}
	if _, err := d.MultiImport([]byte(`{"Accounts":["\n"]}` + strings.Repeat(" ", 2*keepText))); err != nil {
		t.Fatal(err)
	}
	if d.Reset(); cap(d.text) > keepText {
		t.Errorf("a buffer of %d bytes is kept", cap(d.text))
	}
}

// batch returns a body whose list has n items. Each item is the format applied
// to its index.
func batch(list, format string, n int) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return `{"` + list + `":[` + strings.Join(items, ",") + `]}`
}

func TestPlain(t *testing.T) {
	for at := range 20 {
		for c := range 256 {
			b := []byte(strings.Repeat("x", 20))
			b[at] = byte(c)
			want := at
			if c >= ' ' && c < 0x80 && c != '"' && c != '\\' {
				want = len(b)
			}
			if got := plain(b); got != want {
				t.Errorf("byte %#x at %d: plain = %d, want %d", c, at, got, want)
			}
			b[(at+7)%20] ^= 0x80 // another one, before or after
			if got, want := plain(b), min(want, (at+7)%20); got != want {
				t.Errorf("byte %#x at %d, and another: plain = %d, want %d", c, at, got, want)
			}
		}
	}
}

func FuzzMultiImportFast(f *testing.F) {
	seed(f, "FuzzBodyMultiaccountImport", "Account")
	var d Decoder
	f.Fuzz(func(t *testing.T, body string) { same(t, d.MultiImport, body) })
}

func FuzzCheckFast(f *testing.F) {
	seed(f, "FuzzBodyAccountCheck", "CheckItem")
	var d Decoder
	f.Fuzz(func(t *testing.T, body string) { same(t, d.Check, body) })
}

func FuzzImportFast(f *testing.F) {
	seed(f, "FuzzBodyAccountImport", "UserID")
	var d Decoder
	f.Fuzz(func(t *testing.T, body string) { same(t, d.Import, body) })
}

// seed adds bodies that contain part: the edge cases in their places, the
// bodies that fuzzing of package api has found, and the bodies of the
// transcripts.
func seed(f *testing.F, fuzz, part string) {
	f.Helper()
	for _, place := range places {
		for _, oddity := range edgeCases {
			if body := fmt.Sprintf(place, oddity); strings.Contains(body, part) {
				f.Add(body)
			}
		}
	}
	for _, file := range append(glob(f, filepath.Join("../api/testdata/fuzz", fuzz, "*")), glob(f, "testdata/fuzz/FuzzDecode/*")...) {
		_, value, _ := strings.Cut(file, "(")
		body, err := strconv.Unquote(strings.TrimSuffix(strings.TrimSpace(value), ")"))
		if err != nil {
			f.Fatalf("%q: %v", file, err)
		}
		f.Add(body)
	}
	for _, file := range glob(f, "../../conformance/testdata/*.txt") {
		for line := range strings.Lines(file) {
			if strings.Contains(line, part) {
				f.Add(strings.TrimSpace(line[max(strings.IndexByte(line, '{'), 0):]))
			}
		}
	}
}

// glob returns the contents of the files that match pattern. It fails if there
// are none.
func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		tb.Fatalf("%s: no files, %v", pattern, err)
	}
	var files []string
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, string(b))
	}
	return files
}

func BenchmarkDecode(b *testing.B) {
	var d Decoder
	plain := []byte(batch("AccountList", `{"UserID":"user_%08d","Nick":"Nick of user","FaceUrl":"https://example.com/face/1.png"}`, 100))
	escaped := []byte(batch("AccountList", `{"UserID":"user_%08d","Nick":"\u4e2d\u6587","FaceUrl":"https:\/\/example.com\/1.png"}`, 100))
	ids := []byte(batch("Accounts", `"user_%08d"`, 100))
	check := []byte(batch("CheckItem", `{"UserID":"user_%08d"}`, 100))
	for _, bench := range []struct {
		name   string
		decode func() error
	}{
		{"import", func() error { _, err := d.MultiImport(plain); return err }},
		{"import/escaped", func() error { _, err := d.MultiImport(escaped); return err }},
		{"import/ids", func() error { _, err := d.MultiImport(ids); return err }},
		{"import/generic", func() error { return Decode(plain, new(MultiImportRequest)) }},
		{"check", func() error { _, err := d.Check(check); return err }},
		{"check/generic", func() error { return Decode(check, new(CheckRequest)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNoAllocs checks that common bodies and responses cause no allocation once
// reusable memory exists.
func TestNoAllocs(t *testing.T) {
	var d Decoder
	var buf []byte
	list := []byte(batch("AccountList", `{"UserID":"user_%08d","Nick":"\u4e2d\u6587","FaceUrl":"https:\/\/example.com\/1.png"}`, 100))
	ids, check := []byte(batch("Accounts", `"user_%08d"`, 100)), []byte(batch("CheckItem", `{"UserID":"user_%08d"}`, 100))
	single, response := []byte(`{"UserID":"a","Nick":"中文","FaceUrl":null}`), checkResponse(100)
	failed := &MultiImportResponse{Head: Success, FailAccounts: []string{"a", "é"}}
	for name, do := range map[string]func() error{
		"import":            func() error { _, err := d.MultiImport(list); return err },
		"ids":               func() error { _, err := d.MultiImport(ids); return err },
		"check":             func() error { _, err := d.Check(check); return err },
		"single":            func() error { _, err := d.Import(single); return err },
		"import response":   func() (err error) { buf, err = Append(buf[:0], failed); return err },
		"check response":    func() (err error) { buf, err = Append(buf[:0], response); return err },
		"single's response": func() (err error) { buf, err = Append(buf[:0], &SuccessInfoFirst); return err },
	} {
		got := testing.AllocsPerRun(100, func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
		if got > 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}
