package pebble

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unsafe"

	"rollcall/internal/account"
)

// An account is stored as
//
//	byte     codecVersion
//	BE8      InternalID
//	varint   Kicked
//	varint   Created, unix milliseconds
//	varint   Updated less Created, milliseconds
//	text     Nick
//	text     FaceURL
//	uvarint  number of fields; for each, in the order of tags:
//	  uvarint  2 × index of the tag in tagNames, + 1 for a number
//	  text     rest of the tag, for the indexes restTag and customTag alone
//	  uvarint  the number, or text
//
// where text is a uvarint of its length and its bytes. What is left of a
// deleted account is stored as
//
//	byte     codecVersion
//	varint   time of deletion, unix milliseconds
//	varint   Kicked
const codecVersion = 2

// tagNames numbers the tags that a profile may hold. Positions are in the
// stored data: append only.
var tagNames = [...]account.Tag{
	restTag:   "",
	customTag: account.CustomPrefix,
	2:         account.TagGender,
	3:         account.TagBirthDay,
	4:         account.TagLocation,
	5:         account.TagSelfSignature,
	6:         account.TagAllowType,
	7:         account.TagLanguage,
	8:         account.TagMsgSettings,
	9:         account.TagAdminForbidType,
	10:        account.TagLevel,
	11:        account.TagRole,
}

// Indexes of tagNames that a text follows.
const (
	restTag   = 0 // a tag that has no number, in full
	customTag = 1 // the key of a custom tag
)

// errCorrupt says that stored bytes are not what this package writes.
var errCorrupt = errors.New("a stored value is corrupt")

// tagIndex returns the number of tag and the text that follows it.
func tagIndex(tag account.Tag) (index uint64, rest string) {
	for i, name := range tagNames {
		if i > customTag && name == tag {
			return uint64(i), ""
		}
	}
	if key, ok := strings.CutPrefix(string(tag), account.CustomPrefix); ok {
		return customTag, key
	}
	return restTag, string(tag)
}

// appendAccount appends the stored form of a; its ID is in the key.
func appendAccount(b []byte, a *account.Account) []byte {
	b = appendHead(b, head{a.InternalID, a.Kicked, a.Created.UnixMilli(), a.Updated.UnixMilli()})
	b = appendText(b, a.Nick)
	b = appendText(b, a.FaceURL)
	return appendFields(b, a.Profile)
}

// A head is what stands before the texts of an account.
type head struct {
	internalID       uint64
	kicked           int64
	created, updated int64 // unix milliseconds
}

// idOffset is where the InternalID stands in an account.
const idOffset = 1

func appendHead(b []byte, h head) []byte {
	b = append(b, codecVersion)
	b = binary.BigEndian.AppendUint64(b, h.internalID)
	b = binary.AppendVarint(b, h.kicked)
	b = binary.AppendVarint(b, h.created)
	return binary.AppendVarint(b, h.updated-h.created)
}

func appendFields(b []byte, fs []account.Field) []byte {
	b = binary.AppendUvarint(b, uint64(len(fs)))
	for _, f := range fs {
		b = appendField(b, f)
	}
	return b
}

func appendField(b []byte, f account.Field) []byte {
	index, rest := tagIndex(f.Tag)
	head := 2 * index
	if f.Value.IsNumber {
		head++
	}
	b = binary.AppendUvarint(b, head)
	if index <= customTag {
		b = appendText(b, rest)
	}
	if f.Value.IsNumber {
		return binary.AppendUvarint(b, f.Value.Number)
	}
	return appendText(b, f.Value.Text)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendGone appends the stored form of what is left of a deleted account.
func appendGone(b []byte, e entry) []byte {
	b = append(b, codecVersion)
	b = binary.AppendVarint(b, e.deleted)
	return binary.AppendVarint(b, e.kicked)
}

// decodeAccount reads the account id from its stored form. It keeps nothing of
// value.
func decodeAccount(id account.UserID, value []byte) (account.Account, error) {
	r := newReader(value)
	h := r.head()
	a := account.Account{
		ID: id, InternalID: h.internalID, Kicked: h.kicked,
		Created: time.UnixMilli(h.created).UTC(), Updated: time.UnixMilli(h.updated).UTC(),
		Nick: r.text(), FaceURL: r.text(), Profile: r.fields(),
	}
	for i := range a.Profile {
		r.bad = r.bad || i > 0 && a.Profile[i-1].Tag >= a.Profile[i].Tag
	}
	if r.bad || r.rest != "" {
		return account.Account{}, errCorrupt
	}
	return a, nil
}

// decodeHead reads what the table keeps of an account.
func decodeHead(value []byte) (entry, error) {
	r := peek(value)
	h := r.head()
	if r.bad {
		return entry{}, errCorrupt
	}
	return entry{internalID: h.internalID, kicked: h.kicked}, nil
}

// decodeGone reads what is left of a deleted account.
func decodeGone(value []byte) (entry, error) {
	r := newReader(value)
	e := entry{gone: true, deleted: r.varint(), kicked: r.varint()}
	if r.bad || r.rest != "" {
		return entry{}, errCorrupt
	}
	return e, nil
}

// A reader takes a stored value apart. After anything that does not fit, bad is
// set and every read returns zero.
type reader struct {
	rest string
	bad  bool
}

// newReader copies value, because Pebble takes it back, and reads the version.
func newReader(value []byte) *reader {
	if len(value) == 0 || value[0] != codecVersion {
		return &reader{bad: true}
	}
	return &reader{rest: string(value[1:])}
}

// peek returns a reader that copies nothing: what it reads is value's own.
func peek(value []byte) reader {
	if len(value) == 0 || value[0] != codecVersion {
		return reader{bad: true}
	}
	return reader{rest: aliasOf(value[1:])}
}

// aliasOf returns b as a string, without a copy.
func aliasOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (r *reader) fail() { *r = reader{bad: true} }

func (r *reader) uvarint() (n uint64) {
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		c := r.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break // more than 64 bits
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

// varint reads a number in the zigzag form of [binary.AppendVarint].
func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// number8 reads 8 bytes, big-endian.
func (r *reader) number8() (n uint64) {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	for i := range 8 {
		n = n<<8 | uint64(r.rest[i])
	}
	r.rest = r.rest[8:]
	return n
}

func (r *reader) head() head {
	h := head{internalID: r.number8(), kicked: r.varint(), created: r.varint()}
	h.updated = h.created + r.varint()
	if h.internalID == 0 {
		r.fail()
	}
	return h
}

func (r *reader) fields() (fs []account.Field) {
	n := r.uvarint()
	for range n {
		f := r.field()
		if r.bad {
			return nil // n may be anything
		}
		fs = append(fs, f)
	}
	return fs
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) field() (f account.Field) {
	head := r.uvarint()
	index := head / 2
	if index >= uint64(len(tagNames)) {
		r.fail()
		return f
	}
	f.Tag = tagNames[index]
	if index <= customTag {
		f.Tag += account.Tag(r.text())
	}
	if head%2 == 1 {
		f.Value = account.Value{Number: r.uvarint(), IsNumber: true}
	} else {
		f.Value.Text = r.text()
	}
	return f
}
