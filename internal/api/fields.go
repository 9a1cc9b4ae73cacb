package api

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// A fieldError is a field that is absent or of the wrong type. Its text is
// derived from the body after the call has failed.
type fieldError struct {
	code account.Code
	wire.Mismatch
}

func (e *fieldError) Error() string { return string(e.At) + " is not " + e.Want }

// Unwrap returns the account error of e, for callers that do not have the body.
func (e *fieldError) Unwrap() error { return &account.Error{Code: e.code} }

// explained replaces a [fieldError] by an error that describes the body, which
// was decoded into req. It returns other errors unchanged.
func explained(err error, body []byte, req any) error {
	if e, ok := errors.AsType[*fieldError](err); ok {
		return &account.Error{Code: e.code, Detail: e.Explain(body, req)}
	}
	return err
}

// within adds to err that its field is in an item of a list.
func within(err error, list string, item int) error {
	if e, ok := errors.AsType[*fieldError](err); ok {
		e.At = itemOf(list, item) + e.At
	}
	return err
}

// field returns a pointer to a key of the body or of an item.
func field(name string) jsontext.Pointer { return jsontext.Pointer("/" + name) }

// itemOf returns a pointer to an item of a list.
func itemOf(list string, item int) jsontext.Pointer {
	return field(list) + "/" + jsontext.Pointer(strconv.Itoa(item))
}

const aString = "a JSON string"

// id reads a required id. Codes: BadParameter if it is absent, IDNotString.
func id(name string, t wire.Text) (account.UserID, error) {
	switch t.Kind {
	case wire.Valid:
		return account.UserID(t.V), nil
	case wire.Wrong:
		return "", &fieldError{account.IDNotString, wire.Mismatch{At: field(name), Want: aString}}
	}
	return "", &fieldError{account.BadParameter, wire.Mismatch{At: field(name), Want: aString}}
}

// eitherID reads an id that has a current and an older field name. If both are
// present, the current one is used, even if its value is wrong.
func eitherID(userID, identifier wire.Text) (account.UserID, error) {
	if userID.Kind == wire.Absent && identifier.Kind != wire.Absent {
		return id("Identifier", identifier)
	}
	userid, err := id("UserID", userID)
	if e, ok := errors.AsType[*fieldError](err); ok {
		e.Also = "Identifier"
	}
	return userid, err
}

// text reads an optional text. Codes: BadParameter.
func text(name string, t wire.Text) (string, error) {
	if t.Kind == wire.Wrong {
		return "", &fieldError{account.BadParameter, wire.Mismatch{At: field(name), Want: aString}}
	}
	return t.V, nil
}

// batch checks that an array has 1 to limit items.
// Codes: BadParameter, EmptyBatch, BatchTooLarge.
func batch[T any](name string, l *wire.List[T], limit int) error {
	switch {
	case l.Kind != wire.Valid:
		code := account.BadParameter
		if l.Kind == wire.Absent {
			code = account.EmptyBatch
		}
		return &fieldError{code, wire.Mismatch{At: field(name), Want: fmt.Sprintf("an array of 1 to %d items", limit)}}
	case len(l.V) == 0:
		return &account.Error{Code: account.EmptyBatch, Detail: fmt.Sprintf("%s is an empty array; send 1 to %d items", name, limit)}
	case len(l.V) > limit:
		return &account.Error{Code: account.BatchTooLarge, Detail: fmt.Sprintf("%s has %d items; send at most %d", name, len(l.V), limit)}
	}
	return nil
}

// ids reads an array of ids. It uses the memory of dst, which must be all zero,
// if that is large enough.
func ids(dst []account.UserID, name string, l *wire.List[wire.Text], limit int) ([]account.UserID, error) {
	if err := batch(name, l, limit); err != nil {
		return nil, err
	}
	dst = sized(dst, len(l.V))
	for i, t := range l.V {
		if t.Kind != wire.Valid { // includes null
			clear(dst) // its texts share the memory of the body
			return nil, &fieldError{account.IDNotString, wire.Mismatch{At: itemOf(name, i), Want: aString}}
		}
		dst[i] = account.UserID(t.V)
	}
	return dst, nil
}

// idItems reads an array of objects with a UserID. The ids are valid until c is
// freed.
func (c *call) idItems(name string, l *wire.List[wire.Object[wire.IDItem]]) ([]account.UserID, error) {
	if err := batch(name, l, c.Batch); err != nil {
		return nil, err
	}
	c.userIDs = sized(c.userIDs, len(l.V))
	for i := range l.V {
		item := &l.V[i]
		if item.Kind != wire.Valid {
			return nil, notObject(name, i, "UserID")
		}
		var err error
		if c.userIDs[i], err = id("UserID", item.V.UserID); err != nil {
			return nil, within(err, name, i)
		}
	}
	return c.userIDs, nil
}

// notObject returns the error for an item of a list that is not an object with
// keys.
func notObject(list string, item int, keys string) error {
	return &fieldError{account.BadParameter, wire.Mismatch{At: itemOf(list, item), Want: "an object with " + keys}}
}
