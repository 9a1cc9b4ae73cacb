package exporter

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rollcall/internal/source"
)

// tableOf returns lines of an export as a table.
func tableOf(t interface{ Fatal(...any) }, lines []byte, o TableOptions) (string, *TableWriter) {
	var b bytes.Buffer
	w, err := NewTable(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	rows := NewRows(bytes.NewReader(lines))
	for {
		row, err := rows.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = w.Write(row)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w
}

// TestTableRead writes random rows as tables and reads them as an import does. All texts
// are as before, whatever characters are in them.
func TestTableRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := TableOptions{Comma: rapid.SampledFrom([]byte{',', '\t'}).Draw(t, "comma"), BOM: rapid.Bool().Draw(t, "bom")}
		var lines []byte
		var want, got [][3]string
		for _, r := range rapid.SliceOfN(rapid.Custom(drawRow), 1, 10).Draw(t, "rows") {
			r.Text, r.Number = nil, nil
			r.Nick, r.URL = strings.ReplaceAll(r.Nick, "\x00", ""), strings.ReplaceAll(r.URL, "\x00", "") // a file with it is no text
			r.ID = strings.ReplaceAll(r.ID, "\x00", "")
			lines = append(lines, r.line()...)
			want = append(want, [3]string{r.ID, r.Nick, r.URL})
		}
		table, _ := tableOf(t, lines, o)
		format := source.CSV
		if o.Comma == '\t' {
			format = source.TSV
		}
		for row, err := range source.Read([]string{"-"}, strings.NewReader(table), source.Options{Format: format}) {
			if err != nil {
				t.Fatalf("%v in %q", err, table)
			}
			if row.Fault != "" {
				t.Fatalf("%s in %q", row.Fault, table)
			}
			got = append(got, [3]string{string(row.UserID), string(row.Nick), string(row.FaceURL)})
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%q", diff, table)
		}
	})
}

func TestTable(t *testing.T) {
	const lines = `{"userid":"a,b","nick":"=1","face_url":"x\"y","profile":{"Tag_A":"-","Tag_B":7},"internal_id":"5","created_at":"c","updated_at":"u"}
{"userid":"@b","nick":" n ","face_url":"'","kicked_at":"k"}
{"userid":"c","deleted_at":"d"}
`
	for want, o := range map[string]TableOptions{
		"userid,nick,face_url,Tag_A,Tag_B:number\r\n" + `"a,b",=1,"x""y",-,7` + "\r\n@b, n ,',,\r\nc,,,,\r\n":                                                 {Comma: ',', Tags: []string{"Tag_A", "Tag_B"}, Numbers: []string{"Tag_B"}},
		"\ufeffuserid\tnick\tface_url\r\n" + "a,b\t=1\t\"x\"\"y\"\r\n@b\t n \t'\r\nc\t\t\r\n":                                                                 {Comma: '\t', BOM: true, Others: true},
		"userid,nick,face_url,Tag_A\r\n" + `"a,b",'=1,"x""y",'-` + "\r\n'@b, n ,',\r\nc,,,\r\n":                                                               {Comma: ',', Tags: []string{"Tag_A"}, Others: true, Safe: true},
		"userid,nick,face_url,internal_id,created_at,updated_at,kicked_at,deleted_at\r\n" + `"a,b",=1,"x""y",5,c,u,,` + "\r\n@b, n ,',,,,k,\r\nc,,,,,,,d\r\n": {Comma: ',', Others: true, Details: true, Deleted: true},
	} {
		got, w := tableOf(t, []byte(lines), o)
		if got != want {
			t.Errorf("%+v:\n%s, want\n%s", o, got, want)
		}
		if left := int64(2 - len(o.Tags)); w.Left != left || o.Safe != (w.Changed == 3) {
			t.Errorf("%+v: %d values left out, %d cells changed", o, w.Left, w.Changed)
		}
	}
	w, _ := NewTable(io.Discard, TableOptions{Comma: ','})
	row, err := NewRows(strings.NewReader(lines)).Next()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(row); err == nil || !strings.Contains(err.Error(), "a,b has the tag Tag_A, which is no column") {
		t.Errorf("a tag without a column: %v", err)
	}
}
