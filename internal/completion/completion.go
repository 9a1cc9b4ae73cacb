// Package completion writes scripts that teach a shell the commands and flags of
// rollcall.
package completion

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// Write writes the script for a shell, which is bash, zsh or fish, of the
// commands from root down. It panics for any other.
func Write(w io.Writer, shell string, root *kong.Node) error {
	write := map[string]func(io.Writer, []place) error{"bash": writeBash, "zsh": writeZsh, "fish": writeFish}[shell]
	return write(w, completions(root, ""))
}

// A place is where the cursor can be: after some commands. Its path has a space
// before each of them.
type place struct {
	path  string
	words []word
}

// A word can be typed at a place.
type word struct{ text, help string }

// completions returns the places from node down.
func completions(node *kong.Node, path string) []place {
	here := place{path: path}
	var below []place
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		here.words = append(here.words, word{child.Name, child.Help})
		below = append(below, completions(child, path+" "+child.Name)...)
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			here.words = append(here.words, word{"--" + f.Name, f.Help})
		}
	}
	return append([]place{here}, below...)
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

func writeBash(w io.Writer, places []place) error {
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
	b.WriteString(`    esac
    COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _rollcall rollcall
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeZsh(w io.Writer, places []place) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef rollcall
_rollcall() {
    local at='' w
    local -a choices
    for w in ${words[2,CURRENT-1]}; do
        case "$at $w" in
        (%s) at="$at $w" ;;
        esac
    done
    case "$at" in
`, commandPaths(places, quoteSh, "|"))
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

func writeFish(w io.Writer, places []place) error {
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
			fmt.Fprintf(&b, "complete -c rollcall -n %s %s %s -d %s\n", condition, option, quote(name), quote(word.help))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
