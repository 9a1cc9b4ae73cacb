package client

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rollcall/internal/adminapi"
)

// Types of imports.
type (
	// An Import is a bulk import of accounts: a stream, or a job of the server.
	Import = adminapi.Import

	// An ImportRejection is a row of an import that was not imported, and why.
	ImportRejection = adminapi.ImportRejection

	// A NewImport is a job to create from a file.
	NewImport = adminapi.NewImport
)

// States of an [Import].
const (
	ImportOpen     = adminapi.ImportOpen
	ImportQueued   = adminapi.ImportQueued
	ImportRunning  = adminapi.ImportRunning
	ImportPaused   = adminapi.ImportPaused
	ImportDone     = adminapi.ImportDone
	ImportFailed   = adminapi.ImportFailed
	ImportCanceled = adminapi.ImportCanceled
)

// ImportStream sends rows of the import key of an app and returns the import after them.
// body is NDJSON: an object such as {"userid":"alice","nick":"Alice"} in each line, of
// 64 KiB at most. Its line i is the row from+i-1 of the import; from is 1 or more. An
// empty line is a row that is skipped.
//
//   - The end of body finishes the import. An error of body leaves it open. Rows up to
//     [Import.Row] are imported or rejected then, and the next ImportStream of the same
//     key goes on from there. Rows that are covered already have no effect.
//   - If the server does not have the rows before from, or another ImportStream of the
//     key is under way, the error is [SlugConflict]. Nothing was changed.
//   - An import that has ended returns its result, whatever is sent.
//
// If body is an [io.Closer], it is closed: only that ends a Read that waits when the server
// responds before the end of body.
//
// ImportStream is never retried, because a body can be read only once. It has no limit of
// time as long as rows move; ctx ends it. It needs the scope write.
func (c *AdminClient) ImportStream(ctx context.Context, sdkAppID uint32, key string, from int64, body io.Reader) (*Import, error) {
	r := &request{op: "POST /admin/v1" + appPath(sdkAppID) + "/accounts:import", method: http.MethodPost}
	r.path = "/admin/v1" + appPath(sdkAppID) + "/accounts:import"
	r.query = url.Values{"from": {strconv.FormatInt(from, 10)}}
	r.header = http.Header{"Idempotency-Key": {key}, "Content-Type": {"application/x-ndjson"}}
	resp := new(Import)
	return result(resp, c.upload(ctx, r, body, resp))
}

// UploadImport creates a job of the server from the content of a file, and returns it as
// soon as the server has stored the content. File is the name of the file in messages, and
// Key of n must not be empty: an upload whose response was lost can be repeated with it. If
// an import of the key exists, it is returned.
//
// UploadImport is never retried and has no limit of time as long as bytes move. It needs
// the scope write. If the server does not accept uploads, the error is [SlugUnsupported].
func (c *AdminClient) UploadImport(ctx context.Context, sdkAppID uint32, n NewImport, content io.Reader) (*Import, error) {
	resp := new(Import)
	r := fileRequest("/admin/v1"+appPath(sdkAppID)+"/imports:upload", n)
	r.header.Set("Idempotency-Key", n.Key)
	return result(resp, c.upload(ctx, r, content, resp))
}

// An ImportReport says what an import of a file would do.
type ImportReport = adminapi.ImportReport

// An ImportProblem is something that is wrong with rows of a file, or suspicious.
type ImportProblem = adminapi.ImportProblem

// An ImportExample is a row with a problem.
type ImportExample = adminapi.ImportExample

// CheckImport says what an import of the content of a file would do, and imports nothing.
// File is the name of the file in messages; the Key of n is not used. If the content cannot
// be read to its end, Stopped of the report says why; if no row can be read, the error is
// [SlugBadRequest].
//
// CheckImport is never retried and has no limit of time as long as bytes move. It needs the
// scope write. If the server does not accept uploads, the error is [SlugUnsupported].
func (c *AdminClient) CheckImport(ctx context.Context, sdkAppID uint32, n NewImport, content io.Reader) (*ImportReport, error) {
	resp := new(ImportReport)
	return result(resp, c.upload(ctx, fileRequest("/admin/v1"+appPath(sdkAppID)+"/imports:check", n), content, resp))
}

// fileRequest returns a request whose body is the file that n describes.
func fileRequest(path string, n NewImport) *request {
	r := &request{op: "POST " + path, method: http.MethodPost, path: path, query: url.Values{}}
	for name, value := range map[string]string{
		"file": n.File, "format": n.Format, "encoding": n.Encoding, "delimiter": n.Delimiter, "sheet": n.Sheet, "ignore": strings.Join(n.Ignore, ","),
	} {
		if value != "" {
			r.query.Set(name, value)
		}
	}
	var pairs []string
	for column, field := range n.Map {
		pairs = append(pairs, column+"="+field)
	}
	if len(pairs) > 0 {
		r.query.Set("map", strings.Join(pairs, ","))
	}
	r.header = http.Header{"Content-Type": {"application/octet-stream"}}
	return r
}

// upload sends a body of any length once, without a limit of time.
func (c *AdminClient) upload(ctx context.Context, r *request, body io.Reader, resp any) error {
	r.header.Set("Authorization", c.bearer())
	r.header.Set("Expect", "100-continue") // a refusal comes before the body, so that it is not lost with the connection
	r.stream = body
	if b, ok := body.(io.Closer); ok {
		defer b.Close() // HTTP/1.1 leaves a Read that waits alone
	}
	return c.attempt(ctx, r, resp)
}

// CreateImport creates a job from a file below the directory of the server's --import-dir.
// Without that setting the error is [SlugUnsupported]. If an import of the key exists, it
// is returned. It needs the scope write.
func (c *AdminClient) CreateImport(ctx context.Context, sdkAppID uint32, n NewImport) (*Import, error) {
	resp := new(Import)
	return result(resp, c.call(ctx, adminCall{method: http.MethodPost, path: importsPath(sdkAppID), body: n, resp: resp}))
}

// Import returns an import. Without one the error is [SlugNotFound]. It needs the scope
// read.
func (c *AdminClient) Import(ctx context.Context, sdkAppID uint32, key string) (*Import, error) {
	return c.importCall(ctx, http.MethodGet, importPath(sdkAppID, key), nil)
}

// Imports iterates over the imports of an app in the order of their keys. It ends after an
// error. It needs the scope read.
func (c *AdminClient) Imports(ctx context.Context, sdkAppID uint32) iter.Seq2[*Import, error] {
	return pages(func(cursor string) (page[Import], error) {
		var resp adminapi.ImportPage
		err := c.call(ctx, adminCall{method: http.MethodGet, path: importsPath(sdkAppID), query: listQuery(0, cursor), resp: &resp})
		return page[Import]{resp.Imports, resp.NextCursor}, err
	})
}

// ImportRejected iterates over the rejected rows of an import after the row after, in
// their order. It ends after an error. It needs the scope read.
//
// A server keeps the first million rejections of an import. Further ones are counted only.
func (c *AdminClient) ImportRejected(ctx context.Context, sdkAppID uint32, key string, after int64) iter.Seq2[*ImportRejection, error] {
	return pages(func(cursor string) (page[ImportRejection], error) {
		var resp adminapi.ImportRejectionPage
		if cursor == "" {
			cursor = strconv.FormatInt(after, 10)
		}
		query := url.Values{"after": {cursor}, "limit": {strconv.Itoa(MaxPage)}}
		err := c.call(ctx, adminCall{method: http.MethodGet, path: importPath(sdkAppID, key) + "/rejected", query: query, resp: &resp})
		next := ""
		if resp.NextAfter != 0 {
			next = strconv.FormatInt(resp.NextAfter, 10)
		}
		return page[ImportRejection]{resp.Rejected, next}, err
	})
}

// PauseImport stops an import until it is resumed. A stream then takes no more rows, and
// its connection stays open. PauseImport needs the scope write.
func (c *AdminClient) PauseImport(ctx context.Context, sdkAppID uint32, key string) (*Import, error) {
	return c.importCall(ctx, http.MethodPost, importPath(sdkAppID, key)+"/pause", nil)
}

// ResumeImport lets a paused import go on. It needs the scope write.
func (c *AdminClient) ResumeImport(ctx context.Context, sdkAppID uint32, key string) (*Import, error) {
	return c.importCall(ctx, http.MethodPost, importPath(sdkAppID, key)+"/resume", nil)
}

// CancelImport ends an import. What is imported stays. It needs the scope write.
func (c *AdminClient) CancelImport(ctx context.Context, sdkAppID uint32, key string) (*Import, error) {
	return c.importCall(ctx, http.MethodPost, importPath(sdkAppID, key)+"/cancel", nil)
}

// SetImportRate limits an import to a number of rows per second. 0 is no limit. It needs
// the scope write.
func (c *AdminClient) SetImportRate(ctx context.Context, sdkAppID uint32, key string, rate int64) (*Import, error) {
	return c.importCall(ctx, http.MethodPatch, importPath(sdkAppID, key), adminapi.ImportPatch{Rate: &rate})
}

func (c *AdminClient) importCall(ctx context.Context, method, path string, body any) (*Import, error) {
	resp := new(Import)
	return result(resp, c.call(ctx, adminCall{method: method, path: path, body: body, resp: resp}))
}

func importsPath(sdkAppID uint32) string { return fmt.Sprintf("%s/imports", appPath(sdkAppID)) }

func importPath(sdkAppID uint32, key string) string {
	return importsPath(sdkAppID) + "/" + url.PathEscape(key)
}
