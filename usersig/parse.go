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

// Limits of what [Parse] reads. A usual UserSig is a text of 200 to 300 bytes
// and inflates to as much.
const (
	MaxText     = 4 << 10 // longest text, in bytes
	MaxInflated = 8 << 10 // longest JSON in it, in bytes
)

// Parse reads a UserSig of either version without judging it. It accepts
// what any of the vendor's libraries makes, and the plain base64 alphabet in
// place of "*-_". The error is an [*Error] with the Reason [Malformed].
//
// It is strict about the rest: the zlib checksum must fit and nothing may
// follow the compressed data; the JSON must be one flat object in valid UTF-8
// without duplicate names, of at most 16 members, with white space around it
// at most. Numbers are plain decimal integers; version 1 also takes them as
// strings, which is what its libraries write. Its TLS.appid_at_3rd and
// TLS.account_type hold any text or number; the former may be absent, and
// TLS.version is not read. Unknown members are ignored, and null is absent. A
// TLS.userbuf is any text. A TLS.sig that is not base64 is readable, and fits
// no key.
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

// A decoder holds what reading one text needs: an inflater of some 40 kB and
// buffers for the largest text. What its methods return lives in them.
type decoder struct {
	plain  [MaxText]byte // the text
	packed [MaxText]byte // the same, decoded
	json   [MaxInflated + 1]byte
	object object // slices of json
	src    bytes.Reader
	zlib   io.ReadCloser // nil until the first good header
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// unwrap undoes the base64.
func (d *decoder) unwrap(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, refuse(Malformed, "it is empty")
	case len(text) > MaxText:
		return nil, refuse(Malformed, "its %d bytes are more than a UserSig may have (%d)", len(text), MaxText)
	case strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0: // which package base64 would skip
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

// standard maps the letters of [envelope] to those of standard base64.
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

// inflate undoes the zlib compression.
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

// inflated returns the n bytes that were read if they are all there may be.
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

// badZlib says what is wrong with data that gave err.
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
