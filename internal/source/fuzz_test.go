package source

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
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
