package admin

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/httpx"
)

// Limits of exports.
const (
	maxExports  = 4               // under way
	exportStall = 5 * time.Minute // time without progress of the client after which an export ends
	exportChunk = 256 << 10       // bytes that are sent at once
)

// ExportAction is the action of an export in the audit trail.
const ExportAction = "account.export"

// exportAccounts sends all accounts of an app, one JSON object in each line. A response
// that breaks off lacks its end, so no client can take it for the whole.
func (s *Server) exportAccounts(ctx context.Context, c *call) (adminapi.ExportRow, error) {
	var none adminapi.ExportRow
	app, err := c.app()
	if err != nil {
		return none, err
	}
	q, details, err := c.exportQuery()
	if err != nil {
		return none, err
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		return none, &account.Error{Code: account.Unavailable, Detail: fmt.Sprintf("%d exports are under way; wait until one ends", maxExports)}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.dir.Export(ctx, app, q)
	switch {
	case err != nil:
		return none, err
	case rows == nil:
		return none, &problemError{unsupported, "this store cannot export; list its accounts page by page"}
	}
	if err := httpx.Stream(c.w); err != nil {
		return none, err
	}
	s.recordExport(ctx, c, app, q)
	x := &exportWriter{call: c, ending: httpx.Ending(c.r.Context()), details: details}
	if err := x.send(rows); err != nil {
		c.event.Add(slog.String("export_err", err.Error()))
		panic(http.ErrAbortHandler) // breaks the response off
	}
	return none, nil
}

// exportQuery returns what the query asks for.
func (c *call) exportQuery() (q account.ExportQuery, details bool, err error) {
	q.Prefix = account.UserID(c.query["prefix"])
	if len(q.Prefix) > account.MaxUserIDBytes {
		return q, false, errPrefix
	}
	if q.Gone, err = c.flag("deleted"); err != nil {
		return q, false, err
	}
	details, err = c.flag("details")
	return q, details, err
}

// flag returns a parameter of the query that is true or false. It is false if it is absent.
func (c *call) flag(name string) (bool, error) {
	switch c.query[name] {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, bad(name + " is true or false")
}

// recordExport records an export in the audit trail. If the entry cannot be written, for
// example because the disk is full, the export goes on and only the log records it.
func (s *Server) recordExport(ctx context.Context, c *call, app account.AppID, q account.ExportQuery) {
	var detail []string
	if q.Prefix != "" {
		detail = append(detail, "prefix "+account.Quote(q.Prefix))
	}
	if q.Gone {
		detail = append(detail, "with deleted ids")
	}
	if err := s.dir.Record(ctx, c.actor(), ExportAction, app, strings.Join(detail, ", ")); err != nil {
		c.event.Fail(fmt.Errorf("the export is not entered in the audit trail: %w", err))
	}
}

// An exportWriter sends the rows of an export.
type exportWriter struct {
	call    *call
	ending  <-chan struct{}
	details bool
	body    io.Writer // of the response, compressed if the client accepts that
	settle  func()    // waits for writes to the response that are under way
	rows    int64
}

// send sends all rows and, in a trailer, their number. Nothing writes to the response after
// its return: net/http would give the memory to another connection.
func (x *exportWriter) send(rows iter.Seq2[*account.Exported, error]) error {
	finish, err := x.begin()
	if err != nil {
		return err
	}
	defer x.settle()
	b := make([]byte, 0, exportChunk+rowRoom)
	for e, err := range rows {
		if err != nil {
			return err
		}
		b = appendRow(b, e, x.details)
		x.rows++
		if len(b) >= exportChunk {
			if err := x.write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	if err := x.write(b); err != nil {
		return err
	}
	if err := finish(); err != nil {
		return err
	}
	x.call.event.SetCounts(int(x.rows), 0)
	x.call.w.Header().Set(adminapi.RowsTrailer, strconv.FormatInt(x.rows, 10))
	return nil
}

// begin writes the header of the response. finish ends the compression.
func (x *exportWriter) begin() (finish func() error, err error) {
	h := x.call.w.Header()
	setHeaders(h)
	h.Set("Content-Type", adminapi.NDJSON)
	h.Set("Trailer", adminapi.RowsTrailer)
	h.Set("Vary", "Accept-Encoding")
	x.body, x.settle, finish = x.call.w, func() {}, func() error { return nil }
	switch encoding := preferred(x.call.r.Header.Values("Accept-Encoding")); encoding {
	case "zstd":
		h.Set("Content-Encoding", encoding)
		z, err := zstd.NewWriter(x.call.w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		x.body, x.settle, finish = z, func() { z.Reset(nil) }, z.Close
	case "gzip":
		h.Set("Content-Encoding", encoding)
		z, err := gzip.NewWriterLevel(x.call.w, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		x.body, finish = z, z.Close
	}
	x.call.w.WriteHeader(http.StatusOK)
	return finish, nil
}

var errServerEnds = fmt.Errorf("the server shuts down")

// write sends b, unless the server shuts down.
func (x *exportWriter) write(b []byte) error {
	select {
	case <-x.ending:
		return errServerEnds
	default:
	}
	if err := httpx.Extend(x.call.w, exportStall); err != nil {
		return err
	}
	_, err := x.body.Write(b)
	return err
}

// preferred returns the best encoding that the values of Accept-Encoding allow: zstd, gzip
// or "" for none.
func preferred(values []string) string {
	best := ""
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		weight = strings.ReplaceAll(weight, " ", "")
		if strings.HasPrefix(weight, "q=0") && strings.Trim(weight[2:], "0.") == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "zstd":
			return "zstd"
		case "gzip":
			best = "gzip"
		}
	}
	return best
}
