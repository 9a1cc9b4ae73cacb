package record

import (
	"slices"
	"time"

	"rollcall/internal/account"
)

// Imports contains a batch of accounts to import. The goroutine of the caller encodes them,
// which leaves little work for the committer. They share no memory with the caller.
type Imports struct {
	now   int64 // unix milliseconds
	head  int   // length of the head of each account
	items []span
	buf   []byte // for each item its name and its encoding as a new account
}

// A span is an item in buf.
type span struct {
	start, name, end uint32 // the name ends, and the account begins, at name
}

// noTexts is the length of an account without a profile after its head: two empty texts
// and no fields.
const noTexts = 3

// Overhead is the approximate size in bytes of an account, or of a change of one, without
// its texts.
const Overhead = 48

// Encode replaces the content of m by items, as accounts of app that are created at the
// time now. It uses the memory of m again.
func (m *Imports) Encode(app account.AppID, items []account.Upsert, now time.Time) {
	m.now = now.UnixMilli()
	size := 0
	for i := range items {
		size += Overhead + len(items[i].ID) + len(items[i].Nick) + len(items[i].FaceURL)
	}
	m.buf, m.items = slices.Grow(m.buf[:0], size), slices.Grow(m.items[:0], len(items))
	for i := range items {
		m.items = append(m.items, m.add(app, &items[i]))
	}
}

func (m *Imports) add(app account.AppID, item *account.Upsert) span {
	it := span{start: uint32(len(m.buf))}
	m.buf = AppendName(m.buf, app, item.ID)
	it.name = uint32(len(m.buf))
	m.buf = appendHead(m.buf, Head{Created: m.now, Updated: m.now})
	m.head = len(m.buf) - int(it.name)
	m.buf = appendTexts(m.buf, item)
	it.end = uint32(len(m.buf))
	return it
}

// appendTexts appends the part of an account after its head.
func appendTexts(b []byte, item *account.Upsert) []byte {
	b = appendText(b, item.Nick)
	b = appendText(b, item.FaceURL)
	return append(b, 0)
}

// Size returns the total size of the names and accounts in bytes.
func (m *Imports) Size() int { return len(m.buf) }

// Item returns the name of an item and its new account without an InternalID, see
// [SetInternalID]. The slices share the memory of the batch.
func (m *Imports) Item(i int) (name, value []byte) {
	it := &m.items[i]
	return m.buf[it.start:it.name], m.buf[it.name:it.end]
}

// Name returns the name of an item, which shares the memory of the batch.
func (m *Imports) Name(i int) []byte { return m.buf[m.items[i].start:m.items[i].name] }

// texts returns the account of an item without its head.
func (m *Imports) texts(i int) []byte { return m.buf[int(m.items[i].name)+m.head : m.items[i].end] }

// WithKicked returns the account of an item as Item does, but with a watermark, in unix
// seconds.
func (m *Imports) WithKicked(i int, kicked int64) []byte {
	b := appendHead(nil, Head{Kicked: kicked, Created: m.now, Updated: m.now})
	return append(b, m.texts(i)...)
}

// AppendOperand appends the operand that imports an item into an existing account. It
// appends nothing if the item has no profile.
func (m *Imports) AppendOperand(b []byte, i int) []byte {
	texts := m.texts(i)
	if len(texts) == noTexts {
		return b
	}
	return appendImport(b, m.now, texts)
}
