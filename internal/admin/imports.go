package admin

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/bulk"
	"rollcall/internal/httpx"
	"rollcall/internal/records"
)

// maxRow is the largest row of an import.
const maxRow = 1 << 53

// A streamConn is the connection of a call whose body is long.
type streamConn struct{ w http.ResponseWriter }

// Begin implements [bulk.Conn].
func (c streamConn) Begin() error { return httpx.Stream(c.w) }

// Extend implements [bulk.Conn]. In HTTP/2 nothing can be written any more after the deadline
// of writes, so the one of reads comes first, and the response can say that.
func (c streamConn) Extend(d time.Duration) {
	now, control := time.Now(), http.NewResponseController(c.w)
	_ = control.SetReadDeadline(now.Add(d)) // an error means that there are no deadlines
	_ = control.SetWriteDeadline(now.Add(d + timeout))
}

// Interrupt implements [bulk.Conn].
func (c streamConn) Interrupt() {
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(-time.Second))
}

func (s *Server) importStream(ctx context.Context, c *call) (*adminapi.Import, error) {
	id, err := c.app()
	if err != nil {
		return nil, err
	}
	q := bulk.Stream{
		App: id, Key: c.r.Header.Get("Idempotency-Key"), Actor: c.actor(), From: 1,
		Body: c.r.Body, Conn: streamConn{c.w}, Ending: httpx.Ending(ctx),
	}
	if text, ok := c.query["from"]; ok {
		if q.From, err = strconv.ParseInt(text, 10, 64); err != nil || q.From < 1 || q.From > maxRow {
			return nil, bad(fmt.Sprintf("from is the row of the first line, a number from 1 to %d", int64(maxRow)))
		}
	}
	switch q.Encoding = c.r.Header.Get("Content-Encoding"); q.Encoding {
	case "gzip", "zstd", "":
	case "identity":
		q.Encoding = ""
	default:
		return nil, bad("the Content-Encoding of a stream is gzip, zstd or none")
	}
	return s.imports.Stream(ctx, q)
}

// importKey returns the app and the key in the path.
func (c *call) importKey() (id account.AppID, key string, err error) {
	if id, err = c.app(); err != nil {
		return 0, "", err
	}
	key = c.param("key")
	return id, key, bulk.CheckKey(key)
}

func (s *Server) readImport(ctx context.Context, c *call) (*adminapi.Import, error) {
	id, key, err := c.importKey()
	if err != nil {
		return nil, err
	}
	return s.imports.Import(ctx, id, key)
}

func (s *Server) listImports(ctx context.Context, c *call) (page adminapi.ImportPage, err error) {
	id, err := c.app()
	if err != nil {
		return page, err
	}
	limit, err := c.limit()
	if err != nil {
		return page, err
	}
	after, err := c.cursor()
	if err != nil {
		return page, err
	}
	if after != "" && bulk.CheckKey(after) != nil {
		return page, errCursor
	}
	var next string
	page.Imports, next, err = s.imports.Imports(ctx, id, after, limit)
	page.NextCursor = nextCursor(next)
	return page, err
}

func (s *Server) listRejected(ctx context.Context, c *call) (page adminapi.ImportRejectionPage, err error) {
	id, key, err := c.importKey()
	if err != nil {
		return page, err
	}
	limit, err := c.limit()
	if err != nil {
		return page, err
	}
	after := int64(0)
	if text, ok := c.query["after"]; ok {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			return page, bad("after is next_after of the page before, or the row after which to begin")
		}
	}
	if page.Rejected, err = s.imports.Rejected(ctx, id, key, after, limit); err != nil {
		return page, err
	}
	if len(page.Rejected) == limit {
		page.NextAfter = page.Rejected[limit-1].Row
	}
	return page, nil
}

// importAction returns an endpoint of a function that changes an import.
func importAction(fn func(*bulk.Service, context.Context, string, account.AppID, string) (*adminapi.Import, error)) Endpoint {
	return noBody(func(s *Server, ctx context.Context, c *call) (*adminapi.Import, error) {
		id, key, err := c.importKey()
		if err != nil {
			return nil, err
		}
		return fn(s.imports, ctx, c.actor(), id, key)
	})
}

func (s *Server) changeImport(ctx context.Context, c *call, req adminapi.ImportPatch) (*adminapi.Import, error) {
	id, key, err := c.importKey()
	switch {
	case err != nil:
		return nil, err
	case req.Rate == nil:
		return nil, bad("the body changes nothing; give a rate")
	case *req.Rate < 0 || *req.Rate > maxImportRate:
		return nil, bad(fmt.Sprintf("the rate is a number of rows per second from 1 to %d, or 0 for no limit", maxImportRate))
	}
	return s.imports.SetRate(ctx, c.actor(), id, key, *req.Rate)
}

// maxImportRate is the largest rate of an import. No server reaches it.
const maxImportRate = 1_000_000_000

func (s *Server) createImport(ctx context.Context, c *call, req adminapi.NewImport) (*adminapi.Import, error) {
	id, err := c.app()
	if err != nil {
		return nil, err
	}
	if !s.imports.Files() {
		return nil, &problemError{unsupported, "this server reads no files for imports; start it with --import-dir, or upload the file"}
	}
	return s.imports.Create(ctx, bulk.Job{App: id, Actor: c.actor(), Key: req.Key, ImportJob: jobOf(req)})
}

func jobOf(n adminapi.NewImport) records.ImportJob {
	return records.ImportJob{
		File: n.File, Format: n.Format, Encoding: n.Encoding, Delimiter: n.Delimiter, Sheet: n.Sheet, Map: n.Map, Ignore: n.Ignore,
	}
}

func (s *Server) uploadImport(ctx context.Context, c *call) (*adminapi.Import, error) {
	job, err := s.uploaded(c)
	if err != nil {
		return nil, err
	}
	job.Key = c.r.Header.Get("Idempotency-Key")
	return s.imports.Upload(ctx, job, c.r.Body, streamConn{c.w}, httpx.Ending(ctx))
}

// newImport returns what the query says about a file.
func (c *call) newImport() (adminapi.NewImport, error) {
	n := adminapi.NewImport{
		File: c.query["file"], Format: c.query["format"], Encoding: c.query["encoding"], Delimiter: c.query["delimiter"], Sheet: c.query["sheet"],
	}
	if text := c.query["ignore"]; text != "" {
		n.Ignore = strings.Split(text, ",")
	}
	if text := c.query["map"]; text != "" {
		n.Map = map[string]string{}
		for pair := range strings.SplitSeq(text, ",") {
			column, field, ok := strings.Cut(pair, "=")
			if !ok {
				return n, bad("map is a list of COLUMN=FIELD, as name=userid,label=nick")
			}
			n.Map[column] = field
		}
	}
	return n, nil
}
