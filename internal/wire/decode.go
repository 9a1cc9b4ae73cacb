package wire

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is the deepest nesting of a body (decisions.md, "Bodies").
const MaxDepth = 32

// Faults of a body as a whole.
var (
	ErrEmpty = errors.New("the body is empty")
	ErrJSON  = errors.New("the body is not one JSON object")
)

// Decode reads body, which must be exactly one JSON object: valid UTF-8, no key
// twice, at most [MaxDepth] levels, nothing after it. Keys match exactly;
// unknown ones are skipped. Fields of another type than req's are not an error
// here: the field's Kind tells.
//
// Errors: [ErrEmpty], [ErrJSON].
func Decode(body []byte, req any) error {
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return ErrEmpty
	}
	if err := validate(body); err != nil {
		return ErrJSON
	}
	if err := json.Unmarshal(body, req); err != nil {
		return ErrJSON
	}
	return nil
}

// validate reads every token, which json.Unmarshal would not do in time to
// stop at MaxDepth. The decoder rejects bad UTF-8 and duplicate keys itself.
func validate(body []byte) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	if dec.PeekKind() != jsontext.KindBeginObject {
		return ErrJSON
	}
	for {
		if _, err := dec.ReadToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if dec.StackDepth() > MaxDepth {
			return ErrJSON
		}
	}
}
