package source

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The limits of sheets. Excel has 32,767 characters in a cell, 16,384 columns and 1,048,576
// rows; LibreOffice can have 16 times as many rows.
const (
	maxCell    = 256 << 10
	maxColumns = 16384
	maxRows    = 16 << 20
)

// readSheet yields the rows of the sheet that o names, and sets the header of f.
func (b *book) readSheet(f *File, o Options, yield func(*Row) bool) error {
	names, err := newNaming(o)
	if err != nil {
		return err
	}
	entry, err := b.sheet(o.Sheet)
	if err != nil {
		return err
	}
	texts, err := b.texts()
	if err != nil {
		return err
	}
	defer texts.close()
	r, err := b.open(b.paths[entry.ID])
	if err != nil {
		return err
	}
	defer r.Close() // it was only read
	s := &sheet{tokens: newTokens(r), texts: texts}
	for {
		err := s.next()
		switch {
		case err == io.EOF && s.columns == nil:
			return fmt.Errorf("the sheet %s is empty: name another with --sheet", shortened([]byte(entry.Name)))
		case err == io.EOF:
			return nil
		case err != nil:
			return failure(s.line, "%s", damagedBook(err))
		case s.columns == nil:
			if s.columns, err = names.columns(s.cells); err != nil {
				return failure(s.line, "%s", err)
			}
			f.Header, f.Delimiter = s.record(), ','
			continue
		}
		s.set()
		if !yield(&s.row) {
			return nil
		}
	}
}

// A sheet reads the rows of a sheet.
type sheet struct {
	*tokens
	texts   *texts
	columns []*column
	line    int
	cells   [][]byte
	size    int    // of the cells
	fault   string // of a cell
	raw     bytes.Buffer
	row     Row
}

// next reads the next row that has a value. It returns io.EOF behind the last one.
func (s *sheet) next() error {
	for {
		t, err := s.token()
		if err != nil {
			return unexpected(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "sheetData" || t.Name.Local == "worksheet" {
				return io.EOF
			}
		case xml.StartElement:
			if t.Name.Local != "row" {
				continue
			}
			if err := s.readRow(t); err != nil {
				return err
			}
			if slices.ContainsFunc(s.cells, func(c []byte) bool { return len(c) > 0 }) || s.fault != "" {
				return nil
			}
		}
	}
}

// unexpected returns err, or an error for a file that ends too early.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readRow reads the cells of a row into s.cells.
func (s *sheet) readRow(start xml.StartElement) error {
	s.line++
	if n, err := strconv.Atoi(attribute(start, "r")); err == nil && n > s.line {
		s.line = n
	}
	if s.line > maxRows {
		return fmt.Errorf("a row has a number above %d", maxRows)
	}
	s.cells, s.size, s.fault = s.cells[:0], 0, ""
	for {
		t, err := s.token()
		if err != nil {
			return unexpected(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column := columnOf(attribute(t, "r"), len(s.cells))
			if column < len(s.cells) || column >= maxColumns {
				return errors.New("the cells of a row are not in their order")
			}
			if err := s.readCell(t, column); err != nil {
				return err
			}
		}
	}
}

// readCell reads a cell.
func (s *sheet) readCell(start xml.StartElement, column int) error {
	kind := attribute(start, "t")
	value, err := s.text("c")
	if err != nil {
		return err
	}
	switch kind {
	case "s":
		i, err := strconv.Atoi(string(value))
		if err != nil {
			return errors.New("a cell refers to no text")
		}
		if value, err = s.texts.at(i); err != nil {
			return err
		}
	case "b":
		value = []byte(map[string]string{"0": "FALSE", "1": "TRUE"}[string(value)])
	case "e":
		s.fault = fmt.Sprintf("column %d has the error %s: mend its formula", column+1, shortened(value))
	}
	if s.size += len(value); s.size > MaxRecord {
		s.fault, value = fmt.Sprintf("the row is longer than %d bytes, and no account is: mend or remove it", MaxRecord), nil
	}
	for len(s.cells) < column {
		s.cells = append(s.cells, nil)
	}
	s.cells = append(s.cells, bytes.Clone(value))
	return nil
}

// columnOf returns the column of a cell such as C7, from 0, or next if it is not given.
func columnOf(ref string, next int) int {
	n := 0
	for _, c := range ref {
		if c < 'A' || c > 'Z' || n > maxColumns {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	if n == 0 {
		return next
	}
	return n - 1
}

// set sets s.row from the cells. Cells that are missing at the end are empty.
func (s *sheet) set() {
	s.row = Row{Line: s.line, UserID: []byte{}, Tags: s.row.Tags[:0], Fault: s.fault}
	for i, value := range s.cells {
		c := &column{field: unnamed}
		if i < len(s.columns) {
			c = s.columns[i]
		}
		if !s.row.set(c, value) {
			s.row.Fault = c.refusal(i)
		}
	}
	s.row.Raw = []byte(s.record())
	checker{}.row(&s.row)
}

// record returns the cells as a line of CSV.
func (s *sheet) record() string {
	record := make([]string, len(s.cells))
	for i, c := range s.cells {
		record[i] = string(c)
	}
	s.raw.Reset()
	w := csv.NewWriter(&s.raw)
	_ = w.Write(record) // into memory
	w.Flush()
	return strings.TrimSuffix(s.raw.String(), "\n")
}

// tokens reads XML. No token takes more memory than [maxCell].
type tokens struct {
	decoder *xml.Decoder
	limit   *io.LimitedReader
	value   []byte
}

func newTokens(r io.Reader) *tokens {
	limit := &io.LimitedReader{R: r, N: maxCell}
	return &tokens{decoder: xml.NewDecoder(limit), limit: limit}
}

func (t *tokens) token() (xml.Token, error) {
	t.limit.N = maxCell
	token, err := t.decoder.Token()
	if err != nil && t.limit.N <= 0 {
		return nil, fmt.Errorf("a value is longer than %d bytes", maxCell)
	}
	return token, err
}

// text returns the text up to the end of an element: of a cell, or of a text with formats.
// It leaves out how a text is pronounced, and formulas. The text is valid until the next.
func (t *tokens) text(end string) ([]byte, error) {
	t.value = t.value[:0]
	inside := false
	for {
		token, err := t.token()
		if err != nil {
			return nil, unexpected(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if name := e.Name.Local; name == "rPh" || name == "f" {
				if err := t.skip(name); err != nil {
					return nil, err
				}
			} else {
				inside = name == "t" || name == "v"
			}
		case xml.EndElement:
			inside = false
			if e.Name.Local == end {
				return unescaped(t.value), nil
			}
		case xml.CharData:
			if inside {
				t.value = append(t.value, e...)
			}
		}
		if len(t.value) > maxCell {
			return nil, fmt.Errorf("a value is longer than %d bytes", maxCell)
		}
	}
}

// skip reads up to the end of an element that does not contain itself.
func (t *tokens) skip(name string) error {
	for {
		token, err := t.token()
		if err != nil {
			return unexpected(err)
		}
		if e, ok := token.(xml.EndElement); ok && e.Name.Local == name {
			return nil
		}
	}
}

var escape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescaped returns a text in which characters such as CR are written _x000D_ (ECMA-376
// part 1, 22.9.2.19).
func unescaped(text []byte) []byte {
	if !bytes.Contains(text, []byte("_x")) {
		return text
	}
	return escape.ReplaceAllFunc(text, func(e []byte) []byte {
		n, _ := strconv.ParseUint(string(e[2:6]), 16, 16) // it matched
		return []byte(string(rune(n)))
	})
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && !strings.Contains(a.Name.Space, "/") {
			return a.Value
		}
	}
	return ""
}
