package source

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
)

// Limits of the temporary files, in bytes. The texts of a full sheet with three columns of 500
// characters have 3 GiB. Texts are different from each other, so they are much less than
// maxTextRatio times as long as the workbook; only a bomb has more.
const (
	maxTexts     = 8 << 30
	maxTextRatio = 100
	leastTexts   = 64 << 20 // that every workbook may have
	textEnd      = 8        // bytes of the end of a text
)

// texts contains the texts that the cells of a workbook share, in temporary files: of Excel
// nearly all, so they are too many for memory.
type texts struct {
	text, ends *os.File // the texts, and 8 bytes for the end of each
	n          int
	limit      uint64 // of both files together
	value      []byte
}

// texts reads the shared texts of the workbook, which can have none.
func (b *book) texts() (*texts, error) {
	return b.textsUpTo(uint64(min(maxTexts, max(leastTexts, maxTextRatio*b.size))))
}

// textsUpTo is texts with another limit of the temporary files.
func (b *book) textsUpTo(limit uint64) (*texts, error) {
	if b.shared == "" {
		return new(texts), nil
	}
	r, err := b.open(b.shared)
	if err != nil {
		return nil, err
	}
	defer r.Close() // it was only read
	t := &texts{limit: limit}
	if t.text, err = temporary(); err == nil {
		t.ends, err = temporary()
	}
	if err == nil {
		err = t.fill(newTokens(r))
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// temporary returns a file without a name, so that nothing is left when the process is
// killed. Where an open file cannot be removed, close does it.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "rollcall-")
	if err == nil {
		_ = os.Remove(f.Name())
	}
	return f, err
}

// fill writes the texts to the files.
func (t *texts) fill(in *tokens) error {
	text, ends := bufio.NewWriter(t.text), bufio.NewWriter(t.ends)
	end := uint64(0)
	for {
		token, err := in.token()
		if err != nil {
			return damagedBook(unexpected(err))
		}
		switch e := token.(type) {
		case xml.EndElement:
			if e.Name.Local == "sst" {
				return errors.Join(text.Flush(), ends.Flush())
			}
		case xml.StartElement:
			if e.Name.Local != "si" {
				continue
			}
			value, err := in.text("si")
			if err != nil {
				return damagedBook(err)
			}
			if end += uint64(len(value)); end+textEnd*uint64(t.n) > t.limit {
				return fmt.Errorf("the workbook has more than %.3g GiB of text: save the sheet as CSV UTF-8", float64(t.limit)/(1<<30))
			}
			if _, err := text.Write(value); err != nil {
				return err
			}
			if _, err := ends.Write(binary.LittleEndian.AppendUint64(ends.AvailableBuffer(), end)); err != nil {
				return err
			}
			t.n++
		}
	}
}

// at returns the text i, which is valid until the next.
func (t *texts) at(i int) ([]byte, error) {
	if i < 0 || i >= t.n {
		return nil, errors.New("a cell refers to a text that is missing")
	}
	var b [16]byte // the end before, and that of i
	from, at := b[:], int64(i-1)*8
	if i == 0 {
		from, at = b[8:], 0
	}
	if _, err := t.ends.ReadAt(from, at); err != nil {
		return nil, unexpected(err)
	}
	start, end := binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
	t.value = append(t.value[:0], make([]byte, end-start)...)
	if _, err := t.text.ReadAt(t.value, int64(start)); err != nil && err != io.EOF {
		return nil, err
	}
	return t.value, nil
}

// close removes the files.
func (t *texts) close() {
	for _, f := range []*os.File{t.text, t.ends} {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}
}
