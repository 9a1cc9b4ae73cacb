package wire

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Kind says what a client sent for a field.
type Kind uint8

// Kinds of fields.
const (
	Absent Kind = iota // no key, or null
	Valid              // a value of the field's type
	Wrong              // a value of another JSON type
)

// Text is a field whose value should be a JSON string.
type Text struct {
	V    string
	Kind Kind
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = Text{}
	if kind := kindOf(dec, jsontext.KindString); kind != Valid {
		t.Kind = kind
		return dec.SkipValue()
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*t = Text{tok.String(), Valid}
	return nil
}

// List is a field whose value should be a JSON array.
type List[T any] struct {
	V    []T
	Kind Kind
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (l *List[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*l = List[T]{}
	l.Kind, err = decodeIf(dec, jsontext.KindBeginArray, &l.V)
	return err
}

// Object is an item of an array that should be a JSON object.
type Object[T any] struct {
	V    T
	Kind Kind
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (o *Object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*o = Object[T]{}
	o.Kind, err = decodeIf(dec, jsontext.KindBeginObject, &o.V)
	return err
}

// decodeIf decodes the next value into v if it begins with the token begin.
// Otherwise it skips the value.
func decodeIf(dec *jsontext.Decoder, begin jsontext.Kind, v any) (Kind, error) {
	if kind := kindOf(dec, begin); kind != Valid {
		return kind, dec.SkipValue()
	}
	return Valid, json.UnmarshalDecode(dec, v)
}

// Flag is a field that is on if its value is the number 1, as the documents
// say. Every other value means off.
type Flag bool

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (f *Flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	*f = string(v) == "1"
	return err
}

// Seconds is a field whose value should be a number of seconds: a JSON integer
// from 0 to 4294967295.
type Seconds struct {
	V    uint32
	Kind Kind
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (s *Seconds) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*s = Seconds{}
	if kind := kindOf(dec, jsontext.KindNumber); kind != Valid {
		s.Kind = kind
		return dec.SkipValue()
	}
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n, err := strconv.ParseUint(string(v), 10, 32)
	if err != nil {
		s.Kind = Wrong // a fraction, or too large
		return nil
	}
	*s = Seconds{uint32(n), Valid}
	return nil
}

// Scalar is the value of a profile field: a text or an unsigned integer.
type Scalar struct {
	Text     string
	Number   uint64
	IsNumber bool
	Kind     Kind // Wrong for other JSON types and other numbers
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom].
func (s *Scalar) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*s = Scalar{}
	switch dec.PeekKind() {
	case jsontext.KindString:
		var t Text
		err := t.UnmarshalJSONFrom(dec)
		*s = Scalar{Text: t.V, Kind: t.Kind}
		return err
	case jsontext.KindNumber:
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if n, err := strconv.ParseUint(string(v), 10, 64); err == nil {
			*s = Scalar{Number: n, IsNumber: true, Kind: Valid}
			return nil
		}
		s.Kind = Wrong
		return nil
	}
	s.Kind = kindOf(dec, jsontext.KindString)
	return dec.SkipValue()
}

// MarshalJSONTo implements [json.MarshalerTo].
func (s Scalar) MarshalJSONTo(enc *jsontext.Encoder) error {
	if s.IsNumber {
		return enc.WriteToken(jsontext.Uint(s.Number))
	}
	return enc.WriteToken(jsontext.String(s.Text))
}

func kindOf(dec *jsontext.Decoder, want jsontext.Kind) Kind {
	switch dec.PeekKind() {
	case want:
		return Valid
	case jsontext.KindNull:
		return Absent
	}
	return Wrong
}
