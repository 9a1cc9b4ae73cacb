package source

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parts returns the parts of a workbook with two sheets, of which the second has table3.
func parts() map[string]string {
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	return map[string]string{
		"xl/workbook.xml": `<workbook ` + main + ` xmlns:r="` + office + `"><sheets><sheet name="One" sheetId="1" r:id="rId1"/><sheet name="成员" sheetId="2" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + office + `/worksheet" Target="/xl/worksheets/sheet2.xml"/><Relationship Id="rId3" Type="` + office + `/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/sharedStrings.xml": `<sst ` + main + `><si><t>userid</t></si><si><t>alice</t></si><si><r><t>爱</t></r><r><t xml:space="preserve">丽丝</t></r><rPh><t>x</t></rPh></si><si><t/></si><si><t>a_x000D_b_x005F_x000D_</t></si></sst>`,
		"xl/worksheets/sheet1.xml": `<worksheet ` + main + `><sheetData><row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>nick</t></is></c></row>` +
			`<row r="3"><c r="B3"><v>13800138000</v></c><c r="C3" t="s"><v>4</v></c></row><row/>` +
			`<row r="7"><c r="B7" t="str"><f>A1&amp;"x"</f><v>x</v></c></row><row><c/><c t="b"><v>1</v></c></row><row><c t="s"><v>1</v></c></row><row r="20"><c r="B20" t="e"><v>#REF!</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet2.xml": `<worksheet ` + main + `><sheetData><row><c t="s"><v>0</v></c><c t="str"><v>nick</v></c><c t="str"><v>face_url</v></c></row>` +
			`<row><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="str"><v>http://x</v></c></row><row><c t="str"><v>bob</v></c><c t="str"><v>B, "b"</v></c><c t="s"><v>3</v></c></row>` +
			`<row><c r="A9" t="str"><v>carol</v></c><c r="C9" t="str"><v>u</v></c></row></sheetData></worksheet>`,
	}
}

// packed returns a workbook with these parts.
func packed(t testing.TB, parts map[string]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(parts[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readWorkbookOf(t testing.TB, data []byte, o Options) ([]got, error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	name := filepath.Join(dir, "a.xlsx")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(Read([]string{name}, nil, o))
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
	if e, ok := err.(*Error); ok {
		e.File = "a.xlsx"
	}
	return rows, err
}

func TestWorkbook(t *testing.T) {
	rows, err := readWorkbookOf(t, packed(t, parts()), Options{Sheet: "成员"})
	if err != nil || content(rows) != same || rows[1].Raw != `bob,"B, ""b""",` {
		t.Errorf("rows %+v, error %v", rows, err)
	}
	rows, err = readWorkbookOf(t, packed(t, parts()), Options{})
	const want = "3:13800138000|a\rb_x000D_|\n7:x||\n8:TRUE||\n9!column 1 has a value here but no name in the header: name it, or remove the value\n20!column 2 has the error \"#REF!\": mend its formula\n"
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, short(rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestWorkbookTags reads columns of tags. A cell that is missing keeps the stored value.
func TestWorkbookTags(t *testing.T) {
	p := parts()
	p["xl/worksheets/sheet2.xml"] = `<worksheet><sheetData><row><c t="s"><v>0</v></c><c t="str"><v>Tag_Profile_IM_Level</v></c><c t="str"><v>Tag_Profile_IM_Location</v></c></row>` +
		`<row><c t="str"><v>a</v></c><c><v>7</v></c><c t="s"><v>2</v></c></row><row><c t="str"><v>b</v></c></row><row><c t="str"><v>c</v></c><c><v>7.5</v></c></row></sheetData></worksheet>`
	name := filepath.Join(t.TempDir(), "a.xlsx")
	if err := os.WriteFile(name, packed(t, p), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r, err := range Read([]string{name}, nil, Options{Sheet: "成员"}) {
		if err != nil {
			t.Fatal(err)
		}
		fault, _, _ := strings.Cut(r.Fault, ":")
		got = append(got, string(r.UserID)+" "+tagsOf(r)+fault)
	}
	want := []string{"a IM_Level=#7 IM_Location=爱丽丝", "b ", "c column 2 has the tag Tag_Profile_IM_Level, which takes digits"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestWorkbookRefused reads workbooks that are damaged, and archives that are none.
func TestWorkbookRefused(t *testing.T) {
	change := func(name, from, to string) []byte {
		p := parts()
		if p[name] = strings.Replace(p[name], from, to, 1); p[name] == parts()[name] {
			t.Fatal("nothing changed in ", name)
		}
		return packed(t, p)
	}
	without := func(name string) []byte {
		p := parts()
		delete(p, name)
		return packed(t, p)
	}
	long := strings.Repeat("x", maxCell+5000)
	for name, tt := range map[string]struct {
		data []byte
		o    Options
		want string
	}{
		"sheet":          {packed(t, parts()), Options{Sheet: "Two"}, `the workbook has no sheet "Two": name one of "One, 成员" with --sheet`},
		"header":         {change("xl/worksheets/sheet1.xml", "nick", "phone"), Options{}, "line 2: the column phone is unknown: drop it with --ignore phone"},
		"no text":        {change("xl/worksheets/sheet1.xml", `"s"><v>4`, `"s"><v>9`), Options{}, "line 3: the workbook is damaged: open it and save it again (a cell refers to a text that is missing)"},
		"no number":      {change("xl/worksheets/sheet1.xml", `"s"><v>4`, `"s"><v>x`), Options{}, "line 3: the workbook is damaged"},
		"no texts":       {without("xl/sharedStrings.xml"), Options{}, `the workbook is damaged: open it and save it again ("xl/sharedStrings.xml" is missing)`},
		"no sheet":       {without("xl/worksheets/sheet1.xml"), Options{}, "the workbook is damaged"},
		"texts cut off":  {change("xl/sharedStrings.xml", "</si></sst>", ""), Options{}, "the workbook is damaged"},
		"sheet cut off":  {change("xl/worksheets/sheet1.xml", "</row></sheetData></worksheet>", ""), Options{}, "line 20: the workbook is damaged"},
		"columns":        {change("xl/worksheets/sheet1.xml", "C3", "A3"), Options{}, "line 3: the workbook is damaged: open it and save it again (the cells of a row are not in their order)"},
		"far row":        {change("xl/worksheets/sheet1.xml", `<row r="7">`, `<row r="9223372036854775807">`), Options{}, "line 9223372036854775807: the workbook is damaged: open it and save it again (a row has a number above 16777216)"},
		"far column":     {change("xl/worksheets/sheet1.xml", "C3", "ZZZZZZZZZZ3"), Options{}, "line 3: the workbook is damaged"},
		"long value":     {change("xl/worksheets/sheet1.xml", "13800138000", long), Options{}, "line 3: the workbook is damaged: open it and save it again (a value is longer than 262144 bytes)"},
		"long text":      {change("xl/sharedStrings.xml", "alice", long), Options{}, "the workbook is damaged: open it and save it again (a value is longer"},
		"empty sheet":    {change("xl/worksheets/sheet2.xml", "<sheetData>", "<sheetData/></worksheet>"), Options{Sheet: "成员"}, `the sheet "成员" is empty: name another with --sheet`},
		"cut off":        {packed(t, parts())[:900], Options{}, "the workbook is damaged: open it and save it again (zip: not a valid zip file)"},
		"Numbers":        {[]byte(archive(t, "Index/Document.iwa")), Options{}, "it is a file of Apple Numbers: export it as CSV in UTF-8"},
		"OpenDocument":   {[]byte(archive(t, "mimetype", "content.xml")), Options{}, "it is an OpenDocument file such as .ods"},
		"xlsb":           {[]byte(archive(t, "xl/workbook.bin")), Options{}, "it is a binary workbook (.xlsb)"},
		"Word":           {[]byte(archive(t, "word/document.xml")), Options{}, "it is a Word document"},
		"another ZIP":    {[]byte(archive(t, "users.csv")), Options{}, "it is a ZIP archive: unpack it and give the files in it"},
		"XML of another": {change("xl/workbook.xml", "<workbook", "<<"), Options{}, "the workbook is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readWorkbookOf(t, tt.data, tt.o)
			if err == nil || !strings.HasPrefix(err.Error(), "a.xlsx: "+tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestWorkbookMemory reads many shared texts. The heap stays small.
func TestWorkbookMemory(t *testing.T) {
	const n = 100_000
	p := parts()
	var shared, sheet strings.Builder
	shared.WriteString(`<sst><si><t>userid</t></si>`)
	sheet.WriteString(`<worksheet><sheetData><row><c t="s"><v>0</v></c></row>`)
	for i := range n {
		fmt.Fprintf(&shared, "<si><t>user-with-a-long-name-%d</t></si>", i)
		fmt.Fprintf(&sheet, `<row><c t="s"><v>%d</v></c></row>`, i+1)
	}
	p["xl/sharedStrings.xml"], p["xl/worksheets/sheet1.xml"] = shared.String()+"</sst>", sheet.String()+"</sheetData></worksheet>"
	name := filepath.Join(t.TempDir(), "a.xlsx")
	if err := os.WriteFile(name, packed(t, p), 0o600); err != nil {
		t.Fatal(err)
	}
	clear(p)
	shared.Reset()
	sheet.Reset()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, rows := heap(), 0
	for r, err := range Read([]string{name}, nil, Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("user-with-a-long-name-%d", rows); string(r.UserID) != want {
			t.Fatalf("row %d is %s, want %s", r.Line, r.UserID, want)
		}
		if rows++; rows == n {
			if got := int64(heap() - before); got > 1<<20 {
				t.Errorf("%d bytes are in use", got)
			}
		}
	}
	if rows != n {
		t.Errorf("%d rows, want %d", rows, n)
	}
}

// FuzzWorkbook reads anything as a sheet and its shared texts.
func FuzzWorkbook(f *testing.F) {
	p := parts()
	f.Add(p["xl/worksheets/sheet1.xml"], p["xl/sharedStrings.xml"])
	f.Add(p["xl/worksheets/sheet2.xml"], p["xl/sharedStrings.xml"])
	f.Fuzz(func(t *testing.T, sheet, shared string) {
		p := parts()
		p["xl/worksheets/sheet1.xml"], p["xl/sharedStrings.xml"] = sheet, shared
		data := packed(t, p)
		b, err := openBook(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		err = b.readSheet(new(File), Options{}, func(r *Row) bool {
			if r.Line <= line || r.Fault == "" && r.UserID == nil {
				t.Errorf("row %+v after line %d", r, line)
			}
			line = r.Line
			return true
		})
		if err != nil && strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("error %q", err)
		}
	})
}

// TestTextBomb checks that a small workbook cannot fill the disk with its texts: neither with
// long ones, nor with the ends of many empty ones.
func TestTextBomb(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, si := range map[string]string{"long": "<si><t>" + strings.Repeat("x", 1000) + "</t></si>", "empty": "<si/>"} {
		p := parts()
		p["xl/sharedStrings.xml"] = "<sst>" + strings.Repeat(si, 20_000) + "</sst>"
		data := packed(t, p)
		b, err := openBook(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []uint64{100_000, 40_000_000} {
			texts, err := b.textsUpTo(limit)
			if bomb := limit == 100_000; bomb != (err != nil) || bomb && !strings.Contains(err.Error(), "of text: save the sheet") {
				t.Errorf("%s texts, a limit of %d bytes: error %v", name, limit, err)
			}
			if texts != nil {
				texts.close()
			}
		}
	}
}
