package record

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// ErrCorrupt is the error for stored bytes that the engine cannot have written.
var ErrCorrupt = errors.New("a stored value is corrupt")

// A Reader decodes stored bytes. After malformed input, OK reports false, nothing is left,
// and every read returns zero.
type Reader struct {
	rest string
	bad  bool
}

// newReader returns a Reader of a copy of value, because Pebble reuses the memory of
// value. It reads the version.
func newReader(value []byte) *Reader {
	if len(value) == 0 || value[0] != codecVersion {
		return &Reader{bad: true}
	}
	return &Reader{rest: string(value[1:])}
}

// peek returns a Reader that copies nothing: its texts share the memory of value.
func peek(value []byte) Reader {
	if len(value) == 0 || value[0] != codecVersion {
		return Reader{bad: true}
	}
	return Reader{rest: aliasOf(value[1:])}
}

// aliasOf returns b as a string, without a copy.
func aliasOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// ReaderOf returns a Reader of b, which does not begin with a version. It copies nothing:
// its texts share the memory of b.
func ReaderOf(b []byte) Reader { return Reader{rest: aliasOf(b)} }

// More reports whether anything is left to read.
func (r *Reader) More() bool { return r.rest != "" }

// OK reports whether all input so far was well-formed.
func (r *Reader) OK() bool { return !r.bad }

func (r *Reader) fail() { *r = Reader{bad: true} }

// Uvarint reads a number in the form of [binary.AppendUvarint].
func (r *Reader) Uvarint() (n uint64) {
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

// Varint reads a number in the zigzag form of [binary.AppendVarint].
func (r *Reader) Varint() int64 {
	n := r.Uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// number8 reads 8 bytes, big-endian.
func (r *Reader) number8() (n uint64) {
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

// Text reads a text: a uvarint of its length and its bytes.
func (r *Reader) Text() string {
	n := r.Uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
