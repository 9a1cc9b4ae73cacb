package webhook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// decode returns the body of a command, or nil if the command has no type here.
func decode(command string, body []byte) (Body, error) {
	switch command {
	case CommandStateChange:
		return decodeBody(body, func(s StateChange) bool { return s.Info.ToAccount != "" && s.Info.Action != "" }, "Info with Action and To_Account")
	case CommandPortraitSet:
		return decodeBody(body, func(p PortraitSet) bool { return p.FromAccount != "" }, "From_Account")
	case CommandOverLimit:
		return decodeBody(body, func(o OverLimit) bool { return o.Command != "" }, "Command")
	}
	return nil, nil
}

// decodeBody decodes a body of type T. It returns an error without the fields that
// complete requires.
func decodeBody[T Body](b []byte, complete func(T) bool, fields string) (Body, error) {
	var body T
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, plainly(err)
	}
	if !complete(body) {
		return nil, errors.New("it has no " + fields)
	}
	return body, nil
}

// UnmarshalJSON reads an object, or an array with one object.
func (i *StateInfo) UnmarshalJSON(b []byte) error {
	type plain StateInfo // without this method
	if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '[' {
		return json.Unmarshal(b, (*plain)(i))
	}
	var infos []plain
	if err := json.Unmarshal(b, &infos); err != nil {
		return err
	}
	if len(infos) != 1 {
		return fmt.Errorf("the array of Info has %d objects, want one", len(infos))
	}
	*i = StateInfo(infos[0])
	return nil
}

// UnmarshalJSON reads an object whose Value is a string or a whole number from 0 up.
func (f *Field) UnmarshalJSON(b []byte) error {
	var item struct {
		Tag   string
		Value json.RawMessage
	}
	if err := json.Unmarshal(b, &item); err != nil {
		return err
	}
	*f = Field{Tag: item.Tag}
	if len(item.Value) > 0 && item.Value[0] == '"' {
		return json.Unmarshal(item.Value, &f.Text)
	}
	n, err := strconv.ParseUint(string(item.Value), 10, 64)
	if err != nil {
		return fmt.Errorf("the Value of %.100q is neither a string nor a whole number from 0 up", item.Tag)
	}
	f.Number, f.IsNumber = n, true
	return nil
}

// plainly returns an error of package json about a type without names of types of Go.
func plainly(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s must not be of the JSON type %s", cmp.Or(e.Field, "an item"), e.Value)
	}
	return err
}
