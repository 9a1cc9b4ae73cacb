// Package docs holds the documents that a server serves itself. All of them are
// generated from the code; see the first line of each.
package docs

import _ "embed"

// Wire and Admin describe both APIs in OpenAPI 3.1.
var (
	//go:embed openapi/wire.json
	Wire []byte
	//go:embed openapi/admin.json
	Admin []byte
)

// Errors explains every error code, in Markdown of headings, paragraphs and
// tables.
//
//go:embed errors.md
var Errors string
