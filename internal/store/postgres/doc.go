// Package postgres implements [account.Engine] in PostgreSQL 15 and newer, and in Citus,
// which spreads the same tables over several machines. Any number of processes can share a
// database.
//
// # Tables
//
// The migrations in the directory migrations define the tables, and [Migrate] runs them.
//
//   - accounts has a row for each account and for each deleted id. The primary key is in
//     the order of ids, so a page of a list costs the same everywhere.
//   - spaces has [buckets] rows for each app.
//   - records and changes have the records, and counters of their commits for other
//     processes.
//
// # Spaces
//
// The rows of an app in spaces are its fence, its counter and its quota. A write of
// accounts locks one of them, chosen at random, until it commits. It adds the accounts that
// it creates to the row, so the count of an app is the sum of its rows and no row is hot.
// If there is no row, the app has no space. A change of a space locks all rows, so it waits
// for the writes under way.
//
// A limit is divided among the rows. A write that fits into the part of its row is sure to
// keep the limit. Any other write locks all rows, and decides with the exact count.
//
// # Order of locks
//
// Every transaction locks rows in this order, and sorted within each step: spaces,
// accounts, records, changes. Transactions that are chosen as victims of a deadlock all the
// same are repeated.
//
// # Commits in doubt
//
// If the connection is lost during a commit, the outcome is not known. The transaction is
// then repeated, and recognizes its own work: by the internal ids that it has proposed, by
// the number of its records, by the mark of its tombstones. It always writes, so its
// commit is acknowledged only when a synchronous standby has both. If another call has
// changed the same account meanwhile and nobody can tell the order, the call ends with
// [account.Unknown].
//
// A server can end the wait for its standby with a warning and still report success. Any
// warning during a commit therefore puts it in doubt.
//
// # Faults
//
// Errors of the driver have a meaning in one table, in error.go: what to say, and whether
// another attempt can succeed before the call's deadline. A poll finds out whether the
// database serves, also while no call does. When it arrives at another server, it ends the
// connections of calls to the one before, which may hang.
package postgres
