// Package openapi describes both APIs in OpenAPI 3.1: the vendor's protocol under
// /v4 ([Wire]) and the admin API under /admin/v1 ([Admin]).
//
// It reads as much as possible from the code: paths, scopes and parameters from
// admin.Routes, schemas from the types of packages wire and adminapi, and
// descriptions from the comments of these types. Tables in this package add what
// Go types cannot express: the limits of the vendor's fields, and examples. A test
// makes the call of every example.
//
// The documents are generated from the source and committed as docs/openapi.
// "go generate ./internal/openapi" writes them.
package openapi
