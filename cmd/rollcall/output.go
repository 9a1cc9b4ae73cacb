package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// rowsPerFlush is how many rows of a table are lined up together. A longer table
// is written in parts, so that it needs no memory.
const rowsPerFlush = 1000

// A column of a table of T.
type column[T any] struct {
	title string
	cell  func(T) string
}

// printList prints items as they come, as a table or as a JSON array. An error
// before the first leaves nothing behind.
func printList[T any](w io.Writer, form string, items iter.Seq2[T, error], columns []column[T]) error {
	if form == "json" {
		return printArray(w, items)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	rows := 0
	for item, err := range items {
		if err != nil {
			_ = t.Flush() // the error matters more
			return err
		}
		if rows == 0 {
			fmt.Fprintln(t, strings.Join(titles, "\t"))
		}
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = clean(c.cell(item))
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
		if rows++; rows%rowsPerFlush == 0 {
			if err := t.Flush(); err != nil {
				return err
			}
		}
	}
	if rows == 0 {
		fmt.Fprintln(t, strings.Join(titles, "\t"))
	}
	return t.Flush()
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
	var b strings.Builder
	b.WriteString(separator)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.TrimSuffix(b.String(), "\n"))
	return err
}

// printJSON prints one thing as JSON on several lines.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// A property is one line of the table of a single thing.
type property struct{ name, value string }

// printThing prints one thing, as a table of its properties or as JSON.
func printThing(w io.Writer, form string, v any, properties []property) error {
	if form == "json" {
		return printJSON(w, v)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, p := range properties {
		if p.value != "" {
			fmt.Fprintf(t, "%s\t%s\n", p.name, clean(p.value))
		}
	}
	return t.Flush()
}

// clean makes text fit a cell: what users chose may hold line feeds and the
// control sequences of terminals.
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

// cleanLines makes text fit the terminal as clean does, but keeps its line feeds:
// errors repeat what a server said, and a few have several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// moment writes a time for a table, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// yes writes a switch for a table, "" for off.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// each turns a slice into a list without errors.
func each[T any](items []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// firstN cuts a list to n items, or leaves it whole if n is 0, and reports in
// more whether there were others.
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
