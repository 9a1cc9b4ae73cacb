// Package openapi describes both APIs in OpenAPI 3.1: the vendor's protocol under
// /v4 ([Wire]) and our own under /admin/v1 ([Admin]).
//
// Everything that the code knows comes from the code: paths, scopes and
// parameters from admin.Routes, schemas from the types of packages wire and
// adminapi, their descriptions from the comments there. Tables here add what Go
// cannot say: limits of the vendor's fields, and examples, each of which is a
// call that a test makes.
//
// The documents are made at generation time, when the source is at hand, and
// committed as docs/openapi; "go generate ./internal/openapi" writes them.
package openapi
