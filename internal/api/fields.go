package api

import (
	"fmt"

	"rollcall/internal/account"
	"rollcall/internal/wire"
)

// maxBatch is the most items of a batch, except for the status commands
// (protocol.md §1.4).
const maxBatch = 100

// id reads a required id.
// Codes: BadParameter if it is absent, IDNotString.
func id(name string, t wire.Text) (account.UserID, error) {
	switch t.Kind {
	case wire.Valid:
		return account.UserID(t.V), nil
	case wire.Wrong:
		return "", &account.Error{Code: account.IDNotString, Detail: name + " is not a JSON string; quote it"}
	}
	return "", missing(name)
}

// eitherID reads an id that has a name of today and an older one. The name of
// today wins, also when its value is wrong.
func eitherID(userID, identifier wire.Text) (account.UserID, error) {
	if userID.Kind == wire.Absent && identifier.Kind != wire.Absent {
		return id("Identifier", identifier)
	}
	return id("UserID", userID)
}

// text reads an optional text. Codes: BadParameter.
func text(name string, t wire.Text) (string, error) {
	if t.Kind == wire.Wrong {
		return "", &account.Error{Code: account.BadParameter, Detail: name + " is not a JSON string; quote it"}
	}
	return t.V, nil
}

// batch checks that an array has 1 to limit items.
// Codes: BadParameter, EmptyBatch, BatchTooLarge.
func batch[T any](name string, l *wire.List[T], limit int) error {
	switch {
	case l.Kind == wire.Wrong:
		return &account.Error{Code: account.BadParameter, Detail: name + " is not an array; send 1 to " + fmt.Sprint(limit) + " items"}
	case len(l.V) == 0:
		return &account.Error{Code: account.EmptyBatch, Detail: fmt.Sprintf("%s is missing or empty; send 1 to %d items", name, limit)}
	case len(l.V) > limit:
		return &account.Error{Code: account.BatchTooLarge, Detail: fmt.Sprintf("%s has %d items; send at most %d", name, len(l.V), limit)}
	}
	return nil
}

// ids reads an array of ids into dst, which is all zero, if it is large enough.
func ids(dst []account.UserID, name string, l *wire.List[wire.Text], limit int) ([]account.UserID, error) {
	if err := batch(name, l, limit); err != nil {
		return nil, err
	}
	dst = sized(dst, len(l.V))
	for i, t := range l.V {
		if t.Kind != wire.Valid { // null is no id either
			return nil, &account.Error{Code: account.IDNotString, Detail: "an item of " + name + " is not a JSON string; quote it"}
		}
		dst[i] = account.UserID(t.V)
	}
	return dst, nil
}

// idItems reads an array of objects with a UserID. The ids live until c ends.
func (c *call) idItems(name string, l *wire.List[wire.Object[wire.IDItem]]) ([]account.UserID, error) {
	if err := batch(name, l, maxBatch); err != nil {
		return nil, err
	}
	c.userIDs = sized(c.userIDs, len(l.V))
	for i := range l.V {
		item := &l.V[i]
		if item.Kind != wire.Valid {
			return nil, notObject(name)
		}
		var err error
		if c.userIDs[i], err = id("UserID", item.V.UserID); err != nil {
			return nil, err
		}
	}
	return c.userIDs, nil
}

func missing(name string) error {
	return &account.Error{Code: account.BadParameter, Detail: name + " is missing; add it"}
}

func notObject(name string) error {
	return &account.Error{Code: account.BadParameter, Detail: "an item of " + name + " is not an object"}
}
