package config

import (
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// kinds returns the YAML types that s accepts.
func (s *Setting) kinds() map[ast.NodeType]bool {
	texts := map[ast.NodeType]bool{ast.StringType: true, ast.LiteralType: true}
	numbers := map[ast.NodeType]bool{ast.IntegerType: true, ast.FloatType: true}
	switch s.typ {
	case reflect.TypeFor[bool](), reflect.TypeFor[*bool]():
		return map[ast.NodeType]bool{ast.BoolType: true}
	case reflect.TypeFor[int](), reflect.TypeFor[uint32](), reflect.TypeFor[float64]():
		return numbers
	case reflect.TypeFor[time.Duration]():
		numbers[ast.StringType] = true // a bare number has a sentence of its own
		return numbers
	case reflect.TypeFor[[]string]():
		return map[ast.NodeType]bool{ast.SequenceType: true}
	case reflect.TypeFor[slog.Level]():
		return map[ast.NodeType]bool{ast.StringType: true}
	}
	return texts
}

// describeNode describes a value. It does not repeat texts, because they may be secret.
func describeNode(n ast.Node) string {
	switch n.Type() {
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "the number " + printable(n.GetToken().Value)
	case ast.BoolType:
		return n.GetToken().Value
	case ast.NullType:
		return "empty"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a group of settings"
	case ast.AnchorType, ast.AliasType, ast.MergeKeyType, ast.TagType:
		return "an anchor, an alias or a tag"
	}
	if word := n.GetToken().Value; slices.Contains(yesAndNo, strings.ToLower(word)) {
		return strconv.Quote(word)
	}
	return "a text"
}

// yesAndNo are texts that people write for true and false, and that older versions of
// YAML accept as such. They are not secret.
var yesAndNo = []string{"yes", "no", "on", "off", "y", "n", "true", "false"}

// printable returns text unchanged if it is plain, and quoted otherwise. It shortens a
// long text.
func printable(text string) string {
	const longest = 40
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	if q := strconv.Quote(text); q != `"`+text+`"` || text == "" {
		return q
	}
	return text
}
