package usersig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxMembers bounds the members of an object. The vendor's largest UserSig has
// nine. The bound keeps the search for duplicates cheap.
const maxMembers = 16

// An object is a flat JSON object, stored as slices of its source. Decoding
// into a struct would accept duplicate names, which parsers resolve
// differently. It would also replace invalid UTF-8, so that one identifier
// would be verified and another one returned.
type object struct {
	n       int
	members [maxMembers]member
}

type member struct{ name, value []byte } // the name is decoded, the value is not

var (
	errNested    = errors.New("a value of the JSON is an object or an array")
	errNotObject = errors.New("the JSON is not an object")
	errNotJSON   = errors.New("it is not valid JSON")
)

// scan parses b, which must be exactly one flat object. It reports invalid JSON
// before other errors of the object.
func (o *object) scan(b []byte) error {
	o.n = 0
	if !utf8.Valid(b) {
		return errNotJSON
	}
	err := o.walk(b)
	if err != nil && !json.Valid(b) {
		return errNotJSON
	}
	return err
}

// walk parses b, which must be valid UTF-8. It accepts only JSON that package
// json also accepts.
func (o *object) walk(b []byte) error {
	b, ok := cutByte(b, '{')
	if !ok {
		return errNotObject
	}
	if rest, ok := cutByte(b, '}'); ok {
		return atEnd(rest)
	}
	for {
		m, rest, err := cutMember(b)
		if err == nil {
			err = o.add(m)
		}
		if err != nil {
			return err
		}
		if b, ok = cutByte(rest, ','); !ok {
			b, ok = cutByte(rest, '}')
			if !ok {
				return errNotJSON
			}
			return atEnd(b)
		}
	}
}

// atEnd returns nil if only white space is left.
func atEnd(b []byte) error {
	if len(skipSpace(b)) > 0 {
		return errNotJSON
	}
	return nil
}

// cutMember splits b after its first member.
func cutMember(b []byte) (m member, rest []byte, err error) {
	if m.name, rest, err = cutString(skipSpace(b)); err != nil {
		return m, nil, err
	}
	m.name = unquote(m.name)
	rest, ok := cutByte(rest, ':')
	if !ok {
		return m, nil, errNotJSON
	}
	m.value, rest, err = cutScalar(skipSpace(rest))
	return m, rest, err
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

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// cutByte removes white space and then c from the start of b. It returns false
// if c is not there.
func cutByte(b []byte, c byte) ([]byte, bool) {
	if b = skipSpace(b); len(b) == 0 || b[0] != c {
		return nil, false
	}
	return b[1:], true
}

// cutScalar splits b after its first string, number or word.
func cutScalar(b []byte) (scalar, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errNotJSON
	}
	switch b[0] {
	case '"':
		return cutString(b)
	case '{', '[':
		return nil, nil, errNested
	}
	n := bytes.IndexAny(b, ",} \t\r\n")
	if n <= 0 || !natural(b[:n]) && !json.Valid(b[:n]) {
		return nil, nil, errNotJSON
	}
	return b[:n], b[n:], nil
}

// natural reports whether b is a whole number of at least 1, as most numbers of
// a UserSig are.
func natural(b []byte) bool {
	for _, c := range b {
		if c < '0' || '9' < c {
			return false
		}
	}
	return b[0] != '0'
}

// cutString splits b after its first string.
func cutString(b []byte) (quoted, rest []byte, err error) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, errNotJSON
	}
	escaped := false
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted, rest = b[:i+1], b[i+1:]
			if escaped && !json.Valid(quoted) {
				return nil, nil, errNotJSON
			}
			return quoted, rest, nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, nil, errNotJSON
		}
	}
	return nil, nil, errNotJSON
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
