package source

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
)

const table3 = "userid,nick,face_url\nalice,爱丽丝,http://x\nbob,\"B, \"\"b\"\"\",\ncarol,,u\n"

// same is what every form of table3 contains. Lines and raw records differ.
const same = "alice|爱丽丝|http://x\nbob|B, \"b\"|\ncarol||u\n"

func content(rows []got) string {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(r.UserID + "|" + r.Nick + "|" + r.FaceURL + r.Fault + "\n")
	}
	return b.String()
}

func gzipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t testing.TB, text string, o ...zstd.EOption) string {
	w, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func encoded(t testing.TB, e encoding.Encoding, text string) string {
	b, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSame reads the same accounts in every form.
func TestSame(t *testing.T) {
	le, be, gbk := encoded(t, encodings["utf-16le"], table3), encoded(t, encodings["utf-16be"], table3), encoded(t, encodings["gbk"], table3)
	crlf := strings.ReplaceAll(table3, "\n", "\r\n")
	object := `{"userid":"alice","nick":"爱丽丝","face_url":"http://x"}` + "\n" + `{"userid":"bob","nick":"B, \"b\""}` + "\n" + `{"userid":"carol","face_url":"u"}` + "\n"
	array := "[" + strings.ReplaceAll(strings.TrimSpace(object), "\n", ",\n") + "]"
	for _, tt := range []struct {
		name, text string
		o          Options
	}{
		{"CSV", table3, Options{}},
		{"CSV by name", table3, Options{Format: CSV, Encoding: "utf-8", Delimiter: ','}},
		{"CR LF", crlf, Options{}},
		{"mark of UTF-8", "\xef\xbb\xbf" + table3, Options{}},
		{"mark of UTF-8, other name", "\xef\xbb\xbf" + table3, Options{Encoding: "gbk"}},
		{"UTF-16 of Excel", "\xff\xfe" + encoded(t, encodings["utf-16le"], strings.ReplaceAll(strings.ReplaceAll(crlf, "B, ", "B; "), ",", "\t")), Options{}},
		{"UTF-16 with mark, other end", "\xfe\xff" + be, Options{}},
		{"UTF-16 by name", le, Options{Encoding: "utf-16le"}},
		{"GBK", gbk, Options{Encoding: "gbk"}},
		{"GBK, gzip", gzipped(t, gbk), Options{Encoding: "gbk"}},
		{"gzip", gzipped(t, table3), Options{}},
		{"gzip in two members", gzipped(t, table3[:30]) + gzipped(t, table3[30:]), Options{}},
		{"zstd", zstandard(t, table3), Options{}},
		{"zstd of JSON", zstandard(t, object), Options{}},
		{"JSON lines", object, Options{}},
		{"JSON lines by name", object, Options{Format: NDJSON}},
		{"JSON lines in UTF-16", "\xff\xfe" + encoded(t, encodings["utf-16le"], object), Options{}},
		{"JSON", array, Options{}},
		{"AccountList", `{"AccountList":` + array + "}", Options{}},
		{"objects without lines", strings.ReplaceAll(object, "\n", ""), Options{Format: JSON}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := readString(tt.text, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(same, strings.ReplaceAll(content(rows), "B; ", "B, ")); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOffset checks how far a file is read while its rows are.
func TestOffset(t *testing.T) {
	text := "userid,nick\n" + strings.Repeat("alice,Alice\n", 100_000)
	for name, content := range map[string]string{"a.csv": text, "a.csv.gz": gzipped(t, text), "a.xlsx": string(packed(t, parts()))} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var f *File
			first, last := int64(0), int64(0)
			for r, err := range Read([]string{path}, nil, Options{}) {
				if err != nil {
					t.Fatal(err)
				}
				if f = r.File; first == 0 {
					first = f.Offset()
				}
				if f.Offset() < last {
					t.Fatalf("offset %d after %d", f.Offset(), last)
				}
				last = f.Offset()
			}
			size := int64(len(content))
			if f.Size != size || first <= 0 || last > size || name != "a.xlsx" && last != size || name == "a.csv" && first == size {
				t.Errorf("size %d, offset %d, then %d; the file has %d bytes", f.Size, first, last, size)
			}
		})
	}
	for r, err := range Read([]string{Stdin}, strings.NewReader(text), Options{}) {
		if err != nil || r.File.Size != 0 {
			t.Fatal("size of a stream:", r.File.Size, err)
		}
		break
	}
}

// TestRaw checks that the header and the raw records make the file again.
func TestRaw(t *testing.T) {
	for _, text := range []string{table3, "sep=;\nuserid;nick\na;\"A\nB\"\nb;\"x\"y\nc\n", "{\"userid\":\"a\"}\n{\"userid\":\n"} {
		var b strings.Builder
		for r, err := range Read([]string{Stdin}, strings.NewReader(text), Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			if b.Len() == 0 && r.File.Header != "" {
				b.WriteString(r.File.Header + "\n")
			}
			b.Write(append(r.Raw, '\n'))
		}
		if want := strings.TrimPrefix(text, "sep=;\n"); b.String() != want {
			t.Errorf("again %q, want %q", b.String(), want)
		}
	}
}

func archive(t testing.TB, names ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestRefused reads files that are no text, or whose text is not UTF-8.
func TestRefused(t *testing.T) {
	gbk := encoded(t, encodings["gbk"], table3)
	tar := strings.Repeat("x", 257) + "ustar" + strings.Repeat("\x00", 300)
	for name, tt := range map[string]struct {
		text string
		o    Options
		want string
	}{
		"xls":               {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", Options{}, "it is a workbook of an old Excel (.xls) or one with a password: save it as .xlsx"},
		"xls by name":       {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", Options{Format: XLSX}, "it is a workbook of an old Excel"},
		"no xlsx":           {table3, Options{Format: XLSX}, "it is no .xlsx workbook"},
		"PDF":               {"%PDF-1.7\n", Options{}, "it is a PDF"},
		"tar":               {tar, Options{}, "it is a tar archive"},
		"tar.gz":            {gzipped(t, tar), Options{}, "it is a tar archive"},
		"HTML":              {"\n<HTML><table>", Options{}, "it is HTML or XML"},
		"old Mac":           {"userid\ralice\r", Options{}, "its lines end with CR alone"},
		"binary":            {"BIN\x00userid\nalice\n", Options{}, "it is no text, because it has bytes of 0"},
		"binary in a line":  {"userid\nali\x00ce\xff\n", Options{}, "it is no text, because it has bytes of 0"},
		"UTF-16":            {encoded(t, encodings["utf-16le"], "userid,nick\nalice,A\n"), Options{}, "it seems to be UTF-16 without the mark at its beginning: give --encoding utf-16le"},
		"UTF-16, other end": {encoded(t, encodings["utf-16be"], "userid,nick\nalice,A\n"), Options{}, "it seems to be UTF-16 without the mark at its beginning: give --encoding utf-16be"},
		"UTF-32":            {"\xff\xfe\x00\x00u\x00\x00\x00", Options{}, "it is UTF-32"},
		"GBK":               {gbk, Options{}, "line 2: the text is not UTF-8: save it as UTF-8, or name its encoding, which may be GBK: --encoding gbk"},
		"Latin-1":           {"userid,nick\na,Ren\xe9\n", Options{}, "line 2: the text is not UTF-8: save it as UTF-8, or name its encoding, which is one of big5"},
		"GBK in the header": {encoded(t, encodings["gbk"], "用户名\n") + strings.Repeat("a\n", 100), Options{}, "line 1: the text is not UTF-8"},
		"gzip twice":        {gzipped(t, gzipped(t, table3)), Options{}, "it is compressed twice"},
		"gzip cut off":      {gzipped(t, table3)[:40], Options{}, "the compressed file is cut off: copy it again"},
		"workbook, piped":   {archive(t, "xl/workbook.xml"), Options{}, "a workbook is read from its end, so give the file itself"},
		"workbook, gzip":    {gzipped(t, archive(t, "xl/workbook.xml")), Options{}, "it is a workbook or an archive in a compressed file"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := readString(tt.text, tt.o)
			if len(rows) > 0 || err == nil || !strings.HasPrefix(err.Error(), "standard input: "+tt.want) {
				t.Errorf("%d rows, error %v, want %q", len(rows), err, tt.want)
			}
		})
	}
}

// TestCutHead reads texts of which the beginning, by which a file is known, ends inside of a
// character.
func TestCutHead(t *testing.T) {
	for _, mark := range []string{"", "\xef\xbb\xbf"} {
		for shift := range utf8.UTFMax {
			blanks := strings.Repeat(" ", shift)
			for _, text := range []string{
				blanks + "[" + strings.Repeat(`{"userid":"a","nick":"爱丽丝𝄞"},`, 3000) + `"b"]`, // in one line
				"userid,nick\na,\x00" + blanks + "\n" + strings.Repeat("a,爱丽丝𝄞\n", 3000),
			} {
				rows, err := readString(mark+text, Options{})
				if err != nil || len(rows) != 3001 {
					t.Errorf("mark %q, %d blanks: %d rows of %.20q, %v", mark, shift, len(rows), text, err)
				}
			}
		}
	}
}

// TestUndecodable reads bytes that are not of the encoding that was named. Each such row is
// a fault.
func TestUndecodable(t *testing.T) {
	rows, err := readString("userid,nick\na,\xff\xff\nb,B\n", Options{Encoding: "gbk"})
	if err != nil || len(rows) != 2 || rows[0].Fault != "a character is not in the encoding gbk: mend it" || rows[1].Fault != "" {
		t.Errorf("rows %v, error %v", rows, err)
	}
}

// TestPatternAfterRun expects that a pattern means the same files after a run has written some
// beside them.
func TestPatternAfterRun(t *testing.T) {
	t.Chdir(t.TempDir())
	sources := []string{"a.rejects-3.csv", "u1.csv", "u2.csv.gz", "u3.tsv", "x.rejects-2.csv", "x.rejects.csv"}
	written := []string{
		"u1.csv.missing.txt", "u1.csv.rollcall-delete-journal", "u1.csv.rollcall-journal", "u1.csv.rollcall-journal.rejected",
		"u1.rejects-2.csv", "u1.rejects.csv", "u1.rejects.rejects.csv", "u2.rejects.csv",
	}
	for _, name := range append(slices.Clone(sources), written...) {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]string{
		"*":              sources, // x and a have no file of that name without .rejects
		"u*.csv":         {"u1.csv"},
		"u*":             {"u1.csv", "u2.csv.gz", "u3.tsv"},
		"u1.rejects*":    {"u1.rejects-2.csv", "u1.rejects.csv", "u1.rejects.rejects.csv"},
		"u1*.missing.*":  {"u1.csv.missing.txt"},
		"*.rejects-?.*v": {"a.rejects-3.csv", "u1.rejects-2.csv", "x.rejects-2.csv"},
	} {
		if files, err := Expand([]string{pattern}); err != nil || !slices.Equal(files, want) {
			t.Errorf("%s: %q, error %v, want %q", pattern, files, err, want)
		}
	}
}

// TestZstdWindow refuses what would need much memory.
func TestZstdWindow(t *testing.T) {
	text := "userid\n" + strings.Repeat("alice\n", 20<<20/6)
	big := zstandard(t, text, zstd.WithWindowSize(32<<20), zstd.WithSingleSegment(true))
	if _, err := readString(big, Options{}); err == nil || !strings.Contains(err.Error(), "compress it again without --ultra and --long") {
		t.Errorf("error %v", err)
	}
}

// TestFiles reads several files, patterns and standard input in their order.
func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"b.csv": "userid\nb", "a1.csv": "userid\na1", "a2.csv": "nick,userid\n,a2", "x[1].csv": "userid\nx", "bad.csv": "x\ny"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Expand([]string{"b.csv", "a*.csv", Stdin, "x[1].csv"})
	if err != nil {
		t.Fatal(err)
	}
	if err := Try(files, Options{}); err != nil {
		t.Error(err)
	}
	rows, err := rowsOf(Read(files, strings.NewReader("userid\ns"), Options{}))
	if want := "b||\na1||\na2||\ns||\nx||\n"; err != nil || content(rows) != want {
		t.Errorf("rows %s, error %v, want %s", content(rows), err, want)
	}
	if err := Try(append(files, "bad.csv"), Options{}); err == nil || !strings.HasPrefix(err.Error(), `bad.csv: line 1: "x" is no header`) {
		t.Errorf("error %v", err)
	}
	for _, tt := range []struct{ name, want string }{
		{"none.csv", "none.csv: no such file or directory"},
		{"none*.csv", "no file matches none*.csv: correct the pattern"},
		{"[", "no file matches [: correct the pattern"},
		{"b.csv", "b.csv is given twice: give each file once"},
	} {
		if _, err := Expand([]string{"b.csv", tt.name}); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	_, err = rowsOf(Read([]string{filepath.Dir(".")}, nil, Options{}))
	for _, err := range []error{err, Try([]string{"b.csv", "."}, Options{})} {
		if err == nil || !strings.HasPrefix(err.Error(), ".: it is a directory") {
			t.Errorf("error %v", err)
		}
	}
}

// TestMemory reads a line of 1 GiB, an open quote, many lines and compressed ones, and
// measures what is allocated meanwhile.
func TestMemory(t *testing.T) {
	const gib = 1 << 30
	block := strings.Repeat("x", 1<<20)
	for name, tt := range map[string]struct {
		head string
		line string
		n    int
		o    Options
		want string // in the fault or the error
	}{
		"a line of a table": {"userid,nick\n", block, gib >> 20, Options{}, "line is longer than 65536 bytes"},
		"an id":             {"", block, gib >> 20, Options{Format: IDs}, "line is longer than 65536 bytes"},
		"a line of JSON":    {"", `{"userid":"` + block, gib >> 20, Options{Format: NDJSON}, "line is longer than 65536 bytes"},
		"an open quote":     {"userid,nick\n", "\"a,b\n", gib / 5, Options{}, "something follows the quote"},
		"a quoted value":    {"userid\n\"", strings.Repeat("a,b\n", 1<<18), gib >> 20, Options{}, "as when a quote opens here and is not closed"},
		"a value of JSON":   {"[\"", block, gib >> 20, Options{}, "is longer than 65536 bytes"},
		"many lines":        {"userid,nick\n", strings.Repeat("alice,A\n", 1<<17), 64, Options{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			said := ""
			for r, err := range Read([]string{Stdin}, &repeated{text: tt.line, n: tt.n, rest: tt.head}, tt.o) {
				if err != nil {
					said = err.Error()
				} else if r.Fault != "" {
					said = r.Fault
				}
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
				t.Errorf("%d bytes were allocated", got)
			}
			if !strings.Contains(said, tt.want) {
				t.Errorf("it said %q, want %q", said, tt.want)
			}
		})
	}
}
