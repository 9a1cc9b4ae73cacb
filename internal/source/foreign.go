package source

import (
	"bytes"
	"errors"
	"strings"
)

var errNoText = errors.New("it is no text, because it has bytes of 0: save it as CSV in UTF-8")

// foreign contains the beginnings of files that people take for tables, and what to do.
var foreign = []struct{ begin, what string }{
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is a workbook of an old Excel (.xls) or one with a password: save it as .xlsx without a password, or as CSV UTF-8"},
	{"%PDF-", "it is a PDF, which has no columns: export the table as CSV in UTF-8 where the PDF was made"},
	{"{\\rtf", "it is rich text (RTF): save it as plain text in UTF-8"},
	{"SQLite format 3\x00", `it is an SQLite database: export the table, as with sqlite3 -header -csv FILE "SELECT …"`},
	{"PAR1", "it is a Parquet file: convert it to CSV in UTF-8"},
	{"Obj\x01", "it is an Avro file: convert it to JSON lines"},
	{"ORC", "it is an ORC file: convert it to CSV in UTF-8"},
	{"BZh", "it is compressed with bzip2: decompress it, or compress it with gzip or zstd"},
	{"\xfd7zXZ\x00", "it is compressed with xz: decompress it, or compress it with gzip or zstd"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it and give the files in it"},
	{"Rar!\x1a\x07", "it is a RAR archive: unpack it and give the files in it"},
	{"\x89PNG", "it is a picture (PNG): a table is needed, as CSV in UTF-8"},
	{"\xff\xd8\xff", "it is a picture (JPEG): a table is needed, as CSV in UTF-8"},
	{"GIF8", "it is a picture (GIF): a table is needed, as CSV in UTF-8"},
	{"\x7fELF", "it is a program: a table is needed, as CSV in UTF-8"},
}

// markup contains the beginnings of markup, in lower case.
var markup = []string{"<!doctype", "<html", "<table", "<?xml", "<meta", "<head", "<body"}

// refuse returns an error if head begins a file that is no text, or a text of a form that
// is not read. It says what the file is.
func refuse(head []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.begin)) && !(f.begin == "ORC" && bytes.IndexByte(head, 0) < 0) {
			return errors.New(f.what)
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return errors.New("it is a tar archive: unpack it and give the files in it")
	}
	text := bytes.TrimPrefix(bytes.TrimSpace(head), []byte("\xef\xbb\xbf"))
	text = bytes.TrimSpace(text)
	begin := strings.ToLower(string(text[:min(len(text), 16)]))
	for _, m := range markup {
		if strings.HasPrefix(begin, m) {
			return errors.New("it is HTML or XML, perhaps a page of errors or an .xls that is a page: save it as CSV in UTF-8")
		}
	}
	if bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0 && bytes.Count(text, []byte("\r")) > bytes.Count(text, []byte("\r\n")) {
		return errors.New("its lines end with CR alone, as on an old Mac: save it with LF or CR LF")
	}
	return nil
}
