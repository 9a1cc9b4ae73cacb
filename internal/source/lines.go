package source

import (
	"bytes"
	"io"
)

// readLines yields a row for each line that is not empty. parse sets the row from the line
// or ends the file.
func readLines(w *window, parse func(line []byte, r *Row) error, yield func(*Row) bool) error {
	for {
		text, whole, err := w.lineEnd()
		row := Row{Line: w.line}
		switch {
		case err == io.EOF:
			return nil
		case err == errTooLong:
			err = skipLong(w, &row)
		case err != nil:
			err = broken(w.line, err)
		default:
			row.Raw = w.data()[:text]
			w.take(whole, 1)
			if len(bytes.TrimSpace(row.Raw)) == 0 {
				continue
			}
			err = parse(row.Raw, &row)
		}
		if err != nil {
			return err
		}
		if !yield(&row) {
			return nil
		}
	}
}

// readIDs yields a row for each line of a list of ids.
func readIDs(w *window, check checker, yield func(*Row) bool) error {
	return readLines(w, func(line []byte, r *Row) error {
		r.UserID = line
		check.row(r)
		return nil
	}, yield)
}

// readNDJSON yields a row for each line of JSON lines.
func readNDJSON(w *window, o Options, check checker, yield func(*Row) bool) error {
	p, err := newObjects(o, check)
	if err != nil {
		return err
	}
	return readLines(w, p.parse, yield)
}
