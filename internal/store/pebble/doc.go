// Package pebble implements [account.Engine] on Pebble, a log-structured
// merge tree in one directory. It is the default engine.
//
// # Parts
//
// Pebble holds the truth (keys.go, codec.go). A table in memory (table.go)
// holds every id with what an import must know of it, so that neither Status
// nor the import of a new account reads Pebble; Open fills it by a scan.
//
// All changes go through one goroutine, the committer (commit.go). It takes
// every call that waits, decides the calls in order against the table and what
// it has decided before in the same group (group.go), writes one batch, waits
// for the log to be on disk, and only then shows the changes and answers. So
// quotas, counts and internal ids are exact without locks, and concurrent
// callers share one sync.
//
// Pebble shows a batch to readers before its log is on disk. Reads therefore
// go through a snapshot taken after the last durable commit (view.go): no
// answer rests on something that a crash could undo.
//
// # Failures
//
// Pebble reports a failed log or manifest write by calling Fatalf of its logger
// in the goroutine that met it, and goes on as if nothing had happened when
// that returns. Here Fatalf marks the store as failed and ends its goroutine
// (failure.go). A failed store acknowledges nothing more, answers what its last
// durable state holds, and recovers by a restart.
//
// On a full disk Pebble would hold writers for ever and try again in a tight
// loop. A guard refuses writes while there still is room (space.go), and every
// caller of a commit that hangs gets its answer when its context ends.
package pebble
