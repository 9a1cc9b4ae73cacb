package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// foreignFlags contains flags of other programs that documents name without the program.
var foreignFlags = []string{"cacert", "enable-feature", "noproxy"}

// TestDocuments checks that documents name only commands and flags that exist, in blocks
// of code and in the text.
func TestDocuments(t *testing.T) {
	root := model(t, new(cli))
	checked := 0
	for _, pattern := range []string{"README*.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "packages/*/README*.md"} {
		files, err := filepath.Glob("../../" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found, problems := checkDocument(root, string(text))
			checked += found
			for _, problem := range problems {
				t.Errorf("%s: %s", file, problem)
			}
		}
	}
	if checked < 1000 {
		t.Errorf("only %d commands and flags were found", checked)
	}
}

var (
	codeBlock = regexp.MustCompile("(?ms)^```\\w*\n(.*?)^```$|^    (.*?)$")
	codeSpan  = regexp.MustCompile("`([^`\n]+)`")
	// commandStart matches the place at which a command line of rollcall begins.
	commandStart = regexp.MustCompile(`(?m)(?:^|[;(|&'"] ?|\$ |sudo |npx |-u rollcall |exec \S+ )(?:bin/|/)?rollcall `)
	commandWord  = regexp.MustCompile(`^[a-z]+$`)
	flagWord     = regexp.MustCompile(`^--([a-z][a-z0-9-]*)`)
)

// checkDocument returns the number of commands and flags in the code of a document, and
// the problems with them.
func checkDocument(root *kong.Node, text string) (found int, problems []string) {
	all := allFlags(root)
	var pieces []string
	for _, m := range codeBlock.FindAllStringSubmatch(text, -1) {
		pieces = append(pieces, strings.ReplaceAll(m[1]+m[2], "\\\n", " "))
	}
	for _, m := range codeSpan.FindAllStringSubmatch(codeBlock.ReplaceAllString(text, ""), -1) {
		pieces = append(pieces, m[1])
	}
	for _, piece := range pieces {
		if flagWord.MatchString(piece) {
			n, wrong := checkFlags(strings.Fields(piece), all)
			found, problems = found+n, append(problems, wrong...)
		}
		for _, at := range commandStart.FindAllStringIndex(piece, -1) {
			line, _, _ := strings.Cut(piece[at[1]:], "\n")
			n, wrong := checkCommand(root, commandWords(line))
			found, problems = found+n, append(problems, wrong...)
		}
	}
	return found, problems
}

// commandWords returns the words of a command up to its end in a line of a shell, or up to
// the quotation mark that ends a quoted command.
func commandWords(line string) []string {
	var quote rune
	before := ' '
	end := strings.IndexFunc(line, func(r rune) bool {
		last := before
		before = r
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			if !strings.ContainsRune(" =", last) {
				return true
			}
			quote = r
		default:
			return strings.ContainsRune(";|&)<>#", r)
		}
		return false
	})
	if end >= 0 {
		line = line[:end]
	}
	line, _, _ = strings.Cut(line, " -- ")
	return strings.Fields(line)
}

// checkCommand checks the words of a command: the command exists and has the flags.
func checkCommand(node *kong.Node, words []string) (int, []string) {
	found := 0
	for len(words) > 0 && len(node.Children) > 0 {
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == words[0] })
		if i < 0 && commandWord.MatchString(words[0]) {
			return found, []string{strings.TrimSpace(node.FullPath()) + " has no command " + words[0]}
		}
		if i < 0 {
			break
		}
		node, words, found = node.Children[i], words[1:], found+1
	}
	n, problems := checkFlags(words, flagsOf(node))
	for i, problem := range problems {
		problems[i] = node.FullPath() + ": " + problem
	}
	return found + n, problems
}

// checkFlags checks that flags contains each flag among the words.
func checkFlags(words []string, flags map[string]bool) (found int, problems []string) {
	for _, word := range words {
		m := flagWord.FindStringSubmatch(word)
		if m == nil {
			continue
		}
		found++
		if name := m[1]; !flags[name] {
			problems = append(problems, "there is no flag --"+name)
		}
	}
	return found, problems
}

// allFlags returns the names of the flags of all commands, and of foreignFlags.
func allFlags(root *kong.Node) map[string]bool {
	names := make(map[string]bool)
	for _, leaf := range root.Leaves(false) {
		maps.Copy(names, flagsOf(leaf))
	}
	for _, name := range foreignFlags {
		names[name] = true
	}
	return names
}

// flagsOf returns the names of the flags that a command takes.
func flagsOf(node *kong.Node) map[string]bool {
	names := map[string]bool{"help": true, "version": true}
	for _, flag := range slices.Concat(node.AllFlags(false)...) {
		names[flag.Name] = true
		if flag.Tag.Negatable != "" {
			names["no-"+flag.Name] = true
		}
	}
	return names
}

func TestCheckDocument(t *testing.T) {
	root := model(t, new(cli))
	for text, want := range map[string]string{
		"```sh\nrollcall token create me --scope admin\n```":                    "",
		"```sh\nrollcall token create --name me\n```":                           "rollcall token create: there is no flag --name",
		"```sh\nsudo rollcall serve \\\n  --dta /var/lib/rollcall\n```":         "there is no flag --dta",
		"    rollcall token make me":                                            "rollcall token has no command make",
		"Run `bin/rollcall exec --hots -- npm test --all`.":                     "there is no flag --hots",
		"Run `rollcall exec -- sh -c 'npm test; rollcall cals'`.":               "rollcall has no command cals",
		"`usersig=$(rollcall sig make --keyfile)&random=1 --allow-test-apps`":   "there is no flag --keyfile",
		"Give `--listn ADDR`.":                                                  "there is no flag --listn",
		"`the database rollcall at db1 does not exist`, `--no-allow-test-apps`": "",
	} {
		_, problems := checkDocument(root, text)
		if got := strings.Join(problems, "; "); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: problems %q, want %q", text, got, want)
		}
	}
}
