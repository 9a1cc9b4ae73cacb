package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/spelling"
)

// A Misfit is a value of a body that is not what its command reads.
type Misfit struct {
	At   jsontext.Pointer // of the value
	Also string           // another name that the key may have, or ""
	Want string           // what the command reads there: "a JSON string"
}

// Explain says in one sentence what stands in body in the place of m, and what
// to send: the type of the value that is there, or which key was meant, if none
// is. Body was decoded into req without an error.
//
// The sentence is bounded as that of [Diagnose] is, and is likewise made for
// refused calls alone.
func (m Misfit) Explain(body []byte, req any) string {
	value, keys := lookUp(body, m.At)
	if value != nil {
		return fmt.Sprintf("%s is %s; send %s", pathOf(m.At), kindNames[value.Kind()], m.Want)
	}
	name := m.At.LastToken()
	missing := pathOf(m.At) + " is missing"
	known := fieldsOf(typeAt(reflect.TypeOf(req), m.At.Parent()))
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(known, key) })
	if key, write := closest(keys, name, m.Also); key != "" {
		if write == m.Also { // one name is enough: the one that was nearly written
			missing = pathOf(m.At.Parent()+"/"+jsontext.Pointer(write)) + " is missing"
		}
		if strings.EqualFold(key, write) {
			return fmt.Sprintf("%s, and %s was found: keys are case-sensitive; write %s", missing, keyName(key), keyName(write))
		}
		return fmt.Sprintf("%s, and %s was found; write %s", missing, keyName(key), keyName(write))
	}
	for _, key := range keys {
		if commands := takers(key); len(commands) > 0 {
			return fmt.Sprintf("%s, and %s was found, which is a key of %s; write %s, %s", missing, key, enumerate(commands), keyName(name), m.Want)
		}
	}
	if len(keys) > 0 {
		return fmt.Sprintf("%s, and %s was found; add %s", missing, keyName(keys[0]), keyName(name))
	}
	return missing + "; add it, " + m.Want
}

var kindNames = map[jsontext.Kind]string{
	jsontext.KindNull: "null", jsontext.KindTrue: "true", jsontext.KindFalse: "false", jsontext.KindNumber: "a number",
	jsontext.KindString: "a string", jsontext.KindBeginArray: "an array", jsontext.KindBeginObject: "an object",
}

// lookUp returns the value at a pointer, or nil, and then the keys of the object
// that should hold it.
func lookUp(body []byte, at jsontext.Pointer) (value jsontext.Value, keys []string) {
	value = body
	for token := range at.Tokens() {
		if value, keys = valueOf(value, token); value == nil {
			return nil, keys
		}
	}
	return value, nil
}

// maxKeys is the most keys of an object that are looked at for one that was
// meant.
const maxKeys = 64

// valueOf returns the value of a key, or of an index, or nil and the first keys.
func valueOf(container jsontext.Value, token string) (value jsontext.Value, keys []string) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(container))
	begin, err := dec.ReadToken()
	if err != nil || begin.Kind() != jsontext.KindBeginObject && begin.Kind() != jsontext.KindBeginArray {
		return nil, nil
	}
	for i := 0; dec.PeekKind() > 0 && dec.PeekKind() != jsontext.KindEndObject && dec.PeekKind() != jsontext.KindEndArray; i++ {
		name := strconv.Itoa(i)
		if begin.Kind() == jsontext.KindBeginObject {
			key, err := dec.ReadToken()
			if err != nil {
				return nil, keys
			}
			if name = key.String(); len(keys) < maxKeys {
				keys = append(keys, name)
			}
		}
		v, err := dec.ReadValue()
		if err != nil {
			return nil, keys
		}
		if name == token {
			return v, nil
		}
	}
	return nil, keys
}

// closest returns the key that was most likely meant for one of two names, and
// that name.
func closest(keys []string, name, also string) (key, write string) {
	least := tooFar
	for _, k := range keys {
		for _, n := range []string{name, also} {
			if d := gap(k, n); d < least {
				least, key, write = d, k, n
			}
		}
	}
	return key, write
}

// Meant returns which of names, in their order, was most likely meant by a text
// that may be of any length, or "".
func Meant(text string, names []string) (meant string) {
	least := tooFar
	for _, name := range names {
		if d := gap(text, name); d < least {
			least, meant = d, name
		}
	}
	return meant
}

// tooFar is a gap between names that do not mean the same.
const tooFar = 3

// gap returns in how many letters a text differs from a name that is long enough
// for so many mistakes, or tooFar. It does not look at a text that is much longer
// than the name: anybody may send one.
func gap(text, name string) int {
	if len(text) >= 2*len(name) {
		return tooFar
	}
	most := min(tooFar-1, len(name)/3)
	a, b := squeeze(text), squeeze(name)
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return tooFar
	}
	if d := spelling.Distance(a, b); d <= most {
		return d
	}
	return tooFar
}

// separators are what people put between words, or leave out.
var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// squeeze leaves out what people spell differently: case and separators.
func squeeze(name string) string {
	return strings.ToLower(separators.Replace(name))
}

// enumerate joins names for a sentence.
func enumerate(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}
