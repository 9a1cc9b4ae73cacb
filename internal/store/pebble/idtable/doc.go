// Package idtable is what the embedded engine keeps in memory of every id: a table
// outside the heap (table.go, shard.go, arena.go) that answers without a look at
// the disk whether an account exists, under which number, and since when it was
// deleted. It also packs what the table holds into pages, from which a start fills
// the table again (pages.go, loader.go).
//
// The engine says where pages are stored and what positions in the journal mean.
package idtable
