package catalog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// Prefixes of the keys of formats before 5 whose values have become records.
const (
	olderToken = "k/" // followed by the id; the JSON of a token of the admin API
	olderApp   = "p/" // followed by BE4(app); the JSON of an app
	olderAudit = "w/" // followed by BE8(seq); the JSON of an entry of the audit trail
)

// A Converter returns the writes of the records that replace a value of an older format.
// letter is the first byte of the value's key.
type Converter func(letter byte, value []byte) ([]account.Write, error)

// Convert adds to b the writes that turn the data of an older format in db into records.
// Entries of the audit trail keep their numbers. All other records get the number of a new
// commit, which must be larger.
func Convert(db pebble.Reader, b *pebble.Batch, convert Converter, number uint64) error {
	if convert == nil {
		return errors.New("no function to convert data of an older format was given")
	}
	spaces, err := LoadOlderSpaces(db)
	for app, admins := range spaces {
		err = errors.Join(err, SetSpace(b, app, admins))
	}
	for _, prefix := range []string{olderApp, olderToken, olderAudit} {
		if err != nil {
			return err
		}
		err = each(db, prefix, func(key, value []byte) error {
			n, err := numberOf(key, number)
			if err != nil {
				return err
			}
			ws, err := convert(prefix[0], slices.Clone(value))
			for _, w := range ws {
				err = errors.Join(err, Set(b, w, n))
			}
			return err
		})
		err = errors.Join(err, b.DeleteRange([]byte(prefix), record.Successor([]byte(prefix)), nil))
	}
	return errors.Join(err, SetNumber(b, number))
}

// numberOf returns the number in the key of an audit entry, or number for any other key.
func numberOf(key []byte, number uint64) (uint64, error) {
	switch {
	case key[0] != olderAudit[0]:
		return number, nil
	case len(key) != len(olderAudit)+8:
		return 0, record.ErrCorrupt
	}
	return binary.BigEndian.Uint64(key[len(olderAudit):]), nil
}

// LoadOlderSpaces is [LoadSpaces] for an older format, in which each app has a space.
func LoadOlderSpaces(db pebble.Reader) (Spaces, error) {
	spaces := Spaces{}
	err := each(db, olderApp, func(_, value []byte) error {
		var a struct {
			ID     account.AppID    `json:"sdkappid"`
			Admins []account.UserID `json:"admins"`
		}
		err := json.Unmarshal(value, &a)
		spaces[a.ID] = a.Admins
		return err
	})
	return spaces, err
}

// OlderNumber is [Number] for an older format, in which only audit entries have numbers.
func OlderNumber(db pebble.Reader) (newest uint64, err error) {
	err = each(db, olderAudit, func(key, _ []byte) (err error) {
		newest, err = numberOf(key, 0)
		return err
	})
	return newest, err
}
