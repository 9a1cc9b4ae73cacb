// Package pebble implements [account.Engine] on Pebble, a log-structured
// merge tree in one directory. It is the default engine.
//
// # Parts
//
// Pebble holds the truth (keys.go, package record). A table in memory (package
// idtable) holds every id with what an import must know of it, so that neither Status
// nor an import reads Pebble; Open fills it from an index (index.go).
//
// All changes go through one goroutine, the committer (commit.go). It takes
// every call that waits, decides the calls in order against the table and what
// it has decided before in the same group (group.go), writes one value with all
// their changes, the next of a journal (package journal), waits for Pebble's log to
// be on disk, and only then shows the changes and answers. So quotas, counts
// and internal ids are exact without locks, concurrent callers share one sync,
// and the tree sees one key for hundreds of accounts.
//
// The journal is bounded. A second goroutine, the flusher (flush.go), sorts it and
// gives it to Pebble as finished tables, which is several times cheaper than
// single writes, then drops it. What changes an account that was flushed before
// is not read: it is an operand that Pebble merges when it next rewrites the
// account (package record).
//
// Records and the spaces of apps are keys of their own (package catalog), in the same
// commit as the journal. The committer compares the versions that their writes expect.
//
// Readers see the newest durable state (view.go): a snapshot of what is flushed, the
// journal above it in memory, and a snapshot of the records. No answer rests on
// something that a crash could undo.
//
// # Failures
//
// Pebble reports a failed log or manifest write by calling Fatalf of its logger
// in the goroutine that met it, and goes on as if nothing had happened when
// that returns. Here Fatalf marks the store as failed and never returns
// (package guard). A failed store acknowledges nothing more, answers what its last
// durable state holds, and recovers by a restart.
//
// On a full disk Pebble would hold writers for ever and try again in a tight
// loop. Package guard refuses writes while there still is room, and every caller of
// a commit or a read that hangs gets its answer when its context ends.
package pebble
