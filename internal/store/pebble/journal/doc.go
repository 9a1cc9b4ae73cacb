// Package journal encodes the journal of the embedded engine. The journal is in Pebble, in
// the order of commits: one value per commit, with the changes of all its calls. The part
// that is not flushed, and some of the rest, is in memory, too. A flush sorts many commits
// at a time (sort.go), writes them into the spaces of accounts and of the index, and drops
// them. A newcomer can skip sort.go. It is complex for the sake of speed, which was
// measured.
//
// A change is
//
//	byte     kind, + again if the id was deleted before
//	uvarint  length of the name
//	name     of the account (package record); of a purge, BE4(app) alone
//	uvarint  length of the value
//	value    an account, operands or a tombstone (package record), or nothing
//
// A change is numbered by its position: the number of bytes before it in the journal since
// the store was opened, plus the number of the first commit that was not flushed at that
// time. If an ID changes several times between two flushes, its newest change carries the
// combined effect of all of them.
package journal
