package exporter

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Table options.
type TableOptions struct {
	Comma   byte
	BOM     bool
	Safe    bool     // spreadsheets must not take a cell for a formula; such cells are changed
	Tags    []string // the columns of the profile
	Numbers []string // of Tags, custom tags whose column says that it has numbers
	Others  bool     // leave out tags that have no column; without it they are an error
	Details bool
	Deleted bool
}

// A TableWriter writes rows as a table of RFC 4180.
type TableWriter struct {
	w       io.Writer
	o       TableOptions
	columns map[string]int // of tags
	values  [][]byte       // of tags, by column
	buf     []byte
	Changed int64 // cells that Safe has changed
	Left    int64 // values of tags that have no column
}

// NewTable returns a writer of a table, and writes its header.
func NewTable(w io.Writer, o TableOptions) (*TableWriter, error) {
	t := &TableWriter{w: w, o: o, columns: map[string]int{}, values: make([][]byte, len(o.Tags))}
	if o.BOM {
		t.buf = append(t.buf, "\ufeff"...)
	}
	header := []string{"userid", "nick", "face_url"}
	for i, tag := range o.Tags {
		t.columns[tag] = i
		if slices.Contains(o.Numbers, tag) {
			tag += ":number"
		}
		header = append(header, tag)
	}
	if o.Details {
		header = append(header, "internal_id", "created_at", "updated_at", "kicked_at")
	}
	if o.Deleted {
		header = append(header, "deleted_at")
	}
	t.buf = append(append(t.buf, strings.Join(header, string(o.Comma))...), "\r\n"...)
	return t, nil
}

// Write writes a row.
func (t *TableWriter) Write(row *Row) error {
	clear(t.values)
	for _, tag := range row.Tags {
		i, ok := t.columns[string(tag.Name)]
		switch {
		case ok:
			t.values[i] = tag.Value
		case t.o.Others:
			t.Left++
		default:
			return fmt.Errorf("%s has the tag %s, which is no column: the app does not declare it any more; export as NDJSON, or name the columns with --columns", row.UserID, tag.Name)
		}
	}
	t.cell(row.UserID)
	t.next(row.Nick)
	t.next(row.FaceURL)
	for _, value := range t.values {
		t.next(value)
	}
	if t.o.Details {
		for _, value := range [][]byte{row.InternalID, row.Created, row.Updated, row.Kicked} {
			t.next(value)
		}
	}
	if t.o.Deleted {
		t.next(row.Deleted)
	}
	t.buf = append(t.buf, "\r\n"...)
	if len(t.buf) < tableBuffer {
		return nil
	}
	return t.Flush()
}

// tableBuffer is how many bytes of a table are written at once.
const tableBuffer = 256 << 10

// Flush writes what Write has kept back.
func (t *TableWriter) Flush() error {
	_, err := t.w.Write(t.buf)
	t.buf = t.buf[:0]
	return err
}

func (t *TableWriter) next(value []byte) {
	t.buf = append(t.buf, t.o.Comma)
	t.cell(value)
}

// Formula are the letters with which a cell begins that spreadsheets take for a formula.
const Formula = "=+-@\t\r"

// cell writes a cell, in quotes if it needs them. Blanks at an end are no reason: RFC 4180
// makes them part of the cell.
func (t *TableWriter) cell(value []byte) {
	if len(value) == 0 {
		return
	}
	safe := t.o.Safe && strings.IndexByte(Formula, value[0]) >= 0
	quote := false
	for _, c := range value {
		if c == t.o.Comma || c == '"' || c == '\n' || c == '\r' {
			quote = true
			break
		}
	}
	if quote {
		t.buf = append(t.buf, '"')
	}
	if safe {
		t.Changed++
		t.buf = append(t.buf, '\'')
	}
	if quote && bytes.IndexByte(value, '"') >= 0 {
		value = bytes.ReplaceAll(value, []byte(`"`), []byte(`""`))
	}
	t.buf = append(t.buf, value...)
	if quote {
		t.buf = append(t.buf, '"')
	}
}
