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

// A Mismatch is a value of a body that is absent or of another type than its
// command expects.
type Mismatch struct {
	At   jsontext.Pointer // where the value is expected
	Also string           // another accepted name of the key, or ""
	Want string           // what the command expects there: "a JSON string"
}

// Explain says in one sentence what body contains at m.At and what to send. If
// the value is there, the sentence names its type. If it is absent, the
// sentence names the key that was probably meant. The body was decoded into req
// without an error.
//
// The sentence is bounded like that of [Diagnose], and is only made for refused
// calls.
func (m Mismatch) Explain(body []byte, req any) string {
	value, keys := lookUp(body, m.At)
	if value != nil {
		return fmt.Sprintf("%s is %s; send %s", pathOf(m.At), kindNames[value.Kind()], m.Want)
	}
	name := m.At.LastToken()
	missing := pathOf(m.At) + " is missing"
	known := fieldsOf(typeAt(reflect.TypeOf(req), m.At.Parent()))
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(known, key) })
	if key, write := closest(keys, name, m.Also); key != "" {
		if write == m.Also { // name only the key that was nearly written
			missing = pathOf(m.At.Parent()+"/"+jsontext.Pointer(write)) + " is missing"
		}
		if strings.EqualFold(key, write) {
			return fmt.Sprintf("%s, and %s was found: keys are case-sensitive; write %s", missing, keyName(key), keyName(write))
		}
		return fmt.Sprintf("%s, and %s was found; write %s", missing, keyName(key), keyName(write))
	}
	for _, key := range keys {
		if commands := commandsWithKey(key); len(commands) > 0 {
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

// lookUp returns the value at a pointer. If it is absent, lookUp returns nil
// and the keys of the object that should contain it.
func lookUp(body []byte, at jsontext.Pointer) (value jsontext.Value, keys []string) {
	value = body
	for token := range at.Tokens() {
		if value, keys = valueOf(value, token); value == nil {
			return nil, keys
		}
	}
	return value, nil
}

// maxKeys is the number of keys of an object that are compared with a missing
// key.
const maxKeys = 64

// valueOf returns the value of the key or index token. If it is absent, valueOf
// returns nil and the first keys of the container.
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

// closest returns the key that was most likely meant for name or also, and that
// one of the two names. It returns "" if none is close.
func closest(keys []string, name, also string) (key, write string) {
	least := tooFar
	for _, k := range keys {
		for _, n := range []string{name, also} {
			if d := distance(k, n); d < least {
				least, key, write = d, k, n
			}
		}
	}
	return key, write
}

// ClosestName returns that of names which was most likely meant by text, or "".
// If several are equally close, it returns the first. The text may have any
// length.
func ClosestName(text string, names []string) (closest string) {
	least := tooFar
	for _, name := range names {
		if d := distance(text, name); d < least {
			least, closest = d, name
		}
	}
	return closest
}

// tooFar is the distance of names that do not mean the same.
const tooFar = 3

// distance returns the number of letters in which text differs from name. It
// returns tooFar if that is more than a name of this length allows. It does not
// compare a text at least twice as long as the name, because anyone can send
// one.
func distance(text, name string) int {
	if len(text) >= 2*len(name) {
		return tooFar
	}
	return spelt(text).distance(spelt(name))
}

// A spelled is a name and its normalized form.
type spelled struct{ name, normal string }

func spelt(name string) spelled { return spelled{name, normalize(name)} }

// distance is the function distance without its costs of normalizing.
func (s spelled) distance(name spelled) int {
	if len(s.name) >= 2*len(name.name) {
		return tooFar
	}
	most := min(tooFar-1, len(name.name)/3)
	a, b := s.normal, name.normal
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return tooFar
	}
	if d := spelling.Distance(a, b); d <= most {
		return d
	}
	return tooFar
}

// separators are the characters that people put between words or leave out.
var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// normalize removes case and separators, in which people often differ.
func normalize(name string) string {
	return strings.ToLower(separators.Replace(name))
}

// enumerate joins names for a sentence.
func enumerate(names []string) string {
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}
