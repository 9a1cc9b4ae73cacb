package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"sync"
)

// Limits of [Parse]. A usual UserSig is a text of 200 to 300 bytes and inflates
// to about as many.
const (
	MaxText     = 4 << 10 // maximum length of the text, in bytes
	MaxInflated = 8 << 10 // maximum length of the JSON, in bytes
)

// Parse parses a UserSig of either version without verifying it. It accepts the
// output of all libraries of the vendor, and the plain base64 alphabet in place
// of "*-_". The error is an [*Error] with the Reason [Malformed].
//
// Parse is strict about the rest:
//   - The zlib checksum must be right, and nothing may follow the compressed
//     data.
//   - The JSON must be one flat object in valid UTF-8. It must have no
//     duplicate names and at most 16 members. Only white space may surround it.
//   - Numbers are plain decimal integers. In version 1 they may also be
//     strings, as its libraries write them.
//   - In version 1, TLS.appid_at_3rd and TLS.account_type may be any text or
//     number. TLS.appid_at_3rd may be absent. TLS.version is ignored.
//   - Unknown members are ignored. Null means absent.
//   - TLS.userbuf may be any text.
//   - A TLS.sig that is not base64 can be parsed, but fits no key.
func Parse(text string) (*Sig, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	packed, err := d.unwrap(text)
	if err != nil {
		return nil, err
	}
	payload, err := d.inflate(packed)
	if err != nil {
		return nil, notZlib(text, err)
	}
	return d.parse(payload)
}

// A decoder contains everything that parsing one text needs: an inflater of
// about 40 kB and buffers for the longest text. The results of its methods
// share its memory.
type decoder struct {
	plain  [MaxText]byte // the text
	packed [MaxText]byte // the text, decoded from base64
	json   [MaxInflated + 1]byte
	object object // contains slices of json
	src    bytes.Reader
	zlib   io.ReadCloser // nil until the first valid header
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// unwrap decodes the base64.
func (d *decoder) unwrap(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, refuse(Malformed, "it is empty")
	case len(text) > MaxText:
		return nil, refuse(Malformed, "its %d bytes are more than a UserSig may have (%d)", len(text), MaxText)
	case strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0: // package base64 would skip it
		return nil, refuse(Malformed, "a line end stands in it")
	}
	plain := d.plain[:copy(d.plain[:], text)]
	n, err := envelope.Decode(d.packed[:], plain)
	if err != nil { // it may be in the standard alphabet, or in both
		for i, c := range plain {
			plain[i] = standard(c)
		}
		n, err = base64.StdEncoding.Decode(d.packed[:], plain)
	}
	if err != nil {
		return nil, refuse(Malformed, "%s", badText(text))
	}
	return d.packed[:n], nil
}

// standard maps the characters of [envelope] to those of standard base64.
func standard(c byte) byte {
	switch c {
	case '*':
		return '+'
	case '-':
		return '/'
	case '_':
		return '='
	}
	return c
}

// inflate decompresses packed.
func (d *decoder) inflate(packed []byte) ([]byte, error) {
	d.src.Reset(packed)
	if err := d.open(); err != nil {
		return nil, refuse(Malformed, "%s", badZlib(packed, err))
	}
	n := 0
	for n < len(d.json) {
		m, err := d.zlib.Read(d.json[n:])
		n += m
		if err == io.EOF {
			return d.inflated(n)
		}
		if err != nil {
			return nil, refuse(Malformed, "%s", badZlib(packed, err))
		}
	}
	return d.inflated(n)
}

// inflated returns the n decompressed bytes. It fails if there are too many, or
// if other data follow.
func (d *decoder) inflated(n int) ([]byte, error) {
	switch {
	case n > MaxInflated:
		return nil, refuse(Malformed, "it inflates to more than %d bytes", MaxInflated)
	case d.src.Len() > 0:
		return nil, refuse(Malformed, "%d bytes follow the zlib data", d.src.Len())
	}
	return d.json[:n], nil
}

func (d *decoder) open() (err error) {
	if d.zlib == nil {
		d.zlib, err = zlib.NewReader(&d.src)
		return err
	}
	return d.zlib.(zlib.Resetter).Reset(&d.src, nil)
}

// badZlib says what is wrong with packed, for which package zlib returned err.
func badZlib(packed []byte, err error) string {
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(packed), []byte("{")):
		return "it is JSON without compression: the zlib step was forgotten"
	case bytes.HasPrefix(packed, []byte{0x1f, 0x8b}):
		return "it is compressed with gzip, not with zlib"
	case errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrDictionary):
		return "it is not zlib data"
	case errors.Is(err, zlib.ErrChecksum):
		return "the zlib checksum does not fit: it was altered"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the zlib data ends early: it was cut off, perhaps by a buffer or a column too short for it"
	}
	return "the zlib data is damaged"
}
