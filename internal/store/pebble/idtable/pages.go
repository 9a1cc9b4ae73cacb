package idtable

import (
	"encoding/binary"

	"rollcall/internal/store/pebble/record"
)

// A Form is what a page says of ids.
type Form byte

// The forms of pages.
const (
	IDs     Form = iota // that there is such an account, and its InternalID
	Changes             // all that an Entry has, but for Pos
)

// A page is entries, each with its name in parts: what it shares with the name
// before, and the rest.
//
//	uvarint  number of bytes that are shared
//	uvarint  length of the rest
//	rest     of the name
//	varint   InternalID less that of the entry before; of changes it is 0 if
//	         there is no account any more
//	         of changes alone: varint Kicked, varint time of deletion, unix milliseconds

// indexPage is about how many bytes a page has.
const indexPage = 32 << 10

// Pages packs entries into pages of one form. The zero value has none yet.
type Pages struct {
	Form Form // of all that is added

	full    [][]byte
	written uint32 // pages that are no longer here
	entries int64

	page []byte // under way
	name []byte // the last in it
	id   uint64 // the last in it
}

// Add adds what is known of an id, without e.Pos. Names take less room if they come
// in order.
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

// End ends the page under way. What is added next begins another.
func (p *Pages) End() {
	if p.page != nil {
		p.full = append(p.full, p.page)
	}
	p.page, p.name, p.id = nil, p.name[:0], 0
}

// Flush calls fn with each page that has ended since the last Flush, and its number:
// pages are numbered from 0. It lets go of them.
func (p *Pages) Flush(fn func(n uint32, page []byte)) {
	for _, page := range p.full {
		fn(p.written, page)
		p.written++
	}
	p.full = p.full[:0]
}

// EachEntry calls fn for each entry of a page of form f. The name is fn's for the
// time of the call. It returns the first error of fn, and [record.ErrCorrupt] where
// the page turns out not to be one.
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

// A Size tells how much of an index there is.
type Size struct{ Pages, Entries int64 }

// Size returns how much was added, once the last page has ended.
func (p *Pages) Size() Size { return Size{int64(p.written) + int64(len(p.full)), p.entries} }

// Add adds more to n.
func (n *Size) Add(more Size) {
	n.Pages += more.Pages
	n.Entries += more.Entries
}

// Stale reports whether an index of so much, for so many ids, is better written
// anew: most of its entries are out of date, or it is in small pieces.
func (n Size) Stale(ids int64) bool {
	return n.Entries > 2*ids+1<<20 || n.Pages > ids/128+1<<12
}
