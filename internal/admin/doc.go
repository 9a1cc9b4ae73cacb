// Package admin serves our own API under /admin/v1: apps, keys, admins and
// tokens, lists and counts of accounts, the audit trail, backups.
//
// [Routes] lists the whole API: one row for each method and path, with its scope and
// the types of its bodies. Every request passes the same checks in this order: the Host
// header, the bearer token, the path, the method, the scope. Errors are problem documents
// (RFC 9457). See [Slugs].
//
// The package stores no data and contains no rules about apps. Package directory does
// both.
package admin
