// Package journal is the form of the embedded engine's journal, which Pebble holds
// in the order in which it was committed: one value for each commit, the changes of
// all its calls. The newest of it is in memory too. The engine flushes it into the
// spaces of accounts and of its index, sorted (sort.go), many commits at a time, and
// drops it.
//
// A change is
//
//	byte     kind, + again if the id was deleted before
//	uvarint  length of the name
//	name     of the account (package record); of a purge, BE4(app) alone
//	uvarint  length of the value
//	value    an account, operands, what is left (package record), or nothing
//
// Changes are numbered by their position: the number of bytes that the journal
// has had before, since the store was opened, plus the number of the first commit
// that was not flushed then. Of several changes of an id the newest holds all that the older ones said, back to the last flush.
package journal
