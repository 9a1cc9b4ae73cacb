// Package admin serves our own API under /admin/v1: apps, keys, admins and
// tokens, lists and counts of accounts, the audit trail, backups.
//
// [Routes] is the whole of it: one row for each method and path, with the scope
// that it needs and the types that go in and out. Every request passes the same
// gate: the Host header, the bearer token, the path, the method, the scope.
// Errors are problem documents (RFC 9457); see [Slugs].
//
// The package keeps nothing and decides nothing about apps: package directory
// does.
package admin
