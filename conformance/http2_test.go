package conformance

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"rollcall/internal/account"
	"rollcall/internal/config"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/anystore"
)

// Frames of HTTP/2 (RFC 9113, section 6).
const (
	dataFrame         = 0x0
	headersFrame      = 0x1
	settingsFrame     = 0x4
	continuationFrame = 0x9

	endStream  = 0x1
	endHeaders = 0x4
)

// serveWhole runs a complete server over TLS until the test ends, and returns its
// address.
func serveWhole(t *testing.T) string {
	t.Helper()
	cert, key := testutil.Certificate(t)
	_, addr := runServer(t, anystore.Mem, config.Config{TLSCert: writeFile(t, "cert.pem", cert), TLSKey: writeFile(t, "key.pem", key)}, account.App{ID: defaultApp})
	return addr
}

// An http2Client sends frames that no client library would send.
type http2Client struct {
	t *testing.T
	net.Conn
}

func dialHTTP2(t *testing.T, addr string) *http2Client {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &http2Client{t, conn}
	c.write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	c.frame(settingsFrame, 0, 0, nil)
	return c
}

func (c *http2Client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *http2Client) frame(kind, flags, stream byte, payload []byte) {
	c.t.Helper()
	n := len(payload)
	c.write(append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, stream}, payload...))
}

// post sends a request without a body on a stream, with the header in pieces of 1 KiB. It
// returns the body of the response.
func (c *http2Client) post(stream byte, path string, fields ...string) string {
	c.t.Helper()
	block := []byte{0x83, 0x87}                // :method POST, :scheme https
	block = literal(append(block, 0x01), "x")  // :authority
	block = literal(append(block, 0x04), path) // :path
	for i := 0; i < len(fields); i += 2 {      // name, value
		block = literal(literal(append(block, 0x00), fields[i]), fields[i+1])
	}
	const piece = 1 << 10
	kind, flags := byte(headersFrame), byte(endStream)
	for len(block) > piece {
		c.frame(kind, flags, stream, block[:piece])
		block, kind, flags = block[piece:], continuationFrame, 0
	}
	c.frame(kind, flags|endHeaders, stream, block)
	return c.response(stream)
}

// literal appends s as a string of HPACK (RFC 7541, section 5.2).
func literal(b []byte, s string) []byte {
	n := len(s)
	if n < 0x7f {
		return append(append(b, byte(n)), s...)
	}
	b = append(b, 0x7f)
	for n -= 0x7f; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), s...)
}

// response reads the body of the response on a stream.
func (c *http2Client) response(stream byte) string {
	c.t.Helper()
	var body strings.Builder
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			c.t.Fatal(err)
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			c.t.Fatal(err)
		}
		kind, flags := head[3], head[4]
		if head[8] != stream {
			continue
		}
		if kind == dataFrame {
			body.Write(payload)
		}
		if (kind == dataFrame || kind == headersFrame) && flags&endStream != 0 {
			return body.String()
		}
	}
}
