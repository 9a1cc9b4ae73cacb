package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// A Row is one line of an export. Its bytes are valid until the next row is read. What is
// absent is nil.
type Row struct {
	UserID, Nick, FaceURL                         []byte
	Tags                                          []Tag // in the order of the line
	InternalID, Created, Updated, Kicked, Deleted []byte
}

// A Tag is a profile tag of a row. Value is a text or, if IsNumber is set, a number in
// decimal digits.
type Tag struct {
	Name, Value []byte
	IsNumber    bool
}

// maxLine is the longest line of an export in bytes. An account has a few KiB.
const maxLine = 1 << 20

// Rows reads the rows of an export.
type Rows struct {
	r     io.Reader
	buf   []byte
	start int // of the next line in buf
	end   int // of what was read
	last  error
	n     int64 // rows that were read
	p     parser
	row   Row
}

// NewRows returns a reader of the rows of r.
func NewRows(r io.Reader) *Rows { return &Rows{r: r, buf: make([]byte, 256<<10)} }

// Next returns the next row. At the end the error is that of the reader, [io.EOF] after the
// whole export.
func (r *Rows) Next() (*Row, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	r.n++
	if err := r.p.parse(line, &r.row); err != nil {
		return nil, fmt.Errorf("row %d of the export: %w", r.n, err)
	}
	return &r.row, nil
}

var (
	errLong    = errors.New("a row of the export is too long: is the server a Rollcall?")
	errUnended = errors.New("the last row of the export is not whole: is the server a Rollcall?")
)

// line returns the next line without its end.
func (r *Rows) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : r.start+seen+i]
			r.start += seen + i + 1
			return line, nil
		}
		seen = r.end - r.start
		if r.last != nil {
			if r.last == io.EOF && seen > 0 {
				return nil, errUnended
			}
			return nil, r.last
		}
		r.fill()
		if r.end-r.start > maxLine {
			return nil, errLong
		}
	}
}

// fill reads more, after it has made room.
func (r *Rows) fill() {
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := r.r.Read(r.buf[r.end:])
	r.end += n
	r.last = err
}

// A parser reads the objects of an export. Their form is that of the server: no blanks, and
// texts and numbers only. It is written by hand because a general decoder takes several
// times as long.
type parser struct {
	rest  []byte
	texts []byte // unquoted texts of the row
}

var errForm = errors.New("it is not of the form that this program knows: use the version of the server")

func (p *parser) parse(line []byte, row *Row) error {
	p.rest, p.texts = line, p.texts[:0]
	*row = Row{Tags: row.Tags[:0]}
	err := p.object(func(name []byte) error { return p.member(name, row) })
	if err == nil && (len(p.rest) > 0 || row.UserID == nil) {
		err = errForm
	}
	return err
}

// object reads an object and calls member for each, which reads the value.
func (p *parser) object(member func(name []byte) error) error {
	if !p.skip('{') {
		return errForm
	}
	if p.skip('}') {
		return nil
	}
	for {
		name, err := p.text()
		if err != nil || !p.skip(':') {
			return errForm
		}
		if err := member(name); err != nil {
			return err
		}
		if p.skip('}') {
			return nil
		}
		if !p.skip(',') {
			return errForm
		}
	}
}

func (p *parser) member(name []byte, row *Row) error {
	var to *[]byte
	switch string(name) {
	case "profile":
		return p.object(func(name []byte) error { return p.tag(name, row) })
	case "userid":
		to = &row.UserID
	case "nick":
		to = &row.Nick
	case "face_url":
		to = &row.FaceURL
	case "internal_id":
		to = &row.InternalID
	case "created_at":
		to = &row.Created
	case "updated_at":
		to = &row.Updated
	case "kicked_at":
		to = &row.Kicked
	case "deleted_at":
		to = &row.Deleted
	default:
		return fmt.Errorf("the member %.40q is unknown: use the version of the server", name)
	}
	var err error
	if *to != nil {
		return errForm
	}
	*to, err = p.text()
	return err
}

func (p *parser) tag(name []byte, row *Row) error {
	t := Tag{Name: name}
	var err error
	if len(p.rest) > 0 && p.rest[0] == '"' {
		t.Value, err = p.text()
	} else {
		t.IsNumber = true
		t.Value, err = p.number()
	}
	row.Tags = append(row.Tags, t)
	return err
}

// skip reads c, if it is next.
func (p *parser) skip(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) number() ([]byte, error) {
	n := 0
	for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
		n++
	}
	if n == 0 {
		return nil, errForm
	}
	number := p.rest[:n]
	p.rest = p.rest[n:]
	return number, nil
}

// text reads a string. It is part of the line, unless the line has it escaped.
func (p *parser) text() ([]byte, error) {
	if !p.skip('"') {
		return nil, errForm
	}
	end := bytes.IndexByte(p.rest, '"')
	if end < 0 {
		return nil, errForm
	}
	if escaped := bytes.IndexByte(p.rest[:end], '\\') >= 0; !escaped {
		text := p.rest[:end:end]
		p.rest = p.rest[end+1:]
		return text, nil
	}
	for end = 0; end < len(p.rest) && p.rest[end] != '"'; end++ {
		if p.rest[end] == '\\' {
			end++
		}
	}
	if end >= len(p.rest) {
		return nil, errForm
	}
	return p.unquote(end)
}

// unquote reads a string whose closing quote is at end.
func (p *parser) unquote(end int) ([]byte, error) {
	quoted := append([]byte{'"'}, p.rest[:end+1]...)
	p.rest = p.rest[end+1:]
	start := len(p.texts)
	texts, err := jsontext.AppendUnquote(p.texts, quoted)
	if err != nil {
		return nil, errForm
	}
	p.texts = texts // older texts of the row keep the memory that they have
	return texts[start:len(texts):len(texts)], nil
}
