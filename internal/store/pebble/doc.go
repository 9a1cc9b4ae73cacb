// Package pebble implements [account.Engine] on Pebble, a log-structured merge tree in one
// directory. It is the default engine.
//
// # Parts
//
// Pebble stores all data (keys.go, package record). A table in memory (package idtable)
// contains every ID and the part of its account that an import needs. So neither Status
// nor an import reads Pebble. Open fills the table from an index (index.go).
//
// All changes go through one goroutine, the committer (commit.go). It accepts all calls
// that wait and decides them in order, against the table and its earlier decisions in the
// same group (group.go). It writes one value with all their changes, the next commit of a
// journal (package journal), and waits until the log of Pebble is on disk. Only then does
// it make the changes visible and return the results. So quotas, counts and InternalIDs
// are exact without locks, concurrent callers share one sync, and the tree stores one key
// for hundreds of accounts.
//
// The size of the journal is limited. A second goroutine, the flusher (flush.go), sorts
// the journal, ingests it into Pebble as finished tables, which is several times cheaper
// than single writes, and then drops it. This is the journal flush. Pebble flushes its
// memtables on its own. A change of an account that is flushed already does not read the
// account: it is an operand, which Pebble merges when it next rewrites the account
// (package record).
//
// A load of many accounts takes the same way, in batches of up to [account.LoadBatch]
// items. Its flushes leave the compression of accounts to the compaction that follows.
//
// Records and the spaces of apps are keys of their own (package catalog), in the same
// commit as the journal. The committer compares the versions that their writes expect. The
// same commit can replace all accounts of an app (replace.go): it deletes them one by one,
// forgets them with a purge, and writes those of a dump as they were.
//
// Readers see the newest durable state (view.go): a snapshot of Pebble, and the journal
// that is not flushed, in memory. No response depends on something that a crash could
// undo.
//
// # Failures
//
// Pebble reports a failed write of a log or a manifest by calling Fatalf of its logger,
// and continues as if nothing had happened when Fatalf returns. Here, Fatalf marks the
// store as failed and never returns (package guard). A failed store acknowledges nothing
// more, serves reads of its last durable state, and recovers by a restart.
//
// On a full disk, Pebble would block writers for ever and retry in a tight loop. Package
// guard refuses writes before the disk is full. Every caller of a commit or a read that
// hangs gets an error when its context ends.
package pebble
