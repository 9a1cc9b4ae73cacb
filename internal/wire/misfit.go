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
	for _, distance := range []int{0, 1, 2} {
		for _, key := range keys {
			for _, write := range []string{name, also} {
				if write != "" && near(key, write, distance) {
					return key, write
				}
			}
		}
	}
	return "", ""
}

// Meant returns which of names, in their order, was most likely meant by a text
// that may be of any length, or "".
func Meant(text string, names []string) string {
	for distance := range 3 {
		for _, name := range names {
			if near(text, name, distance) {
				return name
			}
		}
	}
	return ""
}

// near reports whether a text has at most that distance from a name that is long
// enough for it. A text that is much longer than the name is not looked at.
func near(text, name string, distance int) bool {
	return len(text) < 2*len(name) && 3*distance <= len(name) && spelling.Distance(squeeze(text), squeeze(name)) <= distance
}

// squeeze leaves out what people spell differently: case and separators.
func squeeze(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// enumerate joins names for a sentence.
func enumerate(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}
