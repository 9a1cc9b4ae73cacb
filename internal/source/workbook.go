package source

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// maxParts limits the list of sheets and the like. The sheets and their texts can be of any
// size, since the former are read row by row and the latter are kept in temporary files.
const maxParts = 8 << 20

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// readWorkbook yields the rows of a sheet. The reader is our own because the libraries keep
// all texts of a workbook in memory, and some take a text that cannot be read for another.
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
	f.read.Store(0) // its beginning is read again
	book, err := openBook(countedAt{file, f}, info.Size())
	if err != nil {
		return err
	}
	return book.readSheet(f, o, yield)
}

// countedAt counts what is read of a workbook.
type countedAt struct {
	io.ReaderAt
	f *File
}

func (c countedAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.f.read.Store(min(c.f.read.Load()+int64(n), c.f.Size))
	return n, err
}

// A book is an open workbook.
type book struct {
	files  map[string]*zip.File // by names in lower case
	sheets []sheetEntry
	paths  map[string]string // of parts, by their ids
	shared string            // path of the texts that cells share
	size   int64             // of the file in bytes
}

type sheetEntry struct {
	Name string `xml:"name,attr"`
	ID   string `xml:"id,attr"`
}

func damagedBook(err error) error {
	return fmt.Errorf("the workbook is damaged: open it and save it again (%w)", err)
}

func openBook(r io.ReaderAt, size int64) (*book, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, damagedBook(err)
	}
	b := &book{files: map[string]*zip.File{}, paths: map[string]string{}, size: size}
	for _, e := range z.File {
		b.files[strings.ToLower(strings.ReplaceAll(e.Name, "\\", "/"))] = e
	}
	if b.files["xl/workbook.xml"] == nil {
		return nil, errors.New(archiveKind(z.File))
	}
	var list struct {
		Sheets []sheetEntry `xml:"sheets>sheet"`
	}
	var parts struct {
		Parts []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(b.decode("xl/workbook.xml", &list), b.decode("xl/_rels/workbook.xml.rels", &parts)); err != nil {
		return nil, damagedBook(err)
	}
	b.sheets = list.Sheets
	for _, p := range parts.Parts {
		target := path.Join("xl", p.Target)
		if strings.HasPrefix(p.Target, "/") {
			target = p.Target[1:]
		}
		b.paths[p.ID] = target
		if strings.HasSuffix(p.Type, "/sharedStrings") {
			b.shared = target
		}
	}
	return b, nil
}

// open opens a part of the workbook.
func (b *book) open(name string) (io.ReadCloser, error) {
	f := b.files[strings.ToLower(name)]
	if f == nil {
		return nil, damagedBook(fmt.Errorf("%s is missing", shortened([]byte(name))))
	}
	return f.Open()
}

// decode decodes a small part.
func (b *book) decode(name string, into any) error {
	r, err := b.open(name)
	if err != nil {
		return err
	}
	defer r.Close() // it was only read
	return xml.NewDecoder(io.LimitReader(r, maxParts)).Decode(into)
}

// sheet returns the sheet of a name, or the first.
func (b *book) sheet(name string) (sheetEntry, error) {
	if len(b.sheets) == 0 {
		return sheetEntry{}, errors.New("the workbook has no sheet")
	}
	if name == "" {
		return b.sheets[0], nil
	}
	var names []string
	for _, s := range b.sheets {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return sheetEntry{}, fmt.Errorf("the workbook has no sheet %s: name one of %s with --sheet", shortened([]byte(name)), shortened([]byte(strings.Join(names, ", "))))
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
