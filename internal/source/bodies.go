package source

import (
	"bytes"
	"errors"
	"io"
	"regexp"
)

// bodies reads JSON that is not divided into lines: arrays of objects or ids, and bodies of
// account_import and multiaccount_import, one after the other. It finds the records; the
// decoder of JSON then judges each. A file of one array can be of any length.
type bodies struct {
	w     *window
	parse func([]byte, *Row) error
	yield func(*Row) bool
	row   Row
}

// errStopped ends a file of which no more is wanted.
var errStopped = errors.New("stopped")

// readJSON yields the rows of a file of JSON.
func readJSON(w *window, o Options, check checker, yield func(*Row) bool) error {
	p, err := newObjects(o, check)
	if err != nil {
		return err
	}
	b := &bodies{w: w, parse: p.parse, yield: yield}
	for {
		c, err := b.space()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == '[':
			err = b.array()
		case c == '{':
			err = b.body()
		default:
			return failure(w.line, "%s is neither an array nor an object of JSON: remove what does not belong there", shortened(w.data()[:1]))
		}
		if err == errStopped {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// space skips blanks and returns the byte behind them, which stays in the window. It
// returns io.EOF at the end of the file.
func (b *bodies) space() (byte, error) {
	for {
		for i, c := range b.w.data() {
			switch c {
			case '\n':
				b.w.line++
			case ' ', '\t', '\r':
			default:
				b.w.take(i, 0)
				return c, nil
			}
		}
		b.w.take(len(b.w.data()), 0)
		if err := b.w.more(); err == io.EOF {
			return 0, err
		} else if err != nil {
			return 0, broken(b.w.line, err)
		}
	}
}

// next is space where the file must not end.
func (b *bodies) next() (byte, error) {
	c, err := b.space()
	if err == io.EOF {
		return 0, failure(b.w.line, "the JSON ends too early: the file was cut off, so save it again")
	}
	return c, err
}

// take moves the window behind the byte at its beginning.
func (b *bodies) take() { b.w.take(1, 0) }

// array reads the array at the beginning of the window.
func (b *bodies) array() error {
	b.take()
	for first := true; ; first = false {
		c, err := b.next()
		if err != nil {
			return err
		}
		if c == ']' {
			b.take()
			return nil
		}
		if !first {
			if c != ',' {
				return failure(b.w.line, "a comma or ] is missing before %s", shortened(b.w.data()[:1]))
			}
			b.take()
			if c, err = b.next(); err != nil {
				return err
			}
		}
		if c != '{' && c != '"' {
			return failure(b.w.line, `%s begins neither an object nor an id: write {"userid":"alice"} or "alice"`, shortened(b.w.data()[:1]))
		}
		if err := b.record(); err != nil {
			return err
		}
	}
}

// container matches the beginning of a body of multiaccount_import, in its new form and its
// old one.
var container = regexp.MustCompile(`^\{\s*"(AccountList|Accounts)"\s*:`)

// body reads the object at the beginning of the window.
func (b *bodies) body() error {
	for len(b.w.data()) < 1024 {
		if err := b.w.more(); err == io.EOF {
			break
		} else if err != nil {
			return broken(b.w.line, err)
		}
	}
	m := container.Find(b.w.data()[:min(len(b.w.data()), 1024)])
	if m == nil {
		return b.record()
	}
	b.w.take(len(m), bytes.Count(m, []byte("\n")))
	if c, err := b.next(); err != nil {
		return err
	} else if c != '[' {
		return failure(b.w.line, "AccountList and Accounts are arrays: write [ … ]")
	}
	if err := b.array(); err != nil {
		return err
	}
	if c, err := b.next(); err != nil {
		return err
	} else if c != '}' {
		return failure(b.w.line, "a body has AccountList or Accounts alone: remove what follows the array")
	}
	b.take()
	return nil
}

// record yields the object or text at the beginning of the window.
func (b *bodies) record() error {
	n, lines, err := b.extent()
	if err != nil {
		return err
	}
	b.row = Row{Line: b.w.line, Raw: b.w.data()[:n], Tags: b.row.Tags[:0]}
	b.w.take(n, lines)
	if err := b.parse(b.row.Raw, &b.row); err != nil {
		return err
	}
	if !b.yield(&b.row) {
		return errStopped
	}
	return nil
}

// extent returns the length of the object or text at the beginning of the window, and the
// number of ends of lines in it.
func (b *bodies) extent() (n, lines int, err error) {
	depth, text := 0, false
	for n = 0; ; n++ {
		c, ok, err := b.w.peek(n)
		switch {
		case err == errTooLong || n >= MaxRecord:
			return 0, 0, failure(b.w.line, "the value that begins here is longer than %d bytes, as when a quote or bracket is not closed: mend it", MaxRecord)
		case err != nil:
			return 0, 0, broken(b.w.line, err)
		case !ok:
			return 0, 0, failure(b.w.line, "the value that begins here is not closed: the file was cut off, or a quote or bracket is missing")
		}
		switch {
		case c == '\n':
			lines++
		case text && c == '\\':
			n++
			continue
		case c == '"':
			text = !text
		case !text && (c == '{' || c == '['):
			depth++
		case !text && (c == '}' || c == ']'):
			depth--
		}
		if depth == 0 && !text {
			return n + 1, lines, nil
		}
	}
}
