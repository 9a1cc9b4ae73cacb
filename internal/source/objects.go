package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// objects reads accounts from JSON objects, one at a time.
type objects struct {
	names   *naming
	check   checker
	text    bytes.Buffer
	decoder *jsontext.Decoder
	name    []byte
	values  [3][]byte // of userID, nick and faceURL
	later   bool      // the first object was read
}

func newObjects(o Options, check checker) (*objects, error) {
	names, err := newNaming(o)
	return &objects{names: names, check: check, decoder: new(jsontext.Decoder)}, err
}

// errUnknownKey is wrapped by the error of an object with a key that means nothing.
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
	err := p.read(text, r)
	if strange, ok := errors.AsType[*unknownKeyError](err); ok && first {
		return failure(r.Line, "%s", strange)
	}
	if err != nil {
		r.UserID, r.Nick, r.FaceURL, r.Fault = nil, nil, nil, err.Error()
	}
	return nil
}

var errMalformed = errors.New(`malformed JSON: write an object such as {"userid":"alice","nick":"Alice"}`)

func (p *objects) read(text []byte, r *Row) error {
	p.text = *bytes.NewBuffer(text)
	p.decoder.Reset(&p.text)
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
	if r.UserID, err = p.unquote(userID, v); err != nil {
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
	if _, err := p.decoder.ReadToken(); err != nil {
		return errMalformed
	}
	var seen [unnamed + 1]bool
	for p.decoder.PeekKind() != '}' {
		v, err := p.decoder.ReadValue()
		if err != nil {
			return syntaxError(err)
		}
		if p.name, err = jsontext.AppendUnquote(p.name[:0], v); err != nil {
			return errMalformed
		}
		f := p.names.of(p.name)
		if f == unknown || f == unnamed {
			return &unknownKeyError{string(p.name[:min(len(p.name), 100)])}
		}
		if f != ignored && seen[f] {
			return fmt.Errorf("the key %s means the same as one before it: remove it", shortened(p.name))
		}
		seen[f] = true
		if v, err = p.decoder.ReadValue(); err != nil {
			return syntaxError(err)
		}
		if err := p.value(f, v, r); err != nil {
			return err
		}
	}
	if _, err := p.decoder.ReadToken(); err != nil {
		return errMalformed
	}
	return nil
}

// syntaxError returns the fault of what the decoder refuses.
func syntaxError(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("a key occurs twice in the object: remove one")
	}
	return errMalformed
}

// value sets the field f of r. A nick or a picture may be null, as many programs write what
// is absent.
func (p *objects) value(f field, v jsontext.Value, r *Row) error {
	switch {
	case f == ignored || f != userID && v.Kind() == 'n':
		return nil
	case v.Kind() != '"':
		return fmt.Errorf("the value of %s is no text: put it in quotes", shortened(p.name))
	}
	text, err := p.unquote(f, v)
	if err != nil {
		return errMalformed
	}
	r.set(f, text)
	return nil
}

func (p *objects) unquote(f field, v jsontext.Value) ([]byte, error) {
	text, err := jsontext.AppendUnquote(p.values[f-userID][:0], v)
	if text == nil {
		text = []byte{}
	}
	p.values[f-userID] = text
	return text, err
}
