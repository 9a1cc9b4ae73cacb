package seed

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/spelling"
)

// parse parses YAML with a single document. It returns nil for an empty document.
func parse(text []byte) (ast.Node, error) {
	doc, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, what := 0, "the text"
		if e, ok := errors.AsType[yaml.Error](err); ok {
			if tok := e.GetToken(); tok != nil && tok.Position != nil {
				line = tok.Position.Line
			}
			what = strings.TrimRight(e.GetMessage(), ".")
		}
		return nil, &lineError{line, fmt.Sprintf("this is not YAML (%s): correct the line, or the one before it", what)}
	}
	var body ast.Node
	for _, d := range doc.Docs {
		switch {
		case d.Body == nil || d.Body.Type() == ast.CommentType:
		case body != nil:
			return nil, &lineError{lineOf(d.Body), "a second document begins here: keep all apps in one, without \"---\""}
		default:
			body = d.Body
		}
	}
	return body, nil
}

func lineOf(n ast.Node) int { return n.GetToken().Position.Line }

// maxDepth is deeper than any seed file.
const maxDepth = 16

// A converter converts YAML to JSON and records the line of every value.
type converter struct {
	lines map[jsontext.Pointer]int
	out   []byte
}

// convert returns the JSON of a document.
func (c *converter) convert(n ast.Node) ([]byte, error) {
	if n == nil || n.Type() == ast.NullType {
		return []byte("{}"), nil
	}
	err := c.value(n, "", 0)
	return c.out, err
}

// value appends the JSON of a node.
func (c *converter) value(n ast.Node, at jsontext.Pointer, depth int) error {
	if c.lines[at] == 0 {
		c.lines[at] = lineOf(n)
	}
	if depth > maxDepth {
		return &lineError{lineOf(n), "this is nested too deep: compare it with docs/testing.md"}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return c.object(n.Values, at, depth)
	case *ast.MappingValueNode:
		return c.object([]*ast.MappingValueNode{n}, at, depth)
	case *ast.SequenceNode:
		return c.array(n.Values, at, depth)
	case *ast.StringNode:
		return c.text(n, n.Value)
	case *ast.LiteralNode:
		return c.text(n, n.Value.Value)
	case *ast.IntegerNode:
		c.out = fmt.Append(c.out, n.Value)
	case *ast.BoolNode:
		c.out = strconv.AppendBool(c.out, n.Value)
	case *ast.NullNode:
		c.out = append(c.out, "null"...)
	case *ast.FloatNode:
		return &lineError{lineOf(n), "a number with a fraction has no place in a seed file: give a whole number, or a text in quotes"}
	default:
		return &lineError{lineOf(n), "anchors, aliases and tags have no place in a seed file: write the value itself"}
	}
	return nil
}

func (c *converter) text(n ast.Node, text string) error {
	quoted, err := jsontext.AppendQuote(c.out, text)
	if err != nil {
		return &lineError{lineOf(n), "this text is not UTF-8: correct it"}
	}
	c.out = quoted
	return nil
}

func (c *converter) object(pairs []*ast.MappingValueNode, at jsontext.Pointer, depth int) error {
	c.out = append(c.out, '{')
	for i, p := range pairs {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		key := p.Key.GetToken().Value
		below := at.AppendToken(key)
		if first := c.lines[below]; first > 0 {
			return &lineError{lineOf(p.Key), fmt.Sprintf("%s is in line %d already: keep one of the two", account.Quote(key), first)}
		}
		c.lines[below] = lineOf(p.Key)
		if err := c.text(p.Key, key); err != nil {
			return err
		}
		c.out = append(c.out, ':')
		if err := c.value(p.Value, below, depth+1); err != nil {
			return err
		}
	}
	c.out = append(c.out, '}')
	return nil
}

func (c *converter) array(items []ast.Node, at jsontext.Pointer, depth int) error {
	c.out = append(c.out, '[')
	for i, item := range items {
		if i > 0 {
			c.out = append(c.out, ',')
		}
		if err := c.value(item, at.AppendToken(strconv.Itoa(i)), depth+1); err != nil {
			return err
		}
	}
	c.out = append(c.out, ']')
	return nil
}

// kinds describes the values of Go types.
var kinds = map[reflect.Kind]string{
	reflect.Bool:   "true or false",
	reflect.Slice:  "a list",
	reflect.Struct: "a mapping of names and values",
	reflect.Map:    "a mapping of names and values",
	reflect.String: "a text; put it in quotes",
	reflect.Uint32: "a whole number from 1 to 4294967295",
	reflect.Int:    "a whole number",
	reflect.Int64:  "a whole number",
}

// hint says which name may have been meant at a pointer.
func hint(at jsontext.Pointer) string {
	var names []string
	switch depth := strings.Count(string(at), "/"); {
	case strings.Contains(string(at.Parent()), "/settings"):
		for _, form := range account.SettingForms() {
			names = append(names, form.Name)
		}
	case depth == 1:
		names = []string{"apps"}
	case depth == 3:
		names = namesOf(reflect.TypeFor[app]())
	case depth > 5:
		names = namesOf(reflect.TypeFor[device]())
	default:
		names = namesOf(reflect.TypeFor[user]())
	}
	best, nearest := 3, ""
	for _, name := range names {
		if d := spelling.Distance(strings.ToLower(at.LastToken()), name); d < best {
			best, nearest = d, name
		}
	}
	if nearest != "" {
		return "did you mean " + nearest + "?"
	}
	return "the names are " + strings.Join(names, ", ")
}

// namesOf returns the names of the fields of a struct.
func namesOf(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		names = append(names, f.Tag.Get("json"))
	}
	return names
}
