package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// maxLine is the largest size of a line of a recording in bytes. Two bodies of the largest
// size fit in, each byte as an escape.
const maxLine = 2*6*maxBody + 1<<20

// A Recording is a file of calls.
type Recording struct {
	Header Header
	name   string
}

// Open reads the header of a recording.
func Open(name string) (*Recording, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec := &Recording{name: name}
	first, err := bufio.NewReader(io.LimitReader(f, 1<<16)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if json.Unmarshal(first, &rec.Header) != nil || rec.Header.Format != Format {
		return nil, fmt.Errorf("%s is no recording: its first line does not name the format %s; make one with \"rollcall record\"", name, Format)
	}
	if v := rec.Header.Version; v < 1 || v > Version {
		return nil, fmt.Errorf("%s has version %d of the format, and this program reads version %d: use a newer Rollcall", name, v, Version)
	}
	return rec, nil
}

// An Unreadable is the error of a line that is no exchange. The lines after it can be
// read. The last line of a recording is cut if the recorder was killed.
type Unreadable struct{ Line int }

func (e *Unreadable) Error() string {
	return fmt.Sprintf("line %d is cut or damaged; it is left out", e.Line)
}

// Exchanges iterates over the calls in order. It goes on after an *[Unreadable] and ends
// after any other error.
func (rec *Recording) Exchanges() iter.Seq2[*Exchange, error] {
	return func(yield func(*Exchange, error) bool) {
		f, err := os.Open(rec.name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			if n == 1 {
				continue
			}
			e := new(Exchange)
			err = nil
			if json.Unmarshal(lines.Bytes(), e) != nil || e.Request.Method == "" || e.Response.Status == 0 {
				e, err = nil, &Unreadable{n}
			}
			if !yield(e, err) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("%s: %w", rec.name, err))
		}
	}
}
