// Package completion writes scripts with which a shell completes the commands
// and flags of rollcall.
package completion

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Write writes the completion script for the commands below root. The shell is
// bash, zsh or fish; Write panics for any other. The tag values of a flag or
// argument is a list of words separated by commas, or the name of one of lists.
// The tag live of a flag or argument is a kind of values that the script asks
// "rollcall complete KIND" for, one a line.
func Write(w io.Writer, shell string, root *kong.Node, lists map[string][]string) error {
	write := map[string]func(io.Writer, []position, []valueFlag) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}[shell]
	positions := lister(lists).completions(root, "")
	return write(w, positions, valueFlags(positions))
}

// A position is a position of the cursor: after some commands. Each command in
// path has a space before it.
type position struct {
	path  string
	words []word
	live  string // kind of values of its first argument; "" for none
}

// closed reports whether only words can stand at p: commands, or values of an argument.
func (p position) closed() bool {
	return slices.ContainsFunc(p.words, func(w word) bool { return !strings.HasPrefix(w.text, "--") })
}

// A word can be typed at a position.
type word struct {
	text, help string
	value      completion
}

// A completion describes the value of a flag. The zero completion means that
// the flag has no value.
type completion struct {
	required bool   // the flag has a value
	file     bool   // the value is the name of a file or directory
	words    string // possible values, separated by spaces; "" for any
	live     string // kind of values that the program tells; "" for none
}

// A lister maps the names of word lists to their words.
type lister map[string][]string

// valueOf returns how to complete the value of f: with the words of its tag
// enum or values, with a file if its placeholder says so, or with any text.
func (l lister) valueOf(f *kong.Flag) completion {
	if f.IsBool() {
		return completion{}
	}
	return completion{
		required: true,
		file:     f.PlaceHolder == "FILE" || f.PlaceHolder == "DIR",
		words:    l.words(f.Tag),
		live:     f.Tag.Get("live"),
	}
}

// words returns the possible values of a flag or argument with the tag, or ""
// if any text is possible.
func (l lister) words(tag *kong.Tag) string {
	list := cmp.Or(tag.Enum, tag.Get("values"))
	if words, ok := l[list]; ok {
		return strings.Join(words, " ")
	}
	return strings.Join(strings.FieldsFunc(list, func(r rune) bool { return r == ',' }), " ")
}

// A valueFlag is a flag with a value, which is completed in the same way at
// every position.
type valueFlag struct {
	flag string
	completion
}

// valueFlags returns the flags that have a value, sorted.
func valueFlags(positions []position) []valueFlag {
	flags := map[string]completion{}
	for _, p := range positions {
		for _, w := range p.words {
			if !w.value.required {
				continue
			}
			if other, ok := flags[w.text]; ok {
				w.value = w.value.merge(other)
			}
			flags[w.text] = w.value
		}
	}
	all := make([]valueFlag, 0, len(flags))
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		all = append(all, valueFlag{flag, flags[flag]})
	}
	return all
}

// merge returns the completion of a flag that several commands have.
func (c completion) merge(other completion) completion {
	live := cmp.Or(c.live, other.live)
	c.live, other.live = "", ""
	if c != other {
		c = completion{required: true} // the completion depends on the command
	}
	c.live = live
	return c
}

// completions returns the positions from node down.
func (l lister) completions(node *kong.Node, path string) []position {
	here := position{path: path}
	var below []position
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		here.words = append(here.words, word{text: child.Name, help: child.Help})
		below = append(below, l.completions(child, path+" "+child.Name)...)
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			here.words = append(here.words, word{"--" + f.Name, f.Help, l.valueOf(f)})
		}
	}
	for _, argument := range node.Positional {
		here.live = cmp.Or(here.live, argument.Tag.Get("live"))
		if argument.Tag.Has("commands") {
			here.words = append(here.words, commands(node.Parent)...)
		}
		for text := range strings.FieldsSeq(l.words(argument.Tag)) {
			here.words = append(here.words, word{text: text, help: argument.Name})
		}
	}
	return append([]position{here}, below...)
}

// commands returns the direct commands of node.
func commands(node *kong.Node) (all []word) {
	for _, child := range node.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			all = append(all, word{text: child.Name, help: child.Help})
		}
	}
	return all
}

// commandPaths returns the quoted paths of the positions below the root.
func commandPaths(positions []position, quote func(string) string, separator string) string {
	var paths []string
	for _, p := range positions[1:] {
		paths = append(paths, quote(p.path))
	}
	return strings.Join(paths, separator)
}

// quoteSh quotes s for bash and zsh.
func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// bashEnd offers the words that match. If none matches, bash offers files.
const bashEnd = `    esac
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi
    case "$prev" in
%s    esac
    if [[ $live && $cur != -* ]]; then words+=" $("${COMP_WORDS[0]}" complete "$live" 2>/dev/null)"; fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _rollcall rollcall
`

func writeBash(w io.Writer, positions []position, values []valueFlag) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion of rollcall
_rollcall() {
    local at='' i words='' live=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
        %s) at="$at ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$at" in
`, commandPaths(positions, quoteSh, "|"))
	for _, p := range positions {
		texts := make([]string, len(p.words))
		for i, word := range p.words {
			texts[i] = word.text
		}
		fmt.Fprintf(&b, "    %s) words=%s live=%s ;;\n", quoteSh(p.path), quoteSh(strings.Join(texts, " ")), quoteSh(p.live))
	}
	var cases strings.Builder
	for _, v := range values {
		fmt.Fprintf(&cases, "    %s) words=%s live=%s ;;\n", v.flag, quoteSh(v.words), quoteSh(v.live))
	}
	fmt.Fprintf(&b, bashEnd, cases.String())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeZsh(w io.Writer, positions []position, values []valueFlag) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef rollcall
_rollcall() {
    local at='' w live='' files=yes
    local -a choices
    case "${words[CURRENT-1]}" in
%s    esac
    for w in ${words[2,CURRENT-1]}; do
        case "$at $w" in
        (%s) at="$at $w" ;;
        esac
    done
    case "$at" in
`, zshValues(values), commandPaths(positions, quoteSh, "|"))
	for _, p := range positions {
		choices := make([]string, len(p.words))
		for i, word := range p.words {
			choices[i] = quoteSh(strings.ReplaceAll(word.text, ":", `\:`) + ":" + word.help)
		}
		files := "yes"
		if p.closed() {
			files = "no"
		}
		fmt.Fprintf(&b, "    (%s) choices=(%s) live=%s files=%s ;;\n", quoteSh(p.path), strings.Join(choices, " "), quoteSh(p.live), files)
	}
	b.WriteString(`    esac
    if [[ -n $live ]]; then compadd -- ${(f)"$(${words[1]} complete $live 2>/dev/null)"}; fi
    _describe rollcall choices
    [[ $files == no ]] || _files
}
compdef _rollcall rollcall
`)
	_, err := io.WriteString(w, b.String())
	return err
}

// zshValues returns the cases that complete the value of a flag with its words
// or with files.
func zshValues(values []valueFlag) string {
	var b strings.Builder
	for _, v := range values {
		offer := "_files"
		switch {
		case v.words != "":
			offer = "compadd -- " + v.words
		case v.live != "":
			offer = `compadd -- ${(f)"$(${words[1]} complete ` + v.live + ` 2>/dev/null)"}`
		}
		fmt.Fprintf(&b, "    (%s) %s; return ;;\n", v.flag, offer)
	}
	return b.String()
}

// fishValue returns the options of fish that complete a value.
func fishValue(t completion, quote func(string) string) string {
	switch {
	case t.words != "":
		return " -x -a " + quote(t.words)
	case t.live != "":
		return " -x -a " + quote("(rollcall complete "+t.live+" 2>/dev/null)")
	case t.file:
		return " -r -F"
	case t.required:
		return " -x"
	}
	return ""
}

func writeFish(w io.Writer, positions []position, _ []valueFlag) error {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
	var b strings.Builder
	fmt.Fprintf(&b, `# fish completion of rollcall
function __rollcall_at
    set -l at ''
    for w in (commandline -opc)[2..]
        switch "$at $w"
            case %s
                set at "$at $w"
        end
    end
    test "$at" = "$argv[1]"
end
`, commandPaths(positions, quote, " "))
	for _, p := range positions {
		condition := quote("__rollcall_at " + quote(p.path))
		for _, word := range p.words {
			name, flag := strings.CutPrefix(word.text, "--")
			option := "-f -a" // a word of ours, and no file
			if flag {
				option = "-l"
			}
			fmt.Fprintf(&b, "complete -c rollcall -n %s %s %s -d %s%s\n", condition, option, quote(name), quote(word.help), fishValue(word.value, quote))
		}
		if p.live != "" {
			fmt.Fprintf(&b, "complete -c rollcall -n %s -x -a %s\n", condition, quote("(rollcall complete "+p.live+" 2>/dev/null)"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
