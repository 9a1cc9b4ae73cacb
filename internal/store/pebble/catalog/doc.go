// Package catalog is how records and spaces lie in Pebble, and how those of older formats
// become theirs. Its functions work on any reader and batch; the store decides what may be
// read and written.
//
// BE4 and BE8 are big-endian numbers of that many bytes, so that keys sort as their
// numbers do.
//
//	m/commits         BE8: number of the newest commit of records
//	r/ kind(1) key    a record: BE8(number of the commit that wrote it) value
//	s/ BE4(app)       the space of an app: JSON of the list of its admins
package catalog
