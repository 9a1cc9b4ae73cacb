package loadgen

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadResponse(t *testing.T) {
	long := strings.Repeat("0123456789", 10_000)
	for name, tt := range map[string]struct {
		raw, body string
		bad       bool
	}{
		"with a length":       {"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		"lower case":          {"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello", "hello", false},
		"empty":               {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", false},
		"chunked":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n, all world\r\n0\r\n\r\n", "hello, all world", false},
		"an end in a chunk":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na\r\n0\r\n\r\nb\r\n0\r\n\r\n", "a\r\n0\r\n\r\nb", false},
		"larger than room":    {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + long, long, false},
		"no length":           {"HTTP/1.1 200 OK\r\n\r\nhello", "", true},
		"another protocol":    {"SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", "", true},
		"broken off":          {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "", true},
		"broken off in chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "", true},
		"a wrong chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n\r\n", "", true},
		"nothing":             {"", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.raw), iotest.OneByteReader(strings.NewReader(tt.raw)), iotest.DataErrReader(strings.NewReader(tt.raw))} {
				a, err := (&responseReader{r, make([]byte, 64)}).read()
				if (err != nil) != tt.bad || err == nil && (string(a.body) != tt.body || a.status != 200 || a.size != len(tt.raw)) {
					t.Errorf("status %d, body %q, size %d, error %v", a.status, a.body, a.size, err)
				}
			}
		})
	}
}

func TestResponseBound(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), zeros{})
	if _, err := (&responseReader{endless, make([]byte, 1<<10)}).read(); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("error %v", err)
	}
}

// zeros is an endless reader of zero bytes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
