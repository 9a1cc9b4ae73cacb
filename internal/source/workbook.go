package source

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// The limits of a workbook. Excel has 1,048,576 rows at most, and a sheet with three long
// texts in each of these has 3 GiB in XML. Sheets and texts go to the directory of temporary
// files and are read from there; the rest is small.
const (
	maxWorkbook     = 8 << 30  // unpacked
	maxWorkbookRest = 32 << 20 // unpacked, without the sheets and the texts
	maxInMemory     = 8 << 20  // of a sheet or the texts, unpacked
)

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// readWorkbook yields the rows of a sheet. They are told apart by cells, so a row has no end
// that could be missing.
func readWorkbook(f *File, r io.Reader, head []byte, o Options, yield func(*Row) bool) error {
	if !isZip(head) {
		if err := refuse(head); err != nil {
			return err
		}
		return errors.New("it is no .xlsx workbook: leave out --format xlsx, or save it as .xlsx")
	}
	file, ok := r.(*os.File)
	if !ok {
		return errors.New("a workbook is read from its end, so give the file itself instead of a pipe")
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("a workbook is read from its end, so give the file itself instead of a pipe")
	}
	if err := checkArchive(file, info.Size()); err != nil {
		return err
	}
	book, err := excelize.OpenFile(file.Name(), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxWorkbook, UnzipXMLSizeLimit: maxInMemory})
	if err != nil {
		return fmt.Errorf("the workbook is damaged: open it and save it again (%w)", err)
	}
	defer book.Close() // removes its temporary files
	return readSheet(book, o, yield)
}

// checkArchive refuses archives that are no workbooks, and those that would take much
// memory.
func checkArchive(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return fmt.Errorf("the workbook is damaged: open it and save it again (%w)", err)
	}
	workbook, rest := false, uint64(0)
	for _, e := range z.File {
		name := strings.ToLower(strings.ReplaceAll(e.Name, "\\", "/"))
		switch {
		case name == "xl/workbook.xml":
			workbook = true
		case strings.HasPrefix(name, "xl/worksheets/sheet"), name == "xl/sharedstrings.xml":
			continue
		}
		rest += e.UncompressedSize64
	}
	switch {
	case !workbook:
		return errors.New(archiveKind(z.File))
	case rest > maxWorkbookRest:
		return fmt.Errorf("the workbook has more than %d MiB besides its tables, such as pictures: remove them, or save the sheet as CSV UTF-8", maxWorkbookRest>>20)
	}
	return nil
}

// archiveKind says what an archive is that is no workbook, and what to do.
func archiveKind(files []*zip.File) string {
	for _, e := range files {
		switch {
		case path.Ext(e.Name) == ".iwa" || e.Name == "Index.zip":
			return "it is a file of Apple Numbers: export it as CSV in UTF-8"
		case e.Name == "xl/workbook.bin":
			return "it is a binary workbook (.xlsb): save it as .xlsx or CSV UTF-8"
		case e.Name == "mimetype" || e.Name == "content.xml":
			return "it is an OpenDocument file such as .ods: save it as .xlsx or CSV in UTF-8"
		case strings.HasPrefix(e.Name, "word/"):
			return "it is a Word document: save its table as CSV in UTF-8"
		}
	}
	return "it is a ZIP archive: unpack it and give the files in it"
}

// A sheet reads the rows of a sheet.
type sheet struct {
	rows    *excelize.Rows
	columns []field
	line    int
	raw     bytes.Buffer
	row     Row
}

func readSheet(book *excelize.File, o Options, yield func(*Row) bool) error {
	names, err := newNaming(o)
	if err != nil {
		return err
	}
	name, err := sheetName(book.GetSheetList(), o.Sheet)
	if err != nil {
		return err
	}
	rows, err := book.Rows(name)
	if err != nil {
		return fmt.Errorf("the sheet %s cannot be read: open the workbook and save it again (%w)", shortened([]byte(name)), err)
	}
	defer rows.Close()
	s := &sheet{rows: rows}
	for {
		cells, err := s.next()
		switch {
		case err == io.EOF && s.columns == nil:
			return fmt.Errorf("the sheet %s is empty: name another with --sheet", shortened([]byte(name)))
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case s.columns == nil:
			if s.columns, err = names.columns(texts(cells)); err != nil {
				return failure(s.line, "%s", err)
			}
			continue
		}
		s.set(cells)
		if !yield(&s.row) {
			return nil
		}
	}
}

// sheetName returns the sheet of a name, or the first.
func sheetName(sheets []string, name string) (string, error) {
	switch {
	case len(sheets) == 0:
		return "", errors.New("the workbook has no sheet")
	case name == "":
		return sheets[0], nil
	case !slices.Contains(sheets, name):
		return "", fmt.Errorf("the workbook has no sheet %s: name one of %s with --sheet", shortened([]byte(name)), shortened([]byte(strings.Join(sheets, ", "))))
	}
	return name, nil
}

// next returns the cells of the next row that has any.
func (s *sheet) next() ([]string, error) {
	for s.rows.Next() {
		s.line++
		cells, err := s.rows.Columns()
		if err != nil {
			return nil, broken(s.line, err)
		}
		if slices.ContainsFunc(cells, func(c string) bool { return c != "" }) {
			return cells, nil
		}
	}
	if err := s.rows.Error(); err != nil {
		return nil, broken(s.line, err)
	}
	return nil, io.EOF
}

// set sets s.row from cells. Cells that are missing at the end are empty.
func (s *sheet) set(cells []string) {
	s.row = Row{Line: s.line}
	s.row.UserID = []byte{}
	for i, c := range cells {
		if i >= len(s.columns) && c != "" || i < len(s.columns) && !s.row.set(s.columns[i], []byte(c)) {
			s.row.Fault = fmt.Sprintf("column %d has a value here but no name in the header: name it, or remove the value", i+1)
		}
	}
	s.raw.Reset()
	w := csv.NewWriter(&s.raw)
	_ = w.Write(cells) // into memory
	w.Flush()
	s.row.Raw = bytes.TrimSuffix(s.raw.Bytes(), []byte("\n"))
	checker{}.row(&s.row)
}

func texts(cells []string) [][]byte {
	b := make([][]byte, len(cells))
	for i, c := range cells {
		b[i] = []byte(c)
	}
	return b
}
