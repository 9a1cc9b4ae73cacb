package catalog

import (
	"encoding/binary"
	"encoding/json"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
)

// Spaces contains the admins of each app that has a space.
type Spaces map[account.AppID][]account.UserID

// spacePrefix begins the key of a space.
const spacePrefix = "s/"

func spaceKey(app account.AppID) []byte {
	return binary.BigEndian.AppendUint32([]byte(spacePrefix), uint32(app))
}

// SetSpace adds the write of an app's space to a batch.
func SetSpace(b *pebble.Batch, app account.AppID, admins []account.UserID) error {
	value, err := json.Marshal(admins)
	if err != nil {
		return err
	}
	return b.Set(spaceKey(app), value, nil)
}

// DropSpace adds the removal of an app's space to a batch.
func DropSpace(b *pebble.Batch, app account.AppID) error { return b.Delete(spaceKey(app), nil) }

// LoadSpaces reads the spaces of all apps.
func LoadSpaces(db pebble.Reader) (Spaces, error) {
	spaces := Spaces{}
	err := each(db, spacePrefix, func(key, value []byte) error {
		if len(key) != len(spaceKey(0)) {
			return record.ErrCorrupt
		}
		var admins []account.UserID
		err := json.Unmarshal(value, &admins)
		spaces[account.AppID(binary.BigEndian.Uint32(key[len(spacePrefix):]))] = admins
		return err
	})
	return spaces, err
}
