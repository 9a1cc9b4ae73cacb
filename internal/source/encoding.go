package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// encodings contains the encodings by the names of options; UTF-8 needs no decoder.
var encodings = map[string]encoding.Encoding{
	"utf-8":        nil,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"gbk":          simplifiedchinese.GB18030, // a superset
	"gb18030":      simplifiedchinese.GB18030,
	"big5":         traditionalchinese.Big5,
	"shift_jis":    japanese.ShiftJIS,
	"euc-kr":       korean.EUCKR,
	"windows-1252": charmap.Windows1252,
}

// Encodings returns the names of encodings, sorted.
func Encodings() []string { return slices.Sorted(maps.Keys(encodings)) }

// marks contains the marks at the beginning of texts, and the encodings they stand for. The
// longer of two comes first.
var marks = []struct{ bytes, encoding string }{
	{"\xff\xfe\x00\x00", ""},
	{"\x00\x00\xfe\xff", ""},
	{"\xef\xbb\xbf", "utf-8"},
	{"\xff\xfe", "utf-16le"},
	{"\xfe\xff", "utf-16be"},
}

// decoded returns in as UTF-8 without a mark at its beginning. A mark goes before name, the
// encoding of the options.
func decoded(in *bufio.Reader, head []byte, name string) (io.Reader, checker, error) {
	for _, m := range marks {
		if !bytes.HasPrefix(head, []byte(m.bytes)) {
			continue
		}
		if m.encoding == "" {
			return nil, checker{}, errors.New("it is UTF-32: save it as UTF-8")
		}
		_, _ = in.Discard(len(m.bytes)) // they are there
		head, name = head[len(m.bytes):], m.encoding
		break
	}
	if e := encodings[name]; e != nil {
		return transform.NewReader(in, e.NewDecoder()), checker{decoding: true, name: name}, nil
	}
	return in, checker{}, zeros(head)
}

// zeros refuses a text with bytes of 0, which is UTF-16 without its mark or no text. A nick
// can contain one, so UTF-8 may if its first line has none.
func zeros(head []byte) error {
	var count [2]int
	for i, c := range head {
		if c == 0 {
			count[i%2]++
		}
	}
	switch most := len(head) / 5; {
	case count[0]+count[1] == 0:
		return nil
	case count[1] > most && count[0]*10 < count[1]:
		return errors.New("it seems to be UTF-16 without the mark at its beginning: give --encoding utf-16le, or save it as UTF-8")
	case count[0] > most && count[1]*10 < count[0]:
		return errors.New("it seems to be UTF-16 without the mark at its beginning: give --encoding utf-16be, or save it as UTF-8")
	}
	if first, _, _ := bytes.Cut(head, []byte("\n")); bytes.IndexByte(first, 0) < 0 && utf8.Valid(wholeRunes(head)) {
		return nil
	}
	return errNoText
}

// A checker finds rows whose bytes are not of the encoding.
type checker struct {
	decoding bool // bad bytes have become U+FFFD
	name     string
}

// row makes a fault of a row that has none, if its bytes are wrong.
func (c checker) row(r *Row) {
	switch {
	case r.Fault != "":
	case !utf8.Valid(r.Raw):
		r.Fault = "it is not UTF-8: write it in the encoding of the file"
	case c.decoding && bytes.ContainsRune(r.Raw, utf8.RuneError):
		r.Fault = fmt.Sprintf("a character is not in the encoding %s: mend it", c.name)
	}
}
