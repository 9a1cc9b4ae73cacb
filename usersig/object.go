package usersig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxMembers bounds an object. The vendor's largest UserSig has nine members;
// the bound keeps the search for duplicates cheap.
const maxMembers = 16

// An object is a flat JSON object, held as slices of its source. Decoding into
// a struct would accept duplicate names, which readers resolve differently, and
// replace invalid UTF-8, which would verify one identifier and return another.
type object struct {
	n       int
	members [maxMembers]member
}

type member struct{ name, value []byte } // the name decoded, the value as it stands

var errNested = errors.New("a value of the JSON is an object or an array")

// scan reads b. Once package json has found it valid, the walk needs no
// checks of its own beyond what is forbidden here and allowed in JSON.
func (o *object) scan(b []byte) error {
	if !utf8.Valid(b) || !json.Valid(b) {
		return errors.New("it is not valid JSON")
	}
	b = skipSpace(b)
	if b[0] != '{' {
		return errors.New("the JSON is not an object")
	}
	b = skipSpace(b[1:])
	for b[0] != '}' {
		var m member
		m.name, b = cutScalar(b)
		m.name = unquote(m.name)
		b = skipSpace(skipSpace(b)[1:]) // the colon
		if b[0] == '{' || b[0] == '[' {
			return errNested
		}
		m.value, b = cutScalar(b)
		if err := o.add(m); err != nil {
			return err
		}
		if b = skipSpace(b); b[0] == ',' {
			b = skipSpace(b[1:])
		}
	}
	return nil
}

func (o *object) add(m member) error {
	if o.find(string(m.name)) != nil {
		return fmt.Errorf("%s stands twice in the JSON", strconv.Quote(string(m.name)))
	}
	if o.n == maxMembers {
		return fmt.Errorf("the JSON has more than %d members", maxMembers)
	}
	o.members[o.n] = m
	o.n++
	return nil
}

func (o *object) find(name string) *member {
	for i := range o.members[:o.n] {
		if m := &o.members[i]; string(m.name) == name {
			return m
		}
	}
	return nil
}

// get returns the value of a member as JSON, or nil if it is absent or null.
func (o *object) get(name string) []byte {
	m := o.find(name)
	if m == nil || m.value[0] == 'n' {
		return nil
	}
	return m.value
}

func skipSpace(b []byte) []byte { return bytes.TrimLeft(b, " \t\r\n") }

// cutScalar splits valid JSON after the string, number or word it begins with.
func cutScalar(b []byte) (scalar, rest []byte) {
	i := bytes.IndexAny(b, ",}: \t\r\n")
	if b[0] == '"' {
		for i = 1; b[i] != '"'; i++ {
			if b[i] == '\\' {
				i++
			}
		}
		i++
	}
	return b[:i], b[i:]
}

// unquote returns the content of a valid JSON string.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		panic("usersig: not a JSON string: " + err.Error()) // scan has validated it
	}
	return []byte(s)
}
