package loadgen

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// streamForm is a line of the body of a [StreamIn].
const streamForm = `{"userid":"` + idPlace + `","nick":"` + nickPlace + `","face_url":"` + FaceURLPrefix + facePlace + `"}` + "\n"

// A Stream is one long call of the admin API that moves all its accounts.
type Stream struct {
	URL      string
	TLS      *tls.Config // nil trusts the certificates of the system
	Token    string      // of the admin API
	SDKAppID uint32

	// StreamIn: Rows is how many accounts are sent. Key names the import. Salt and Version
	// are as in [Options].
	Rows          int64
	Key           string
	Salt, Version uint64
}

// StreamIn imports new accounts with one call, and returns when the server has responded
// that all of them are durable. In the result, a call stands for 100 accounts.
func StreamIn(ctx context.Context, s Stream) (*Result, error) {
	body := newStreamBody(s)
	path := fmt.Sprintf("/admin/v1/apps/%d/accounts:import?from=1", s.SDKAppID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = s.Rows * int64(len(streamForm))
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", s.Key)
	return s.do(req, func(resp *http.Response) (rows, received int64, err error) {
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
		if err != nil {
			return 0, 0, err
		}
		var done struct {
			Row     int64 `json:"row"`
			Created int64 `json:"created"`
			Failed  int64 `json:"failed"`
		}
		if err := json.Unmarshal(b, &done); err != nil || done.Row != s.Rows || done.Created != s.Rows || done.Failed != 0 {
			return 0, 0, fmt.Errorf("not all of %d rows are imported: %s", s.Rows, sample(b))
		}
		return s.Rows, int64(len(b)), nil
	})
}

// StreamOut exports all accounts with one call. In the result, a call stands for 100
// accounts.
func StreamOut(ctx context.Context, s Stream) (*Result, error) {
	path := fmt.Sprintf("/admin/v1/apps/%d/accounts:export", s.SDKAppID)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	return s.do(req, func(resp *http.Response) (rows, received int64, err error) {
		buf := make([]byte, streamBuffer)
		for err == nil {
			var n int
			n, err = resp.Body.Read(buf)
			rows += int64(bytes.Count(buf[:n], []byte("\n")))
			received += int64(n)
		}
		if err != io.EOF {
			return 0, 0, err
		}
		if told := resp.Trailer.Get("Rollcall-Rows"); told != strconv.FormatInt(rows, 10) {
			return 0, 0, fmt.Errorf("%d rows came, and the server sent %q", rows, told)
		}
		return rows, received, nil
	})
}

const streamBuffer = 256 << 10

// do sends req and measures the time until read has read its response.
func (s Stream) do(req *http.Request, read func(*http.Response) (rows, received int64, err error)) (*Result, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.TLS, ReadBufferSize: streamBuffer, WriteBufferSize: streamBuffer}}
	defer client.CloseIdleConnections()
	req.Header.Set("Authorization", "Bearer "+s.Token)
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
		return nil, errors.Join(fmt.Errorf("status %d, response %s", resp.StatusCode, sample(b)), err)
	}
	rows, received, err := read(resp)
	if err != nil {
		return nil, err
	}
	return &Result{
		Calls: rows / 100, Accounts: rows, Elapsed: time.Since(start), Latency: new(Histogram),
		Sent: max(req.ContentLength, 0), Received: received,
	}, nil
}

// streamLines is the number of lines that a streamBody writes at once.
const streamLines = 1024

// A streamBody is the body of a [StreamIn]. It changes only ids and values in lines that it
// has written once.
type streamBody struct {
	lines           *request
	family, edition uint64
	next, end       int64  // rows
	rest            []byte // of lines
}

func newStreamBody(s Stream) *streamBody {
	return &streamBody{
		lines: &request{
			items: []byte(strings.Repeat(streamForm, streamLines)), stride: len(streamForm),
			id: strings.Index(streamForm, idPlace), nick: strings.Index(streamForm, nickPlace), face: strings.Index(streamForm, facePlace),
		},
		family: mix(s.Salt), edition: mix(^s.Version), end: s.Rows,
	}
}

// Read implements [io.Reader].
func (b *streamBody) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(b.rest) == 0 {
			if b.next == b.end {
				break
			}
			b.fill()
		}
		m := copy(p[n:], b.rest)
		b.rest = b.rest[m:]
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fill writes the next lines.
func (b *streamBody) fill() {
	n := int(min(streamLines, b.end-b.next))
	for i := range n {
		b.lines.set(i, identity(b.family, b.next))
		b.lines.setValues(i, value(b.edition, b.next))
		b.next++
	}
	b.rest = b.lines.items[:n*b.lines.stride]
}
