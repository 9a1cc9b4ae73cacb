package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"

	"rollcall/internal/adminapi"
	"rollcall/internal/wire"
)

// An ExportRow is one line of an export: an account, or a deleted id, which has a DeletedAt.
// Its Profile contains the tags that are set, as JSON strings and numbers, without Nick and
// FaceURL. InternalID and the times of an account are set only with details.
type ExportRow = adminapi.ExportRow

// An ExportQuery selects what an export contains.
type ExportQuery struct {
	Prefix  string // only ids that start with it; "" for all ids
	Deleted bool   // the deleted ids, too
	Details bool   // internal ids and times, too
}

// exportStall is how long an export waits for the next bytes.
const exportStall = 2 * time.Minute

// Export begins an export of an app: all its accounts as they are at one moment, in the
// byte order of their ids. The caller must close the reader. ctx ends the export. An export
// has no limit of time as long as it moves. On the way it is compressed, unless the server
// is on this machine. Export needs the scope read. If the store cannot export, the error is
// [SlugUnsupported].
func (c *AdminClient) Export(ctx context.Context, sdkAppID uint32, q ExportQuery) (*ExportReader, error) {
	r := &request{op: "GET /admin/v1" + appPath(sdkAppID) + "/accounts:export", method: http.MethodGet}
	r.path = "/admin/v1" + appPath(sdkAppID) + "/accounts:export"
	r.query = url.Values{}
	if q.Prefix != "" {
		r.query.Set("prefix", q.Prefix)
	}
	for name, set := range map[string]bool{"deleted": q.Deleted, "details": q.Details} {
		if set {
			r.query.Set(name, "true")
		}
	}
	encoding := "zstd"
	if isLoopback(c.transport.base.Hostname()) {
		encoding = "identity"
	}
	r.header = http.Header{"Authorization": {c.bearer()}, "Accept-Encoding": {encoding}}
	x := &ExportReader{op: r.op}
	ctx, x.cancel = context.WithCancelCause(ctx)
	attempt := func(call context.Context) error {
		stop := context.AfterFunc(call, func() { x.cancel(context.Cause(call)) })
		err := x.open(ctx, c.transport, r)
		if !stop() && err == nil {
			err = &TransportError{Op: r.op, Err: context.Cause(call)}
		}
		return err
	}
	if err := c.retrier.run(ctx, r.op, attempt, func(err error) wire.Retry { return adminKind(err) }); err != nil {
		x.cancel(err)
		return nil, err
	}
	return x, nil
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// An ExportReader reads an export as NDJSON: an [ExportRow] in each line.
type ExportReader struct {
	op       string
	cancel   context.CancelCauseFunc
	resp     *http.Response
	body     io.Reader     // decompressed
	unpacker *zstd.Decoder // nil without compression
	rows     int64
	err      error // of the last Read
}

// open sends the request and reads the header of the response.
func (x *ExportReader) open(ctx context.Context, t *transport, r *request) error {
	req, err := t.newRequest(ctx, r)
	if err != nil {
		return &TransportError{Op: r.op, Err: withoutURL(err)}
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return &TransportError{Op: r.op, Err: withoutURL(err)}
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
		if err != nil {
			return &TransportError{Op: r.op, Status: resp.StatusCode, Err: err}
		}
		return problem(r.op, &response{resp.StatusCode, resp.Header, body})
	}
	x.resp, x.body = resp, resp.Body
	if resp.Header.Get("Content-Encoding") != "zstd" {
		return nil
	}
	const window = 16 << 20 // the server uses 4 MiB
	x.unpacker, err = zstd.NewReader(resp.Body, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return errors.Join(&TransportError{Op: r.op, Err: err}, resp.Body.Close())
	}
	x.body = x.unpacker
	return nil
}

// Read implements [io.Reader]. It returns [io.EOF] only after the whole export. If the
// export was cut off, or if the server sends nothing for two minutes, the error is a
// [*TransportError] that says after how many rows.
func (x *ExportReader) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	stalled := time.AfterFunc(exportStall, func() {
		x.cancel(fmt.Errorf("the server has sent nothing for %v", exportStall))
	})
	n, err := x.body.Read(p)
	stalled.Stop()
	x.rows += int64(bytes.Count(p[:n], []byte{'\n'}))
	if err == io.EOF {
		err = x.whole()
	} else if err != nil {
		err = x.cutOff(err)
	}
	x.err = err
	return n, err
}

// whole returns io.EOF if the export has as many rows as the server says.
func (x *ExportReader) whole() error {
	if x.unpacker != nil {
		if _, err := io.Copy(io.Discard, x.resp.Body); err != nil { // the trailer comes after the end
			return x.cutOff(err)
		}
	}
	sent, err := strconv.ParseInt(x.resp.Trailer.Get(adminapi.RowsTrailer), 10, 64)
	switch {
	case err != nil:
		return x.cutOff(errors.New("the end is missing"))
	case sent != x.rows:
		return x.cutOff(fmt.Errorf("the server has sent %d rows", sent))
	}
	return io.EOF
}

func (x *ExportReader) cutOff(err error) error {
	if cause := context.Cause(x.resp.Request.Context()); cause != nil {
		err = cause
	}
	return &TransportError{Op: x.op, Status: x.resp.StatusCode, Err: fmt.Errorf("cut off after %d rows: %w", x.rows, err)}
}

// Rows returns the number of rows that were read.
func (x *ExportReader) Rows() int64 { return x.rows }

// Close ends the export.
func (x *ExportReader) Close() error {
	x.cancel(context.Canceled)
	if x.unpacker != nil {
		x.unpacker.Close()
	}
	return x.resp.Body.Close()
}
