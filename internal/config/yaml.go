package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile is the largest file in bytes. It guards against the wrong name of a huge file.
const maxFile = 1 << 20

// readFile reads the settings of a file. An empty name means no file.
func (l *Loaded) readFile(file string) error {
	if file == "" {
		return nil
	}
	r := &reader{l: l, file: filepath.Clean(file), seen: map[string]int{}}
	text, err := readLimited(file)
	if err != nil {
		return r.errorf(0, "%v", err)
	}
	if line := tabLine(text); line > 0 {
		return r.errorf(line, "a tab is no indentation in YAML: use spaces")
	}
	doc, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return r.syntax(err)
	}
	return r.documents(doc.Docs)
}

func readLimited(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such file: correct its name, or leave it out")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a file: name one")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("is larger than %d bytes: it is no configuration", maxFile)
	}
	return os.ReadFile(file)
}

// tabLine returns the first line that is indented with a tab, or 0 if there is none.
func tabLine(text []byte) int {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") && strings.TrimSpace(line) != "" {
			return n
		}
	}
	return 0
}

// A reader reads one file.
type reader struct {
	l    *Loaded
	file string
	seen map[string]int // line by key
}

func (r *reader) at(line int) Source { return Source{kind: fromFile, file: r.file, line: line} }

func (r *reader) errorf(line int, format string, args ...any) error {
	return errorf(r.at(line), format, args...)
}

// syntax returns an error of the parser as one sentence.
func (r *reader) syntax(err error) error {
	line, what := 0, "the text"
	if e, ok := errors.AsType[yaml.Error](err); ok {
		if tok := e.GetToken(); tok != nil && tok.Position != nil {
			line = tok.Position.Line
		}
		what = strings.TrimRight(e.GetMessage(), ".")
	}
	return r.errorf(line, "this is not YAML (%s): write one \"key: value\" on each line", what)
}

func (r *reader) documents(docs []*ast.DocumentNode) error {
	var bodies []ast.Node
	for _, d := range docs {
		if d.Body != nil && d.Body.Type() != ast.NullType && d.Body.Type() != ast.CommentType {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil // an empty file leaves every default
	case 1:
		return r.mapping(bodies[0])
	}
	return r.errorf(line(bodies[1]), "a second document begins here: keep all settings in one, without \"---\"")
}

func line(n ast.Node) int { return n.GetToken().Position.Line }

func (r *reader) mapping(n ast.Node) error {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return r.errorf(line(n), "this is no setting: write one \"key: value\" on each line")
	}
	var first error
	for _, p := range pairs {
		first = cmp.Or(first, r.pair(p)) // read on: a later log_format decides how the error is reported
	}
	return first
}

// pair reads one "key: value".
func (r *reader) pair(p *ast.MappingValueNode) error {
	key, at := p.Key.GetToken().Value, line(p.Key)
	s, ok := find(key)
	switch {
	case !ok && secretNames[key] != "":
		return r.errorf(at, "%s is no setting, and secrets have no place here: put it in a file of mode 0600 and name that in %s", key, secretNames[key])
	case !ok:
		return r.errorf(at, "%s is no setting: %s", printable(key), suggest(key, func(s Setting) string { return s.Key }))
	case r.seen[key] > 0:
		return r.errorf(at, "%s is in line %d already: keep one of the two", key, r.seen[key])
	}
	r.seen[key] = at
	return r.value(s, at, p.Value)
}

// value reads the value of s.
func (r *reader) value(s *Setting, at int, n ast.Node) error {
	want, wrong := s.kinds(), r.errorf(at, "%s is %s: give %s", s.Key, describeNode(n), s.Takes)
	if seq, ok := n.(*ast.SequenceNode); ok && want[ast.SequenceType] {
		return r.list(s, at, seq)
	}
	if n.Type() == ast.NullType {
		return r.errorf(at, "%s has no value: give %s, or leave the line out", s.Key, s.Takes)
	}
	if !want[n.Type()] || want[ast.SequenceType] {
		return wrong
	}
	text := n.GetToken().Value
	if l, ok := n.(*ast.LiteralNode); ok {
		text = l.Value.Value
	}
	return r.l.set(s, r.at(at), text)
}

func (r *reader) list(s *Setting, at int, seq *ast.SequenceNode) error {
	texts := []string{}
	for i, item := range seq.Values {
		if item.Type() != ast.StringType {
			return r.errorf(line(item), "item %d of %s is %s: give a text", i+1, s.Key, describeNode(item))
		}
		texts = append(texts, item.GetToken().Value)
	}
	s.of(&r.l.Config).Set(reflect.ValueOf(texts))
	r.l.sources[s.Key] = r.at(at)
	return nil
}
