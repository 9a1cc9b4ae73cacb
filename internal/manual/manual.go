// Package manual writes manual pages of a command line in the form of man(7).
package manual

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// A Page is the manual page of a command.
type Page struct {
	Name string // of the file, as rollcall-app-key-add.1
	Text string
}

// Pages returns the pages of n and of all commands below it that are not hidden. Version is
// shown at the foot of each page.
func Pages(n *kong.Node, version string) []Page {
	pages := []Page{{Name: name(n) + ".1", Text: page(n, version)}}
	for _, child := range commands(n) {
		pages = append(pages, Pages(child, version)...)
	}
	return pages
}

// Write writes pages into a directory, which it creates.
func Write(dir string, pages []Page) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manual pages are public
		return err
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, p.Name), []byte(p.Text), 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	return nil
}

// name returns the name of the page of a command, as rollcall-app-set.
func name(n *kong.Node) string { return strings.ReplaceAll(n.FullPath(), " ", "-") }

// commands returns the commands directly below n that are not hidden.
func commands(n *kong.Node) (all []*kong.Node) {
	for _, child := range n.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			all = append(all, child)
		}
	}
	return all
}

// page returns the text of a page.
func page(n *kong.Node, version string) string {
	b := new(strings.Builder)
	fmt.Fprintf(b, ".TH %s 1 \"\" %s \"Rollcall\"\n", quoted(strings.ToUpper(name(n))), quoted(version))
	fmt.Fprintf(b, ".SH NAME\n%s \\- %s\n", escaped(name(n)), escaped(strings.TrimSuffix(firstLine(n.Help), ".")))
	fmt.Fprintf(b, ".SH SYNOPSIS\n.B %s\n%s\n", escaped(n.FullPath()), escaped(synopsis(n)))
	what, exit, _ := strings.Cut(n.Help, "Exit codes: ")
	detail, examples, _ := strings.Cut(n.Detail, "Examples:\n")
	fmt.Fprint(b, ".SH DESCRIPTION\n")
	prose(b, what+"\n\n"+detail)
	arguments(b, n)
	flags(b, n)
	below(b, n)
	if examples != "" {
		fmt.Fprint(b, ".SH EXAMPLES\n")
		prose(b, examples)
	}
	if exit != "" {
		fmt.Fprint(b, ".SH EXIT STATUS\n")
		prose(b, exit)
	}
	seeAlso(b, n)
	return b.String()
}

// synopsis returns what follows the name of a command.
func synopsis(n *kong.Node) string {
	if len(commands(n)) > 0 {
		return "command [flags]"
	}
	words := make([]string, 0, len(n.Positional)+1)
	for _, p := range n.Positional {
		words = append(words, p.Summary())
	}
	return strings.Join(append(words, "[flags]"), " ")
}

func arguments(b *strings.Builder, n *kong.Node) {
	if len(n.Positional) == 0 {
		return
	}
	fmt.Fprint(b, ".SH ARGUMENTS\n")
	for _, p := range n.Positional {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", escaped(p.Summary()), escaped(p.Help))
	}
}

// flags lists the flags of a command, and of those above it, in the order of its help.
func flags(b *strings.Builder, n *kong.Node) {
	fmt.Fprint(b, ".SH FLAGS\n")
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			fmt.Fprintf(b, ".TP\n%s\n%s%s\n", flag(f), escaped(f.Help), escaped(environment(f)))
		}
	}
}

// flag returns a flag with its value, as a line of roff.
func flag(f *kong.Flag) string {
	text := `\-\-` + escaped(f.Name)
	if f.Tag.Negatable != "" {
		text = `\-\-[no\-]` + escaped(f.Name)
	}
	if f.Short != 0 {
		text = `\-` + string(f.Short) + ", " + text
	}
	if f.IsBool() {
		return `\fB` + text + `\fR`
	}
	return `\fB` + text + `\fR=\fI` + escaped(cmp.Or(f.PlaceHolder, strings.ToUpper(f.Name))) + `\fR`
}

// environment names the variables that have the value of a flag.
func environment(f *kong.Flag) string {
	if len(f.Envs) == 0 {
		return ""
	}
	return " Environment: " + strings.Join(f.Envs, ", ") + "."
}

func below(b *strings.Builder, n *kong.Node) {
	all := commands(n)
	if len(all) == 0 {
		return
	}
	fmt.Fprint(b, ".SH COMMANDS\n")
	for _, child := range all {
		fmt.Fprintf(b, ".TP\n.BR %s (1)\n%s\n", escaped(name(child)), escaped(child.Help))
	}
}

// seeAlso names the pages above and beside a command.
func seeAlso(b *strings.Builder, n *kong.Node) {
	if n.Parent == nil {
		return
	}
	fmt.Fprintf(b, ".SH SEE ALSO\n.BR %s (1)", escaped(name(n.Parent)))
	for _, other := range commands(n.Parent) {
		if other != n && n.Parent.Parent != nil {
			fmt.Fprintf(b, ",\n.BR %s (1)", escaped(name(other)))
		}
	}
	fmt.Fprintln(b)
}

// prose writes the text of a help page. Indented lines are examples, and blank lines
// separate paragraphs.
func prose(b *strings.Builder, text string) {
	example, pending := false, false
	for line := range strings.Lines(strings.Trim(text, "\n") + "\n") {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			pending = true
			continue
		}
		if indented := strings.HasPrefix(line, "  "); indented != example {
			fmt.Fprint(b, map[bool]string{true: ".PP\n.nf\n.RS 4\n", false: ".RE\n.fi\n"}[indented])
			pending = pending && !indented
			example = indented
		}
		if pending {
			fmt.Fprint(b, ".PP\n")
		}
		pending = false
		fmt.Fprintln(b, escaped(strings.TrimPrefix(line, "  ")))
	}
	if example {
		fmt.Fprint(b, ".RE\n.fi\n")
	}
}

// escaped returns a line of text for roff. Letters beyond ASCII get their names, which
// every version of roff reads.
func escaped(text string) string {
	var b strings.Builder
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		b.WriteString(`\&`)
	}
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\n':
			b.WriteByte(' ')
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quoted returns an argument of a request of roff.
func quoted(text string) string {
	return `"` + strings.ReplaceAll(escaped(text), `"`, `\(dq`) + `"`
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
