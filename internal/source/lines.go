package source

import (
	"bytes"
	"io"
	"iter"
)

// lines reads a text line by line.
type lines struct {
	w     *window
	empty bool // an empty line is a row, too
	parse func(line []byte, r *Row) error
	row   Row
}

// next reads a line into l.row. It returns io.EOF at the end of the file.
func (l *lines) next() error {
	for {
		text, whole, err := l.w.lineEnd()
		l.row = Row{Line: l.w.line, Tags: l.row.Tags[:0]}
		switch {
		case err == errTooLong:
			return skipLong(l.w, &l.row, nothing)
		case err == io.EOF:
			return err
		case err != nil:
			return broken(l.w.line, err)
		}
		l.row.Raw = l.w.data()[:text]
		l.w.take(whole, 1)
		switch {
		case len(bytes.TrimSpace(l.row.Raw)) > 0:
			return l.parse(l.row.Raw, &l.row)
		case l.empty:
			return nil
		}
	}
}

// each yields the rows.
func (l *lines) each(yield func(*Row) bool) error {
	for {
		if err := l.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if !yield(&l.row) {
			return nil
		}
	}
}

// readIDs yields a row for each line of a list of ids.
func readIDs(w *window, check checker, yield func(*Row) bool) error {
	l := &lines{w: w, parse: func(line []byte, r *Row) error {
		r.UserID = line
		check.row(r)
		return nil
	}}
	return l.each(yield)
}

// readNDJSON yields a row for each line of JSON lines.
func readNDJSON(w *window, o Options, check checker, yield func(*Row) bool) error {
	p, err := newObjects(o, check)
	if err != nil {
		return err
	}
	l := &lines{w: w, parse: p.parse}
	return l.each(yield)
}

// Lines reads JSON lines in UTF-8 from r, which is neither compressed nor begins with a
// mark. Unlike those of [Read], each line is a row, so that the number of a row is that of
// its line: an empty line is a row without a UserID and without a Fault, and an unknown key
// is a fault wherever it is. An error, an [*Error], ends the iteration: that of r, which it
// wraps, after every whole line before it. File is nil.
func Lines(r io.Reader, o Options) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		p, err := newObjects(o, checker{})
		if err != nil {
			yield(nil, broken(0, err))
			return
		}
		p.later = true
		l := &lines{w: newWindow(r), empty: true, parse: p.parse}
		err = l.each(func(row *Row) bool { return yield(row, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}
