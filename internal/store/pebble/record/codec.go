package record

import (
	"encoding/binary"
	"strings"
	"time"

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
// where text is a uvarint of its length and its bytes. The tombstone of a deleted account
// is stored as
//
//	byte     codecVersion
//	varint   time of deletion, unix milliseconds
//	varint   Kicked
const codecVersion = 2

// tagNames numbers the tags of a profile. The indexes are part of the stored data: append
// only.
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

// Indexes of tagNames that are followed by a text.
const (
	restTag   = 0 // a tag that has no number, in full
	customTag = 1 // the key of a custom tag
)

// tagIndex returns the index of tag and the text that follows the index.
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

// AppendAccount appends the stored form of a without its ID, which is in its name. The
// fields of the profile must be in the order of tags.
func AppendAccount(b []byte, a *account.Account) []byte {
	b = appendHead(b, Head{a.InternalID, a.Kicked, a.Created.UnixMilli(), a.Updated.UnixMilli()})
	b = appendText(b, a.Nick)
	b = appendText(b, a.FaceURL)
	return appendFields(b, a.Profile)
}

// A Head is the part of an account before its texts. It can be decoded without them.
type Head struct {
	InternalID       uint64 // never 0 in what is stored
	Kicked           int64  // watermark, unix seconds
	Created, Updated int64  // unix milliseconds
}

func appendHead(b []byte, h Head) []byte {
	b = append(b, codecVersion)
	b = binary.BigEndian.AppendUint64(b, h.InternalID)
	b = binary.AppendVarint(b, h.Kicked)
	b = binary.AppendVarint(b, h.Created)
	return binary.AppendVarint(b, h.Updated-h.Created)
}

// SetInternalID sets the InternalID of an account that was encoded without one, see
// [Imports].
func SetInternalID(value []byte, id uint64) { binary.BigEndian.PutUint64(value[1:], id) }

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

// A Gone is the tombstone of a deleted account.
type Gone struct {
	Deleted int64 // time of deletion, unix milliseconds
	Kicked  int64 // watermark, unix seconds
}

// AppendGone appends the stored form of a tombstone.
func AppendGone(b []byte, g Gone) []byte {
	b = append(b, codecVersion)
	b = binary.AppendVarint(b, g.Deleted)
	return binary.AppendVarint(b, g.Kicked)
}

// DecodeAccount decodes the account id from its stored form. It does not keep value. Its
// only error is [ErrCorrupt].
func DecodeAccount(id account.UserID, value []byte) (account.Account, error) {
	r := newReader(value)
	h := r.head()
	a := account.Account{
		ID: id, InternalID: h.InternalID, Kicked: h.Kicked,
		Created: time.UnixMilli(h.Created).UTC(), Updated: time.UnixMilli(h.Updated).UTC(),
		Nick: r.Text(), FaceURL: r.Text(), Profile: r.fields(),
	}
	for i := range a.Profile {
		r.bad = r.bad || i > 0 && a.Profile[i-1].Tag >= a.Profile[i].Tag
	}
	if r.bad || r.rest != "" {
		return account.Account{}, ErrCorrupt
	}
	return a, nil
}

// DecodeHead decodes the head of an account and ignores the rest. Its only error is
// [ErrCorrupt].
func DecodeHead(value []byte) (Head, error) {
	r := peek(value)
	h := r.head()
	if r.bad {
		return Head{}, ErrCorrupt
	}
	return h, nil
}

// DecodeGone decodes a tombstone. Its only error is [ErrCorrupt].
func DecodeGone(value []byte) (Gone, error) {
	r := newReader(value)
	g := Gone{Deleted: r.Varint(), Kicked: r.Varint()}
	if r.bad || r.rest != "" {
		return Gone{}, ErrCorrupt
	}
	return g, nil
}

func (r *Reader) head() Head {
	h := Head{InternalID: r.number8(), Kicked: r.Varint(), Created: r.Varint()}
	h.Updated = h.Created + r.Varint()
	if h.InternalID == 0 {
		r.fail()
	}
	return h
}

func (r *Reader) fields() (fs []account.Field) {
	n := r.Uvarint()
	for range n {
		f := r.field()
		if r.bad {
			return nil // n may be anything
		}
		fs = append(fs, f)
	}
	return fs
}

func (r *Reader) field() account.Field { return r.fieldOf(customTagOf) }

// customTagOf returns the custom tag of a key.
func customTagOf(key string) account.Tag { return account.CustomPrefix + account.Tag(key) }

// fieldOf reads a field. custom returns the custom tag of a key, whose memory may be that
// of the input.
func (r *Reader) fieldOf(custom func(key string) account.Tag) (f account.Field) {
	head := r.Uvarint()
	index := head / 2
	if index >= uint64(len(tagNames)) {
		r.fail()
		return f
	}
	switch index {
	case restTag:
		f.Tag = account.Tag(r.Text())
	case customTag:
		f.Tag = custom(r.Text())
	default:
		f.Tag = tagNames[index]
	}
	if head%2 == 1 {
		f.Value = account.Value{Number: r.Uvarint(), IsNumber: true}
	} else {
		f.Value.Text = r.Text()
	}
	return f
}
