package source

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// FuzzRead reads anything in any form. It checks what a caller relies on.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		table3, "sep=;\nuserid;nick\n\"a\";\"b\nc\"\r\n", "[{\"userid\":\"a\"},\"b\"]", `{"Accounts":["a"]}` + "\n{}", "{\"userid\":\"\\u4e00\"}\n{\"nick\":null}\n",
		"alice\n", "\xff\xfeu\x00", "PK\x03\x04", gzipped(f, table3), zstandard(f, table3),
	} {
		for _, format := range []Format{"", CSV, NDJSON, JSON, IDs} {
			f.Add([]byte(text), string(format), "", byte(0))
		}
		f.Add([]byte(text), "", "gbk", byte(';'))
		f.Add([]byte(text), "", "utf-16le", byte(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, format, encoding string, delimiter byte) {
		o := Options{Format: Format(format), Encoding: encoding, Delimiter: delimiter}
		if o.Check() != nil {
			return
		}
		line := 0
		for r, err := range Read([]string{Stdin}, bytes.NewReader(text), o) {
			if err != nil {
				if e, ok := err.(*Error); !ok || e.Why == "" || e.File == "" || strings.ContainsAny(e.Why, "\r\n") {
					t.Errorf("error %#v", err)
				}
				return
			}
			if r.Line < max(line, 1) || len(r.Raw) > MaxRecord+1 || r.File.Format == "" {
				t.Errorf("row %+v after line %d", r, line)
			}
			line = r.Line
			if r.Fault == "" && (r.UserID == nil || len(r.UserID) > MaxRecord) {
				t.Errorf("row without a fault and an id: %+v", r)
			}
		}
	})
}

// FuzzCSV compares the parser with that of the standard library: what it takes, the other
// takes too, with the same values.
func FuzzCSV(f *testing.F) {
	f.Add("a,b\n\"c\",\"d\"\"\n\"\r\n,\n")
	f.Add("\"a\n\nb\",c\n\nd,\"e\"")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\r") {
			return // the standard library drops CRs inside of values
		}
		rows, err := readString("userid,nick\n"+text, Options{Format: CSV, Delimiter: ','})
		if err != nil {
			return
		}
		std := csv.NewReader(strings.NewReader("userid,nick\n" + text))
		std.FieldsPerRecord = -1
		records, err := std.ReadAll()
		if err != nil {
			for _, r := range rows {
				if r.Fault != "" {
					return
				}
			}
			t.Fatalf("no fault in %q, but %v", text, err)
		}
		if len(records) != len(rows)+1 {
			t.Fatalf("%d rows, want %d", len(rows), len(records)-1)
		}
		for i, r := range rows {
			if want := records[i+1]; r.Fault == "" && (len(want) != 2 || r.UserID != want[0] || r.Nick != want[1]) {
				t.Errorf("row %+v, want %q", r, want)
			}
		}
	})
}

// FuzzJSON compares the rows of an array with what a decoder of the whole array says.
func FuzzJSON(f *testing.F) {
	f.Add(`[{"userid":"a","nick":"\"}"},{"userid":"b"}]`)
	f.Add("[ {\"nick\":\"\\\\\",\n\"userid\":\"]\"} ]")
	f.Fuzz(func(t *testing.T, text string) {
		var want []struct {
			UserID  *string `json:"userid"`
			Nick    string  `json:"nick"`
			FaceURL string  `json:"face_url"`
		}
		if json.Unmarshal([]byte(text), &want, json.RejectUnknownMembers(true)) != nil || len(text) > MaxRecord {
			return
		}
		rows, err := readString(text, Options{Format: JSON})
		if strings.TrimSpace(text) == "null" || strings.Contains(text, "null") {
			return
		}
		if err != nil || len(rows) != len(want) {
			t.Fatalf("%d rows, error %v, want %d", len(rows), err, len(want))
		}
		for i, r := range rows {
			if w := want[i]; w.UserID == nil != (r.Fault != "") || w.UserID != nil && (r.UserID != *w.UserID || r.Nick != w.Nick || r.FaceURL != w.FaceURL) {
				t.Errorf("row %+v, want %+v", r, w)
			}
		}
	})
}

// FuzzScanner compares the scanner with the decoder: what it takes, the other takes too,
// with the same values.
func FuzzScanner(f *testing.F) {
	for _, text := range []string{
		`{"userid":"a","nick":"A","face_url":"u"}`, ` { "UserID" : "a" , "nick" : null } `, `{"userid":"\ud83d\ude00\"\\\/\b\n","nick":"\ud800"}`, `{"userid":"","nick":"\u0000"}`,
		`{"userid":"a","profile":{"Tag_Profile_IM_Level":7,"Tag_Profile_Custom_x":"y","Tag_Profile_IM_Nick":"N"},"internal_id":1.5e3,"created_at":-0,"type":true}`,
		`{"userid":"a","profile":{"Tag_Profile_IM_Level":01}}`, `{"userid":"a","Tag_Profile_IM_Level":18446744073709551616,"deleted_at":""}`, `{"userid":"a","userid":"b"}`,
		`{"userid":"a","type":0,"type":1}`, `{"userid":"a","nick":"x","profile":{"nick":"y"}}`, `{"profile":{"Tag_Profile_IM_Gender":"","Tag_Profile_IM_Gender":"x"}}`, `{"userid":"a"}{}`, `"a"`, `{"":"a"}`,
		`{"userid":"a","profile":{"profile":{}}}`, `{"userid":"a","type":{"x":[1]}}`, "{\"userid\":\"a\tb\"}", `{"userid":"a","nick":"b"`, `{"userid":"a",}`, `{"userid":null}`, `{"userid":"a","profile":{"nick":"y"}}`, "{\"userid\":\"abcdefghi\tjklmnopqrst\"}", `{"userid":"a","nick":"\`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			return // parse has refused it
		}
		p, err := newObjects(Options{Ignore: []string{"Tag_Profile_Custom_i", "nickname"}, Map: map[string]string{"Tag_Profile_Custom_u": "userid"}}, checker{})
		if err != nil {
			t.Fatal(err)
		}
		var want, got Row
		err = p.read(text, &want) // so that the scanner knows the names
		for range 2 {             // it also expects them then
			got = Row{}
			if !p.usual.object(text, &got) {
				return
			}
			if err != nil {
				t.Fatalf("the scanner took %q; the decoder: %v", text, err)
			}
			if diff := cmp.Diff(fields(&want), fields(&got)); diff != "" {
				t.Fatalf("of %q (-decoder +scanner):\n%s", text, diff)
			}
		}
	})
}

// fields returns the values of r as a text. It tells no value from an empty one.
func fields(r *Row) string {
	return fmt.Sprintf("%#v %#v %#v %s", r.UserID, r.Nick, r.FaceURL, tagsOf(r))
}
