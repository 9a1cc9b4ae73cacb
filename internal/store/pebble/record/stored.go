package record

import "github.com/cockroachdb/pebble/v2"

// Stored returns a copy of the value of a key. The error is [pebble.ErrNotFound] if there
// is none.
func Stored(db pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := db.Get(key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	return append([]byte{}, value...), nil
}
