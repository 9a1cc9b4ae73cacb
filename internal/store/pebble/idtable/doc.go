// Package idtable keeps every ID of the embedded engine in memory. A table outside the
// heap (table.go, shard.go, arena.go) reports without a disk read whether an account
// exists, its InternalID, and when it was deleted. The package also encodes the table into
// pages, from which a start fills the table again (pages.go, loader.go).
//
// The engine decides where pages are stored and what positions in the journal mean. A
// newcomer can skip shard.go, arena.go and mmap.go. They are complex for the sake of speed,
// which was measured.
package idtable
