package diff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// A record is a row in a run: its id, nick, picture and tags, each text after its length.

func appendRecord(b []byte, r *Row) []byte {
	b = appendText(b, r.ID)
	b = appendText(b, r.Nick)
	b = appendText(b, r.FaceURL)
	b = binary.AppendUvarint(b, uint64(len(r.Tags)))
	for _, t := range r.Tags {
		kind := byte(0)
		if t.IsNumber {
			kind = 1
		}
		b = appendText(append(b, kind), []byte(t.Name))
		b = appendText(b, []byte(t.Value))
	}
	return b
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errRun = errors.New("the temporary file was changed by another program: repeat the command")

// A recordReader decodes a record.
type recordReader struct {
	rest []byte
	bad  bool
}

func (d *recordReader) number() uint64 {
	n, width := binary.Uvarint(d.rest)
	if width <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[width:]
	return n
}

func (d *recordReader) text() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return nil
	}
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text
}

// decodeRecord decodes b into r, which shares the memory of b except for the tags.
func decodeRecord(b []byte, r *Row) error {
	d := &recordReader{rest: b}
	r.ID, r.Nick, r.FaceURL, r.Tags = d.text(), d.text(), d.text(), r.Tags[:0]
	for n := d.number(); n > 0 && !d.bad; n-- {
		if len(d.rest) == 0 {
			d.bad = true
			break
		}
		isNumber := d.rest[0] == 1
		d.rest = d.rest[1:]
		r.Tags = append(r.Tags, Tag{string(d.text()), string(d.text()), isNumber})
	}
	if d.bad || len(d.rest) > 0 {
		return errRun
	}
	return nil
}

// apply applies a later row of the same id to r, as an import does: a value that is empty
// or missing keeps the one before. r shares memory with later afterwards.
func (r *Row) apply(later *Row) {
	if len(later.Nick) > 0 {
		r.Nick = later.Nick
	}
	if len(later.FaceURL) > 0 {
		r.FaceURL = later.FaceURL
	}
	for _, t := range later.Tags {
		r.set(t)
	}
}

// set sets a tag.
func (r *Row) set(t Tag) {
	i, found := slices.BinarySearchFunc(r.Tags, t.Name, func(t Tag, name string) int { return strings.Compare(t.Name, name) })
	if found {
		r.Tags[i] = t
		return
	}
	r.Tags = slices.Insert(r.Tags, i, t)
}

// idOf returns the id of a record.
func idOf(record []byte) []byte {
	d := recordReader{rest: record}
	return d.text()
}

func compareIDs(a, b []byte) int { return bytes.Compare(idOf(a), idOf(b)) }
