package wire

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is the deepest nesting of a body that is accepted (decisions.md,
// "Bodies").
const MaxDepth = 32

// Errors of [Decode].
var (
	ErrEmpty = errors.New("the body is empty")
	ErrJSON  = errors.New("the body is not one JSON object")
)

// Decode decodes body into req. The body must be exactly one JSON object. It
// must be valid UTF-8, contain no key twice, and have at most [MaxDepth]
// levels. Nothing may follow it. Keys match exactly, and unknown keys are
// skipped. A field of another type than that of req is not an error. The Kind
// of the field reports it.
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

// validate reads every token, so it can stop at MaxDepth before json.Unmarshal
// descends deeper. The decoder itself rejects invalid UTF-8 and duplicate keys.
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
