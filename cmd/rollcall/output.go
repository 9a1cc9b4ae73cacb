package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/mattn/go-runewidth"

	"rollcall/internal/progress"
)

// rowsPerFlush is the number of rows of a table that are aligned together. A longer table
// is written in parts, to limit its memory.
const rowsPerFlush = 1000

// A column of a table of T.
type column[T any] struct {
	title string
	cell  func(T) string
}

// printList prints items as they arrive, as a table or as a JSON array. It prints nothing
// if there is an error before the first item.
func printList[T any](w io.Writer, form string, items iter.Seq2[T, error], columns []column[T]) error {
	if form == "json" {
		return printArray(w, items)
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	t := &table{w: w}
	rows := 0
	for item, err := range items {
		if err != nil {
			_ = t.flush() // the error matters more
			return err
		}
		if rows == 0 {
			t.row(titles)
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = c.cell(item)
		}
		t.row(cells)
		if rows++; rows%rowsPerFlush == 0 {
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	if rows == 0 {
		t.row(titles)
	}
	return t.flush()
}

// cellWidth measures text in columns of a terminal, the same in every locale.
var cellWidth = &runewidth.Condition{StrictEmojiNeutral: true}

// A table aligns cells by their width in columns of a terminal, where a Chinese character
// is two columns wide.
type table struct {
	w    io.Writer
	rows [][]string
}

// row adds a row, with its cells cleaned.
func (t *table) row(cells []string) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = clean(cell)
	}
	t.rows = append(t.rows, row)
}

// flush writes the rows that were added.
func (t *table) flush() error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], cellWidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row[:len(row)-1] {
			b.WriteString(cellWidth.FillRight(cell, widths[i]+2))
		}
		b.WriteString(row[len(row)-1])
		b.WriteByte('\n')
	}
	t.rows = nil
	_, err := io.WriteString(t.w, b.String())
	return err
}

// printArray prints items as a JSON array, each on a line of its own.
func printArray[T any](w io.Writer, items iter.Seq2[T, error]) error {
	separator := "[\n  "
	for item, err := range items {
		if err != nil {
			return err
		}
		if err := printItem(w, separator, item); err != nil {
			return err
		}
		separator = ",\n  "
	}
	end := "\n]\n"
	if separator[0] == '[' {
		end = "[]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// printItem prints v as JSON on one line, after a separator.
func printItem(w io.Writer, separator string, v any) error {
	text, err := encodeJSON(v, "")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, separator+strings.TrimSuffix(text, "\n"))
	return err
}

// printJSON prints one thing as JSON on several lines.
func printJSON(w io.Writer, v any) error {
	text, err := encodeJSON(v, "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// encodeJSON returns v as JSON. It escapes characters that control a terminal or change
// how text is shown, such as U+009B and U+202E. Package encoding/json does not escape
// most of them.
func encodeJSON(v any, indent string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return escapeControls(b.String()), nil
}

// escapeControls escapes such characters in JSON.
func escapeControls(text string) string {
	if strings.IndexFunc(text, controlsTerminal) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !controlsTerminal(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// controlsTerminal reports whether r, a character of JSON, controls a terminal or changes
// how other characters are shown. A line feed does not count: the encoder writes line
// feeds between values and escapes those within texts.
func controlsTerminal(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }

// A property is one line of the table of a single thing.
type property struct{ name, value string }

// printThing prints one thing, as a table of its properties or as JSON.
func printThing(w io.Writer, form string, v any, properties []property) error {
	if form == "json" {
		return printJSON(w, v)
	}
	t := &table{w: w}
	for _, p := range properties {
		if p.value != "" {
			t.row([]string{p.name, p.value})
		}
	}
	return t.flush()
}

// clean escapes unprintable characters of a cell. Texts of users may contain line feeds
// and control sequences of terminals.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unprintable(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cutCell returns s cleaned and, if it is wider than width columns, cut with an ellipsis.
func cutCell(s string, width int) string { return cellWidth.Truncate(clean(s), width, "…") }

// cleanLines is like clean but keeps line feeds. Errors repeat texts of a server, and a
// few have several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// moment returns a time for a table, or "" for the zero time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// yes returns a switch for a table, or "" if it is off.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// each returns an iterator over items, without errors.
func each[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// firstN returns an iterator over the first n items, or over all items if n is 0. It sets
// more if there are further items.
func firstN[T any](items iter.Seq2[T, error], n int, more *bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		i := 0
		for item, err := range items {
			if i++; n > 0 && i > n && err == nil {
				*more = true
				return
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// counted returns a number of things, such as "1 row" or "2,000 rows".
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return progress.Count(n) + " " + thing + "s"
}
