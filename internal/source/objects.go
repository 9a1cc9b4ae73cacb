package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// maxTags is the largest number of tags that an account can have: the standard ones and
// those that its app declares.
const maxTags = 12 + account.MaxCustomTags

// objects reads accounts from JSON objects, one at a time.
type objects struct {
	names   *naming
	check   checker
	usual   scanner
	text    bytes.Buffer
	decoder *jsontext.Decoder
	name    []byte
	texts   []byte // the values of the row
	later   bool   // the first object was read
}

func newObjects(o Options, check checker) (*objects, error) {
	names, err := newNaming(o)
	return &objects{names: names, check: check, usual: scanner{names: names}, decoder: new(jsontext.Decoder)}, err
}

// An unknownKeyError is the error of an object with a key that means nothing.
type unknownKeyError struct{ name string }

func (e *unknownKeyError) Error() string { return unknownNames("key", []string{e.name}).Error() }

// parse sets the fields of r from text, an object or an id. A mistake is a fault of the
// row, but an unknown key in the first object is an error: it is in the others too.
func (p *objects) parse(text []byte, r *Row) error {
	first := !p.later
	p.later = true
	if p.check.row(r); r.Fault != "" {
		return nil // the decoder would say less
	}
	if p.usual.object(text, r) {
		return nil
	}
	*r = Row{Line: r.Line, Raw: r.Raw, Tags: r.Tags[:0]}
	err := p.read(text, r)
	if strange, ok := errors.AsType[*unknownKeyError](err); ok && first {
		return failure(r.Line, "%s", strange)
	}
	if err != nil {
		r.spoil(err.Error())
	}
	return nil
}

var errMalformed = errors.New(`malformed JSON: write an object such as {"userid":"alice","nick":"Alice"}`)

func (p *objects) read(text []byte, r *Row) error {
	p.text = *bytes.NewBuffer(text)
	p.decoder.Reset(&p.text)
	p.texts = p.texts[:0]
	switch p.decoder.PeekKind() {
	case '{':
		if err := p.object(r); err != nil {
			return err
		}
	case '"':
		return p.id(r)
	case 'n', 't', 'f', '0', '[':
		return errors.New(`it is no JSON object: write one such as {"userid":"alice","nick":"Alice"}`)
	default:
		return errMalformed
	}
	if r.UserID == nil {
		return errors.New("the object has no userid: add one, or say which key has the ids with --map KEY=userid")
	}
	return p.end()
}

// id reads a text alone, as the array Accounts contains them.
func (p *objects) id(r *Row) error {
	v, err := p.decoder.ReadValue()
	if err != nil {
		return errMalformed
	}
	if r.UserID, err = p.unquote(v); err != nil {
		return errMalformed
	}
	return p.end()
}

// end returns an error if something follows.
func (p *objects) end() error {
	if _, err := p.decoder.ReadToken(); err != io.EOF {
		return errors.New("something follows the JSON value: write one in a line")
	}
	return nil
}

func (p *objects) object(r *Row) error {
	var seen [unnamed + 1]bool
	return p.members(func(c *column) error {
		if c.field == unknown || c.field == unnamed {
			return &unknownKeyError{string(p.name[:min(len(p.name), 100)])}
		}
		if c.field != ignored && c.field != profileTag && seen[c.field] {
			return p.again()
		}
		seen[c.field] = true
		if c.field == profile && p.decoder.PeekKind() == '{' {
			return p.profile(r, &seen)
		}
		return p.member(c, r)
	})
}

// profile reads the object of tags. In it, seen has to do only with nick and picture.
func (p *objects) profile(r *Row, seen *[unnamed + 1]bool) error {
	return p.members(func(c *column) error {
		switch {
		case c.field == unknown || !c.inProfile:
			return &unknownKeyError{string(p.name[:min(len(p.name), 100)])}
		case c.field == profileTag || c.field == ignored:
		case seen[c.field]:
			return p.again()
		default:
			seen[c.field] = true
		}
		return p.member(c, r)
	})
}

// members reads the object that comes next. member reads the value behind p.name, the name
// that has the meaning c.
func (p *objects) members(member func(c *column) error) error {
	if _, err := p.decoder.ReadToken(); err != nil {
		return errMalformed
	}
	for p.decoder.PeekKind() != '}' {
		v, err := p.decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		if p.name, err = jsontext.AppendUnquote(p.name[:0], v); err != nil {
			return errMalformed
		}
		if err := member(p.names.of(p.name)); err != nil {
			return err
		}
	}
	if _, err := p.decoder.ReadToken(); err != nil {
		return errMalformed
	}
	return nil
}

// again returns the error of a key that sets what another one has set.
func (p *objects) again() error {
	return fmt.Errorf("the key %s means the same as one before it: remove it", shortened(p.name))
}

// member reads the value of the key p.name.
func (p *objects) member(c *column, r *Row) error {
	v, err := p.decoder.ReadValue()
	if err != nil {
		return syntaxError(err)
	}
	return p.value(c, v, r)
}

// syntaxError returns the fault of what the decoder refuses.
func syntaxError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("a key occurs twice in the object: remove one")
	}
	return errMalformed
}

// value sets what c means to v. All but the id may be null, as many programs write what is
// absent.
func (p *objects) value(c *column, v jsontext.Value, r *Row) error {
	kind := v.Kind()
	switch {
	case c.field == ignored || c.field != userID && kind == 'n':
		return nil
	case c.field == deletedAt:
		if kind == '"' && len(v) == 2 {
			return nil
		}
		return errDeleted
	case c.field == profile:
		return fmt.Errorf("the value of %s is no object of tags: write one such as {%q:%q}", shortened(p.name), account.TagGender, "Gender_Type_Male")
	case c.field == profileTag:
		return p.tag(c, v, r)
	case kind != '"':
		return fmt.Errorf("the value of %s is no text: put it in quotes", shortened(p.name))
	}
	text, err := p.unquote(v)
	if err != nil {
		return errMalformed
	}
	r.set(c, text)
	return nil
}

// tag sets the tag of c. An empty text keeps the stored value.
func (p *objects) tag(c *column, v jsontext.Value, r *Row) error {
	if slices.ContainsFunc(r.Tags, func(t Tag) bool { return t.Name == c.tag }) {
		return p.again()
	}
	if len(r.Tags) == maxTags {
		return fmt.Errorf("it has more than %d tags, and no account has: remove some", maxTags)
	}
	standard := strings.HasPrefix(c.tag, account.StandardPrefix)
	switch kind := v.Kind(); {
	case kind == '"' && c.number:
		return fmt.Errorf("the value of %s is no number: write it without quotes", shortened(p.name))
	case kind == '"':
		text, err := p.unquote(v)
		if err != nil {
			return errMalformed
		}
		r.setTag(c, text)
	case kind == '0' && (c.number || !standard):
		n, ok := unsigned(v)
		if !ok {
			return fmt.Errorf("the value of %s is no whole number from 0 to %d: correct it", shortened(p.name), uint64(math.MaxUint64))
		}
		r.Tags = append(r.Tags, Tag{Name: c.tag, Number: n, IsNumber: true})
	case c.number:
		return fmt.Errorf("the value of %s is no number: write a whole number without quotes", shortened(p.name))
	default:
		return fmt.Errorf("the value of %s is no text: put it in quotes", shortened(p.name))
	}
	return nil
}

// unquote returns the text v, which is valid until the next row.
func (p *objects) unquote(v jsontext.Value) ([]byte, error) {
	from := len(p.texts)
	texts, err := jsontext.AppendUnquote(p.texts, v)
	if err != nil {
		return nil, err
	}
	p.texts = append(texts, 0) // so that an empty text is not nil
	return texts[from:len(texts):len(texts)], nil
}
