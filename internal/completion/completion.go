// Package completion writes scripts that teach a shell the commands and flags of
// rollcall.
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

// Write writes the script for a shell, which is bash, zsh or fish, of the
// commands from root down. It panics for any other. A tag values is a list of words
// with commas between, or the name of one of lists.
func Write(w io.Writer, shell string, root *kong.Node, lists map[string][]string) error {
	write := map[string]func(io.Writer, []place, []value) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}[shell]
	places := lister(lists).completions(root, "")
	return write(w, places, values(places))
}

// A place is where the cursor can be: after some commands. Its path has a space
// before each of them.
type place struct {
	path  string
	words []word
}

// A word can be typed at a place.
type word struct {
	text, help string
	takes      taking
}

// A taking says what comes after a flag.
type taking struct {
	value bool   // anything at all
	file  bool   // the name of a file or directory
	words string // one of these, with spaces between
}

// A lister knows lists of words by their names.
type lister map[string][]string

// takes returns what comes after f: the words of its tag enum or values, a file if
// its placeholder says so, or any text.
func (l lister) takes(f *kong.Flag) taking {
	if f.IsBool() {
		return taking{}
	}
	return taking{
		value: true,
		file:  f.PlaceHolder == "FILE" || f.PlaceHolder == "DIR",
		words: l.words(f.Tag),
	}
}

// words returns what a value with a tag may be, "" for anything.
func (l lister) words(tag *kong.Tag) string {
	list := cmp.Or(tag.Enum, tag.Get("values"))
	if words, ok := l[list]; ok {
		return strings.Join(words, " ")
	}
	return strings.Join(strings.FieldsFunc(list, func(r rune) bool { return r == ',' }), " ")
}

// A value is a flag that takes one, by the same rule wherever it stands.
type value struct {
	flag string
	taking
}

// values returns the flags that take a value, in order.
func values(places []place) []value {
	flags := map[string]taking{}
	for _, p := range places {
		for _, w := range p.words {
			if !w.takes.value {
				continue
			}
			if other, ok := flags[w.text]; ok && other != w.takes {
				w.takes = taking{value: true} // it depends on the command
			}
			flags[w.text] = w.takes
		}
	}
	all := make([]value, 0, len(flags))
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		all = append(all, value{flag, flags[flag]})
	}
	return all
}

// completions returns the places from node down.
func (l lister) completions(node *kong.Node, path string) []place {
	here := place{path: path}
	var below []place
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		here.words = append(here.words, word{text: child.Name, help: child.Help})
		below = append(below, l.completions(child, path+" "+child.Name)...)
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			here.words = append(here.words, word{"--" + f.Name, f.Help, l.takes(f)})
		}
	}
	for _, argument := range node.Positional {
		if argument.Tag.Has("commands") {
			here.words = append(here.words, commands(node.Parent)...)
		}
		for text := range strings.FieldsSeq(l.words(argument.Tag)) {
			here.words = append(here.words, word{text: text, help: argument.Name})
		}
	}
	return append([]place{here}, below...)
}

// commands returns the commands right below node.
func commands(node *kong.Node) (all []word) {
	for _, child := range node.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			all = append(all, word{text: child.Name, help: child.Help})
		}
	}
	return all
}

// commandPaths returns the paths of the places below the root, each quoted.
func commandPaths(places []place, quote func(string) string, separator string) string {
	var paths []string
	for _, p := range places[1:] {
		paths = append(paths, quote(p.path))
	}
	return strings.Join(paths, separator)
}

// quoteSh quotes for bash and zsh.
func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// bashEnd offers the words that were found. Without any, bash offers files.
const bashEnd = `    esac
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi
    case "$prev" in
%s    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _rollcall rollcall
`

func writeBash(w io.Writer, places []place, values []value) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion of rollcall
_rollcall() {
    local at='' i words=''
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
        %s) at="$at ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$at" in
`, commandPaths(places, quoteSh, "|"))
	for _, p := range places {
		texts := make([]string, len(p.words))
		for i, word := range p.words {
			texts[i] = word.text
		}
		fmt.Fprintf(&b, "    %s) words=%s ;;\n", quoteSh(p.path), quoteSh(strings.Join(texts, " ")))
	}
	var cases strings.Builder
	for _, v := range values {
		fmt.Fprintf(&cases, "    %s) words=%s ;;\n", v.flag, quoteSh(v.words))
	}
	fmt.Fprintf(&b, bashEnd, cases.String())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeZsh(w io.Writer, places []place, values []value) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef rollcall
_rollcall() {
    local at='' w
    local -a choices
    case "${words[CURRENT-1]}" in
%s    esac
    for w in ${words[2,CURRENT-1]}; do
        case "$at $w" in
        (%s) at="$at $w" ;;
        esac
    done
    case "$at" in
`, zshValues(values), commandPaths(places, quoteSh, "|"))
	for _, p := range places {
		choices := make([]string, len(p.words))
		for i, word := range p.words {
			choices[i] = quoteSh(strings.ReplaceAll(word.text, ":", `\:`) + ":" + word.help)
		}
		fmt.Fprintf(&b, "    (%s) choices=(%s) ;;\n", quoteSh(p.path), strings.Join(choices, " "))
	}
	b.WriteString(`    esac
    _describe rollcall choices
    _files
}
compdef _rollcall rollcall
`)
	_, err := io.WriteString(w, b.String())
	return err
}

// zshValues offers what comes after a flag: its words, or files.
func zshValues(values []value) string {
	var b strings.Builder
	for _, v := range values {
		offer := "_files"
		if v.words != "" {
			offer = "compadd -- " + v.words
		}
		fmt.Fprintf(&b, "    (%s) %s; return ;;\n", v.flag, offer)
	}
	return b.String()
}

// fishValue returns the options of what comes after a flag.
func fishValue(t taking, quote func(string) string) string {
	switch {
	case t.words != "":
		return " -x -a " + quote(t.words)
	case t.file:
		return " -r -F"
	case t.value:
		return " -x"
	}
	return ""
}

func writeFish(w io.Writer, places []place, _ []value) error {
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
`, commandPaths(places, quote, " "))
	for _, p := range places {
		condition := quote("__rollcall_at " + quote(p.path))
		for _, word := range p.words {
			name, flag := strings.CutPrefix(word.text, "--")
			option := "-a"
			if flag {
				option = "-l"
			}
			fmt.Fprintf(&b, "complete -c rollcall -n %s %s %s -d %s%s\n", condition, option, quote(name), quote(word.help), fishValue(word.takes, quote))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
