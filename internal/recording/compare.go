package recording

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A Kind says in which way two responses differ.
type Kind string

// Kinds of differences.
const (
	StatusDiffers Kind = "status"
	TypeOfContent Kind = "content type"
	BodyDiffers   Kind = "body"      // at least one of them is not JSON
	ValueDiffers  Kind = "value"     // same type, another value
	TypeDiffers   Kind = "type"      // another JSON type
	FieldMissing  Kind = "missing"   // a field or item that only the recording has
	FieldAdded    Kind = "added"     // a field or item that only the replay has
	KeyOrder      Kind = "key order" // the same fields in another order
	ItemOrder     Kind = "item order"
)

// maxShownLength is the length of a value in a difference, in bytes.
const maxShownLength = 200

// A Difference is one difference between a recorded response and the response to the
// same call now.
type Difference struct {
	Call     int    `json:"call"`
	Command  string `json:"command"`
	Path     string `json:"path"` // in JSONPath; empty for the response as a whole
	Kind     Kind   `json:"kind"`
	Recorded string `json:"recorded"` // empty for what is not there
	Replayed string `json:"replayed"`
	Note     string `json:"note,omitempty"` // a likely cause that is not the server
}

// String returns d as one line.
func (d Difference) String() string {
	at := d.Path
	if at == "" {
		at = "response"
	}
	text := fmt.Sprintf("call %d %s: %s: %s: recorded %s, replayed %s",
		d.Call, d.Command, at, d.Kind, shown(d.Recorded), shown(d.Replayed))
	if d.Note != "" {
		text += " (" + d.Note + ")"
	}
	return text
}

func shown(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Volatile lists the fields that are different for each call or server. Only their types
// are compared.
var Volatile = []string{"RequestId", "Instid", "IPList", "Result"}

// unordered lists the fields whose arrays have no documented order. Servers sort the ids
// that they contain, and pseudonyms sort differently.
var unordered = []string{"Robot_Account"}

// A value is a value in JSON. Members keep their order.
type value struct {
	kind    byte // as jsontext.Kind: n, b (true or false), ", 0, { or [
	raw     string
	members []member
	items   []value
}

type member struct {
	name string
	value
}

// parse reads a body. It accepts what clients accept too.
func parse(b []byte) (value, bool) {
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	v, err := readValue(d)
	if err != nil {
		return value{}, false
	}
	_, err = d.ReadToken()
	return v, err == io.EOF
}

func readValue(d *jsontext.Decoder) (value, error) {
	if k := d.PeekKind(); k != '{' && k != '[' {
		raw, err := d.ReadValue()
		return value{kind: kindOf(raw), raw: string(raw)}, err
	}
	open, err := d.ReadToken()
	if err != nil {
		return value{}, err
	}
	v := value{kind: byte(open.Kind())}
	for k := d.PeekKind(); k != '}' && k != ']'; k = d.PeekKind() {
		var m member
		if v.kind == '{' {
			name, err := d.ReadToken()
			if err != nil {
				return v, err
			}
			m.name = name.String()
		}
		if m.value, err = readValue(d); err != nil {
			return v, err
		}
		if v.kind == '{' {
			v.members = append(v.members, m)
		} else {
			v.items = append(v.items, m.value)
		}
	}
	_, err = d.ReadToken()
	return v, err
}

func kindOf(raw jsontext.Value) byte {
	switch k := raw.Kind(); k {
	case 't', 'f':
		return 'b'
	default:
		return byte(k)
	}
}

// String returns v as JSON, cut to [maxShownLength].
func (v value) String() string {
	var b strings.Builder
	v.write(&b)
	if text := b.String(); len(text) > maxShownLength {
		return strings.ToValidUTF8(text[:maxShownLength], "") + "…"
	}
	return b.String()
}

func (v value) write(b *strings.Builder) {
	if b.Len() > maxShownLength {
		return
	}
	switch v.kind {
	case '{':
		b.WriteByte('{')
		for i, m := range v.members {
			fmt.Fprintf(b, "%s%q:", comma(i), m.name)
			m.write(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range v.items {
			b.WriteString(comma(i))
			item.write(b)
		}
		b.WriteByte(']')
	default:
		b.WriteString(v.raw)
	}
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// A comparer collects the differences of one response.
type comparer struct {
	found []Difference
}

func (c *comparer) add(path string, k Kind, recorded, replayed string) {
	c.found = append(c.found, Difference{Path: path, Kind: k, Recorded: recorded, Replayed: replayed})
}

// bodies compares two bodies.
func (c *comparer) bodies(recorded, replayed []byte) {
	a, aOK := parse(recorded)
	b, bOK := parse(replayed)
	switch {
	case aOK && bOK:
		c.values("$", "", a, b)
	case aOK != bOK || (len(recorded) == 0) != (len(replayed) == 0):
		c.add("", BodyDiffers, describe(aOK, recorded), describe(bOK, replayed))
	}
}

// describe says what a body is.
func describe(isJSON bool, b []byte) string {
	switch {
	case isJSON:
		return "JSON"
	case len(b) == 0:
		return "an empty body"
	}
	return "a body that is not JSON"
}

// values compares two values of the member field.
func (c *comparer) values(path, field string, a, b value) {
	switch {
	case a.kind != b.kind:
		c.add(path, TypeDiffers, typed(a), typed(b))
	case slices.Contains(Volatile, field):
	case a.kind == '{':
		c.objects(path, a, b)
	case a.kind == '[':
		c.arrays(path, field, a, b)
	case slices.Contains(errorFields, field) && withoutTimes(text(a)) == withoutTimes(text(b)):
	case text(a) != text(b):
		c.add(path, ValueDiffers, a.String(), b.String())
	}
}

// timestamp matches a time in an error text, which is different for each call.
var timestamp = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?`)

func withoutTimes(s string) string { return timestamp.ReplaceAllString(s, "TIME") }

// typed returns v with the name of its type.
func typed(v value) string {
	if v.kind == 'n' {
		return v.raw
	}
	names := map[byte]string{'b': "boolean", '"': "string", '0': "number", '{': "object", '[': "array"}
	return names[v.kind] + " " + v.String()
}

// text returns the text of a string, whose escapes do not matter, and anything else as it
// is written.
func text(v value) string {
	if v.kind != '"' || len(v.raw) < 2 {
		return v.raw
	}
	return unquote([]byte(v.raw[1 : len(v.raw)-1]))
}
