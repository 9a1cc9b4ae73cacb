package open

import (
	"rollcall/internal/store/pebble"
	"rollcall/internal/store/postgres"
)

// Formats returns the number of the format of embedded stores and the version of the schema
// of databases that this program writes. It refuses data with higher numbers.
func Formats() (store int, schema int64) {
	return pebble.Format, postgres.SchemaVersion()
}
