// Package catalog encodes records and spaces as keys and values of Pebble, and converts the
// data of older formats to them. Its functions work on any reader and batch. The store
// decides what may be read and written.
//
// These are the keys and their values. BE4 and BE8 are big-endian numbers of 4 and 8 bytes.
// Keys with such numbers sort by number.
//
//	m/commits         BE8: number of the newest commit of records
//	r/ kind(1) key    a record: BE8(number of the commit that wrote it), the value
//	s/ BE4(app)       the space of an app: JSON of the list of its admins
package catalog
