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

// Settings explains every setting of an app, each below a heading of its name.
//
//go:embed settings.md
var Settings string

// Errors explains every error code, in Markdown of headings, paragraphs and
// tables. ErrorsChinese is its translation.
var (
	//go:embed errors.md
	Errors string
	//go:embed errors.zh-CN.md
	ErrorsChinese string
)
