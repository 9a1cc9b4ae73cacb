package loadgen

import (
	"bytes"
	"fmt"
	"net/url"
)

// A listScript pages through the accounts of the admin API. The accounts are
// divided by the first two digits of their ids. At the end of a part each
// connection continues with the next one.
type listScript struct {
	path, head string
	buf        []byte
	part       uint8
	cursor     string
}

const digits = "0123456789abcdef"

var (
	nextCursor = []byte(`"next_cursor":"`)
	userID     = []byte(`"userid":`)
)

// newListScript returns the script of connection number worker.
func newListScript(o *Options, host string, worker int) *listScript {
	return &listScript{
		path: fmt.Sprintf("GET /admin/v1/apps/%d/accounts?limit=100&prefix=", o.Credentials.SDKAppID),
		head: fmt.Sprintf(" HTTP/1.1\r\nHost: %s\r\nUser-Agent: rollcall-bench\r\nAuthorization: Bearer %s\r\n\r\n", host, o.AdminToken),
		part: uint8(worker * 37),
	}
}

func (s *listScript) request(int64) []byte {
	b := append(s.buf[:0], s.path...)
	b = append(b, digits[s.part>>4], digits[s.part&15])
	b = append(b, "&cursor="...)
	b = append(b, s.cursor...)
	s.buf = append(b, s.head...)
	return s.buf
}

func (s *listScript) check(_ int64, status int, body []byte) (int64, error) {
	_, cursor, ok := bytes.Cut(body, nextCursor)
	if status != 200 || !ok {
		return 0, fmt.Errorf("status %d, response %s", status, sample(body))
	}
	cursor, _, _ = bytes.Cut(cursor, []byte(`"`))
	s.cursor = url.QueryEscape(string(cursor))
	if s.cursor == "" {
		s.part++
	}
	return int64(bytes.Count(body, userID)), nil
}
