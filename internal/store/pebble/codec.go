package pebble

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"rollcall/internal/account"
)

// An account is stored as
//
//	byte     codecVersion
//	uvarint  InternalID
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
const codecVersion = 1

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
	created := a.Created.UnixMilli()
	b = append(b, codecVersion)
	b = binary.AppendUvarint(b, a.InternalID)
	b = binary.AppendVarint(b, a.Kicked)
	b = binary.AppendVarint(b, created)
	b = binary.AppendVarint(b, a.Updated.UnixMilli()-created)
	b = appendText(b, a.Nick)
	b = appendText(b, a.FaceURL)
	b = binary.AppendUvarint(b, uint64(len(a.Profile)))
	for _, f := range a.Profile {
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
	a := account.Account{ID: id, InternalID: r.uvarint(), Kicked: r.varint()}
	created := r.varint()
	a.Created = time.UnixMilli(created).UTC()
	a.Updated = time.UnixMilli(created + r.varint()).UTC()
	a.Nick = r.text()
	a.FaceURL = r.text()
	n := r.uvarint()
	for range n {
		if r.bad {
			break // n may be anything
		}
		f := r.field()
		r.bad = r.bad || len(a.Profile) > 0 && a.Profile[len(a.Profile)-1].Tag >= f.Tag
		a.Profile = append(a.Profile, f)
	}
	if r.bad || r.rest != "" || a.InternalID == 0 {
		return account.Account{}, errCorrupt
	}
	return a, nil
}

// decodeHead reads what the table keeps of an account.
func decodeHead(value []byte) (entry, error) {
	r := newReader(value[:min(len(value), 1+2*binary.MaxVarintLen64)])
	e := entry{internalID: r.uvarint(), kicked: r.varint()}
	if r.bad || e.internalID == 0 {
		return entry{}, errCorrupt
	}
	return e, nil
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
