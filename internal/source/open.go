package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// headSize is how much of a file decides what it is.
const headSize = 64 << 10

// maxZstdWindow limits the memory of decompression. zstd needs more only with --ultra or
// --long.
const maxZstdWindow = 16 << 20

// open yields the rows of r, whose form it finds out, and sets f.
func open(f *File, r io.Reader, o Options, yield func(*Row) bool) error {
	if file, ok := r.(*os.File); ok {
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			return errors.New("it is a directory: name files, or write a pattern such as DIR/*.csv")
		}
		if err == nil && info.Mode().IsRegular() {
			f.Size = info.Size()
		}
	}
	in, head, err := begin(counted{r, f})
	if err != nil {
		return err
	}
	if isZip(head) || o.Format == XLSX {
		f.Format = XLSX
		return readWorkbook(f, r, head, o, yield)
	}
	in, head, unpack, err := decompressed(in, head)
	if err != nil {
		return err
	}
	defer unpack()
	return readText(f, in, head, o, yield)
}

// counted counts what is read of a file.
type counted struct {
	io.Reader
	f *File
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.f.read.Add(int64(n))
	return n, err
}

// begin returns a reader of r and its beginning.
func begin(r io.Reader) (in *bufio.Reader, head []byte, err error) {
	in = bufio.NewReaderSize(r, headSize)
	head, err = in.Peek(headSize)
	if err == io.EOF {
		err = nil
	}
	return in, head, err
}

// decompressed returns in and head as they are, or decompressed. The function frees what
// that needs.
func decompressed(in *bufio.Reader, head []byte) (*bufio.Reader, []byte, func(), error) {
	var from io.Reader
	end := func() {}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, nil, damaged(err)
		}
		from = unpacked{z}
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, nil, nil, err
		}
		from, end = unpacked{z}, z.Close
	default:
		return in, head, end, nil
	}
	in, head, err := begin(from)
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	if isZip(head) {
		err = errors.New("it is a workbook or an archive in a compressed file: decompress it first")
	} else if bytes.HasPrefix(head, []byte("\x1f\x8b")) || bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) {
		err = errors.New("it is compressed twice: decompress it once")
	}
	if err != nil {
		end()
	}
	return in, head, end, err
}

// unpacked is a decompressor whose errors say what to do.
type unpacked struct{ io.Reader }

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}

// damaged returns an error for one of a decompressor.
func damaged(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("it takes more than %d MiB of memory to decompress: compress it again without --ultra and --long", maxZstdWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the compressed file is cut off: copy it again")
	}
	return fmt.Errorf("the compressed file cannot be read: copy or compress it again (%w)", err)
}

// readText yields the rows of a text in any encoding.
func readText(f *File, in *bufio.Reader, head []byte, o Options, yield func(*Row) bool) error {
	if err := refuse(head); err != nil {
		return err
	}
	r, check, err := decoded(in, head, o.Encoding)
	if err != nil {
		return err
	}
	if r != io.Reader(in) {
		if in, head, err = begin(r); err != nil {
			return err
		}
	} else if head, err = in.Peek(min(headSize, max(in.Buffered(), 1))); err != nil && err != io.EOF {
		return err
	}
	if f.Format = o.Format; f.Format == "" {
		if f.Format, err = formatOf(head); err != nil {
			return err
		}
	}
	if f.Format == IDs && isRejects(head) {
		f.Format = CSV
	}
	if !check.decoding {
		if err := checkUTF8(head); err != nil {
			return err
		}
	}
	w := newWindow(in)
	switch f.Format {
	case IDs:
		return readIDs(w, check, yield)
	case NDJSON:
		return readNDJSON(w, o, check, yield)
	case JSON:
		return readJSON(w, o, check, yield)
	case TSV:
		if o.Delimiter == 0 {
			o.Delimiter = '\t'
		}
	}
	return readTable(f, w, o, check, yield)
}

// isRejects reports whether a text begins like the rejects file of a list of ids. It is a
// table, which is imported with the flags of the list.
func isRejects(head []byte) bool {
	rest, ok := bytes.CutPrefix(head, []byte("userid"))
	return ok && len(rest) > 0 && bytes.HasPrefix(rest[1:], []byte("rollcall_line"))
}

// formatOf returns the format of a text that begins with head.
func formatOf(head []byte) (Format, error) {
	text := bytes.TrimSpace(head)
	switch {
	case len(text) == 0:
		return "", errors.New("there is nothing in it: write a first line such as userid,nick,face_url, and an account in each further line")
	case text[0] == '[':
		return JSON, nil
	case text[0] != '{':
		return CSV, nil
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	rest = bytes.TrimSpace(rest)
	if container.Match(text) || !bytes.HasSuffix(bytes.TrimSpace(first), []byte("}")) && !bytes.HasPrefix(rest, []byte("{")) {
		return JSON, nil
	}
	return NDJSON, nil
}

// checkUTF8 refuses a text of which more than a few lines are not UTF-8: it has another
// encoding. Single lines are faults of their own.
func checkUTF8(head []byte) error {
	if head = wholeRunes(head); utf8.Valid(head) {
		return nil
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 && len(head) > headSize-2*utf8.UTFMax {
		head = head[:i] // the rest may end inside of a character of another encoding
	}
	lines, first, bad, good := 0, 0, 0, 0
	for line := range bytes.Lines(head) {
		lines++
		switch {
		case !utf8.Valid(line):
			bad++
			if first == 0 {
				first = lines
			}
		case utf8.RuneCount(line) < len(line):
			good++
		}
	}
	if bad == 0 || first != 1 && (bad*20 <= lines || bad <= good) {
		return nil
	}
	return failure(first, "the text is not UTF-8: save it as UTF-8, or name its encoding, which %s", guess(head))
}

// wholeRunes returns head without the character at its end that goes on behind it, if head is
// not the whole text. A mark before it may have been removed.
func wholeRunes(head []byte) []byte {
	if len(head) < headSize-utf8.UTFMax {
		return head
	}
	for n := 1; n < utf8.UTFMax; n++ {
		if end := head[len(head)-n:]; utf8.RuneStart(end[0]) {
			if !utf8.FullRune(end) {
				return head[:len(head)-n]
			}
			break
		}
	}
	return head
}

// guess says which encoding a text may have.
func guess(head []byte) string {
	if text, err := encodings["gb18030"].NewDecoder().Bytes(head); err == nil && !bytes.ContainsRune(text, utf8.RuneError) {
		return "may be GBK: --encoding gbk"
	}
	return "is one of " + listed(Encodings()) + ", as in --encoding windows-1252"
}

// reasonOf returns the text of err without the name of the file, which stands before it.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Sprint(e.Err)
	}
	return err.Error()
}
