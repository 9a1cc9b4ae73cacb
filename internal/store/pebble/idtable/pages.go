package idtable

import (
	"encoding/binary"

	"rollcall/internal/store/pebble/record"
)

// A Form is the kind of entries in a page.
type Form byte

// The forms of pages.
const (
	IDs     Form = iota // live accounts with their InternalID
	Changes             // all fields of an Entry except Pos
)

// A page is a list of entries. Each name is stored as the number of bytes that it shares
// with the name before it, and the rest.
//
//	uvarint  number of bytes that are shared
//	uvarint  length of the rest
//	rest     of the name
//	varint   InternalID less that of the entry before; of changes it is 0 if
//	         there is no account any more
//	         of changes alone: varint Kicked, varint time of deletion, unix milliseconds

// indexPage is the approximate size of a page in bytes.
const indexPage = 32 << 10

// Pages encodes entries into pages of one form. The zero value is empty.
type Pages struct {
	Form Form // of all entries

	full    [][]byte
	written uint32 // pages that Flush has passed on
	entries int64

	page []byte // the page that Add appends to
	name []byte // the last name in it
	id   uint64 // the last InternalID in it
}

// Add adds an entry without e.Pos. Names need less space if they come in order.
func (p *Pages) Add(name []byte, e Entry) {
	if p.page == nil {
		p.page = make([]byte, 0, indexPage+indexPage/8)
	}
	shared := record.SharedPrefix(p.name, name)
	p.page = binary.AppendUvarint(p.page, uint64(shared))
	p.page = binary.AppendUvarint(p.page, uint64(len(name)-shared))
	p.page = append(p.page, name[shared:]...)
	p.page = binary.AppendVarint(p.page, int64(e.InternalID)-int64(p.id))
	if p.Form == Changes {
		p.page = binary.AppendVarint(p.page, e.Kicked)
		p.page = binary.AppendVarint(p.page, e.Deleted)
	}
	p.name, p.id = append(p.name[:0], name...), e.InternalID
	p.entries++
	if len(p.page) >= indexPage {
		p.End()
	}
}

// End completes the current page. The next entry starts a new one.
func (p *Pages) End() {
	if p.page != nil {
		p.full = append(p.full, p.page)
	}
	p.page, p.name, p.id = nil, p.name[:0], 0
}

// Flush calls fn with each page completed since the last Flush, and its number, counted
// from 0. It then releases these pages.
func (p *Pages) Flush(fn func(n uint32, page []byte)) {
	for _, page := range p.full {
		fn(p.written, page)
		p.written++
	}
	p.full = p.full[:0]
}

// EachEntry calls fn for each entry of a page of form f. name is valid only during the
// call. It returns the first error of fn, or [record.ErrCorrupt] if the page is malformed.
func EachEntry(f Form, page []byte, fn func(name []byte, e Entry) error) error {
	name := make([]byte, 0, MaxName)
	id := uint64(0)
	for r := record.ReaderOf(page); r.More(); {
		shared, rest := r.Uvarint(), r.Text()
		id += uint64(r.Varint())
		e := Entry{InternalID: id}
		if f == Changes {
			e.Kicked, e.Deleted = r.Varint(), r.Varint()
			e.Gone = !e.Live()
		}
		if !r.OK() || shared > uint64(len(name)) || id > MaxID || f == IDs && id == 0 {
			return record.ErrCorrupt
		}
		if name = append(name[:shared], rest...); len(name) < record.MinName || len(name) > MaxName {
			return record.ErrCorrupt
		}
		if err := fn(name, e); err != nil {
			return err
		}
	}
	return nil
}

// A Size is the size of an index.
type Size struct {
	Pages, Entries int64
	Changes        int64 // entries in pages of the form Changes
}

// Size returns the size of all entries added. The last page must have ended.
func (p *Pages) Size() Size {
	n := Size{Pages: int64(p.written) + int64(len(p.full)), Entries: p.entries}
	if p.Form == Changes {
		n.Changes = n.Entries
	}
	return n
}

// Add adds more to n.
func (n *Size) Add(more Size) {
	n.Pages += more.Pages
	n.Entries += more.Entries
	n.Changes += more.Changes
}

// Stale reports whether an index of size n should be rewritten: most of its entries are
// out of date, its pages are small, or a start would read too many changes. ids is the
// number of IDs of its table, and changed is how many of them need the form Changes.
func (n Size) Stale(ids, changed int64) bool {
	return n.Entries > 2*ids+1<<20 || n.Pages > ids/128+1<<12 || n.Changes-changed > ids/4+1<<20
}
