package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A table reads CSV as RFC 4180 has it, with any delimiter. The parser is our own because
// that of the standard library keeps a record of any length in memory, and tells neither
// where a quote opened nor how the record was written.
type table struct {
	w       *window
	comma   byte
	columns []*column
	check   checker
	row     Row
	values  []byte // of a record with quotes, one after the other
	ends    []int  // of each value in values
}

// readTable yields the rows of a table with a header.
func readTable(f *File, w *window, o Options, check checker, yield func(*Row) bool) error {
	t := &table{w: w, comma: o.Delimiter, check: check}
	names, err := newNaming(o)
	if err != nil {
		return err
	}
	if err := t.readHeader(f, names); err != nil {
		return err
	}
	for {
		ok, err := t.next()
		if err != nil || !ok {
			return err
		}
		if !yield(&t.row) {
			return nil
		}
	}
}

// readHeader reads the first line that is not empty. Before it there can be a line such as
// "sep=;", with which Excel is told the delimiter.
func (t *table) readHeader(f *File, names *naming) error {
	first, err := t.firstLine()
	if d, ok := strings.CutPrefix(first, "sep="); ok && len(d) == 1 {
		if t.comma == 0 {
			t.comma = d[0]
		}
		if err := t.w.skipLine(nothing); err != nil {
			return broken(t.w.line, err)
		}
		first, err = t.firstLine()
	}
	if err != nil {
		return err
	}
	if t.comma == 0 {
		t.comma = delimiterOf(first, names)
	}
	line := t.w.line
	n, fault, err := t.quoted()
	if err != nil {
		return err
	}
	if fault != "" {
		return failure(line, "%s", fault)
	}
	raw := t.w.data()[:n]
	f.Header, f.Delimiter = string(bytes.TrimRight(raw, "\r\n")), t.comma
	t.w.take(n, bytes.Count(raw, []byte("\n")))
	header := make([][]byte, len(t.ends))
	for i := range header {
		header[i] = t.value(i)
	}
	if t.columns, err = names.columns(header); err != nil {
		return failure(line, "%s", err)
	}
	return nil
}

// firstLine returns the first line that is not empty. It stays in the window.
func (t *table) firstLine() (string, error) {
	text, _, err := t.line()
	switch err {
	case nil:
		return string(t.w.data()[:text]), nil
	case io.EOF:
		return "", failure(t.w.line, "there is no header: write a first line such as userid,nick,face_url")
	case errTooLong:
		return "", failure(t.w.line, "the line is longer than %d bytes, so it is no header: write a first line such as userid,nick,face_url", MaxRecord)
	}
	return "", broken(t.w.line, err)
}

// delimiterOf returns the delimiter with which line has the most known columns, or else the
// most columns.
func delimiterOf(line string, names *naming) byte {
	best, most := byte(','), 0
	for _, d := range []byte(",;\t|") {
		columns := strings.Split(line, string(d))
		score := len(columns)
		for _, c := range columns {
			if f := names.of([]byte(strings.Trim(c, `" `))).field; f != unknown && f != unnamed {
				score += 1000
			}
		}
		if score > most {
			best, most = d, score
		}
	}
	return best
}

// line skips empty lines and returns the length of the next one without its end and with
// it. It returns io.EOF at the end of the file.
func (t *table) line() (text, whole int, err error) {
	for {
		text, whole, err = t.w.lineEnd()
		if err != nil || text > 0 {
			return text, whole, err
		}
		t.w.take(whole, 1)
	}
}

// next reads a record into t.row. It returns false at the end of the file.
func (t *table) next() (bool, error) {
	text, whole, err := t.line()
	if err == io.EOF {
		return false, nil
	}
	if err != nil && err != errTooLong {
		return false, broken(t.w.line, err)
	}
	t.row = Row{Line: t.w.line, Tags: t.row.Tags[:0]}
	if err == errTooLong {
		return true, t.skipLong()
	}
	data := t.w.data()
	if bytes.IndexByte(data[:whole], '"') >= 0 {
		return true, t.readQuoted()
	}
	t.row.Raw = data[:text]
	t.w.take(whole, 1)
	t.split(t.row.Raw)
	t.check.row(&t.row)
	return true, nil
}

// skipLong makes a fault of a line that is too long and moves the window behind it. A quote
// that is not closed in the line is an error, because it may have swallowed good lines.
func (t *table) skipLong() error {
	quotes, quote := 0, []byte{'"'}
	err := skipLong(t.w, &t.row, func(part []byte) { quotes += bytes.Count(part, quote) })
	if err != nil {
		return err
	}
	if quotes%2 != 0 {
		return failure(t.row.Line, "%s", longRecord)
	}
	if bytes.Count(t.row.Raw, quote)%2 != 0 {
		t.row.Raw = append(t.row.Raw, '"') // so that it swallows nothing in a file of rejected rows
	}
	return nil
}

// skipLong makes a fault of a line that is too long and moves the window behind it. It calls
// see with each part of the line. The raw record is the beginning of the line.
func skipLong(w *window, r *Row, see func(part []byte)) error {
	r.Raw = bytes.Clone(w.data()[:MaxRecord])
	r.Fault = fmt.Sprintf("the line is longer than %d bytes, and no account is: mend or remove it", MaxRecord)
	if err := w.skipLine(see); err != nil {
		return broken(r.Line, err)
	}
	return nil
}

// split sets the values of a record without quotes.
func (t *table) split(record []byte) {
	for i := 0; ; i++ {
		end := bytes.IndexByte(record, t.comma)
		value := record
		if end >= 0 {
			value = record[:end]
		}
		if i < len(t.columns) {
			t.set(i, value)
		}
		if end < 0 {
			t.count(i + 1)
			return
		}
		record = record[end+1:]
	}
}

func (t *table) set(i int, value []byte) {
	if c := t.columns[i]; !t.row.set(c, value) {
		t.row.Fault = c.refusal(i)
	}
}

// count makes a fault of a record whose number of values is not that of the header.
func (t *table) count(n int) {
	if n == len(t.columns) {
		return
	}
	t.row.Fault = fmt.Sprintf("the line has %s and the header %s", plural(n, "field"), plural(len(t.columns), "field"))
	if n > len(t.columns) {
		t.row.Fault += ": put quotes around a value that contains the delimiter"
	} else {
		t.row.Fault += ": write the delimiters also where a value is empty"
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// readQuoted reads a record with quotes into t.row.
func (t *table) readQuoted() error {
	n, fault, err := t.quoted()
	if err != nil {
		return err
	}
	data := t.w.data()[:n]
	t.row.Raw = data[:trimCR(bytes.TrimSuffix(data, []byte("\n")))]
	t.w.take(n, bytes.Count(data, []byte("\n")))
	for i := range min(len(t.ends), len(t.columns)) {
		t.set(i, t.value(i))
	}
	t.count(len(t.ends))
	if fault != "" {
		t.row.spoil(fault)
	}
	t.check.row(&t.row)
	return nil
}

// value returns a value of the record that quoted has read.
func (t *table) value(i int) []byte {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.values[start:t.ends[i]:t.ends[i]]
}

// quoted reads a record into t.values and returns its length with the end of the line. A
// record of one line that is malformed is a fault, and its length is that of the line. One
// that runs over several lines is an error, because it may have swallowed good lines.
func (t *table) quoted() (n int, fault string, err error) {
	t.values, t.ends = t.values[:0], t.ends[:0]
	at := 0
	for {
		c, ok, err := t.w.peek(at)
		opened := at
		switch {
		case err != nil:
		case ok && c == '"':
			at, err = t.quotedValue(at + 1)
		default:
			at, err = t.plainValue(at)
		}
		if err != nil {
			return t.malformed(opened, at, err)
		}
		t.ends = append(t.ends, len(t.values))
		c, ok, err = t.w.peek(at)
		if err != nil {
			return t.malformed(opened, at, err)
		}
		at++
		if !ok {
			return at - 1, "", nil
		}
		if c == '\n' {
			return at, "", nil
		}
	}
}

var (
	errBareQuote = errors.New("a quote is inside of a value without quotes around it: put quotes around the value and double those inside")
	errAfter     = errors.New("something follows the quote that ends a value: double the quotes inside of a value")
	errUnclosed  = errors.New("a quote opens here and is not closed in the rest of the file: close or remove it")
)

// quotedValue reads a value behind its first quote and returns the position behind its
// last.
func (t *table) quotedValue(at int) (int, error) {
	for {
		end, err := t.w.find(at, '"')
		if err == io.EOF {
			return end, errUnclosed
		} else if err != nil {
			return end, err
		}
		if end > MaxRecord {
			return end, errTooLong
		}
		t.values = append(t.values, t.w.data()[at:end]...)
		c, ok, err := t.w.peek(end + 1)
		switch {
		case err != nil:
			return end, err
		case ok && c == '"':
			t.values = append(t.values, '"')
			at = end + 2
			continue
		case ok && c == '\r':
			return t.beforeLineEnd(end + 1)
		case ok && c != t.comma && c != '\n':
			return end + 1, errAfter
		}
		return end + 1, nil
	}
}

// beforeLineEnd returns the position behind a CR that ends a line.
func (t *table) beforeLineEnd(at int) (int, error) {
	c, ok, err := t.w.peek(at + 1)
	if err == nil && ok && c != '\n' {
		err = errAfter
	}
	return at + 1, err
}

// plainValue reads a value without quotes and returns the position of what ends it.
func (t *table) plainValue(at int) (int, error) {
	start := at
	for ; ; at++ {
		c, ok, err := t.w.peek(at)
		switch {
		case err != nil:
			return at, err
		case at > MaxRecord:
			return at, errTooLong
		case !ok || c == '\n':
			t.values = append(t.values, t.w.data()[start:start+trimCR(t.w.data()[start:at])]...)
			return at, nil
		case c == t.comma:
			t.values = append(t.values, t.w.data()[start:at]...)
			return at, nil
		case c == '"':
			return at, errBareQuote
		}
	}
}

var longRecord = fmt.Sprintf("a record is longer than %d bytes, as when a quote opens here and is not closed: close or remove it", MaxRecord)

// malformed returns a fault if the record, which is malformed at a position, has only one
// line, otherwise an error that names the line where the value opened.
func (t *table) malformed(opened, at int, err error) (n int, fault string, failed error) {
	data := t.w.data()
	line := t.w.line + bytes.Count(data[:min(opened, len(data))], []byte("\n"))
	switch {
	case err == errTooLong:
		return 0, "", failure(line, "%s", longRecord)
	case err != errBareQuote && err != errAfter && err != errUnclosed:
		return 0, "", broken(line, err)
	}
	reached := data[:min(at, len(data))]
	if bytes.IndexByte(reached, '\n') >= 0 {
		return 0, "", failure(line, "%s (the value runs on to line %d)", err, t.w.line+bytes.Count(reached, []byte("\n")))
	}
	end, findErr := t.w.find(at, '\n')
	switch {
	case findErr == io.EOF:
		return end, err.Error(), nil
	case findErr == errTooLong:
		return 0, "", failure(line, "the line is longer than %d bytes: mend or remove it", MaxRecord)
	case findErr != nil:
		return 0, "", broken(line, findErr)
	}
	return end + 1, err.Error(), nil
}
