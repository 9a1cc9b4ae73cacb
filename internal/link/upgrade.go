package link

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"time"
)

// bufferSize is the size of both buffers of a link. Frames are short, and few.
const bufferSize = 512

// An upgrade is the ResponseWriter of a request for a link. It writes the header of the
// response itself once the connection was taken over: the way through net/http is long, and
// its buffers are large.
type upgrade struct {
	http.ResponseWriter
	switches bool     // the header is that of a link
	conn     net.Conn // that was taken over
	err      error    // why it was not taken over; nobody has responded then
}

// WriteHeader implements [http.ResponseWriter]. Hijack writes the header of a link.
func (u *upgrade) WriteHeader(status int) {
	u.switches = u.switches || status == http.StatusSwitchingProtocols
	if !u.switches {
		u.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter]. It drops what Accept writes after an error of Hijack.
func (u *upgrade) Write(p []byte) (int, error) {
	if u.switches {
		return len(p), nil
	}
	return u.ResponseWriter.Write(p)
}

// Hijack implements [http.Hijacker].
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		for _, name := range []string{"Upgrade", "Connection", "Sec-Websocket-Accept"} {
			u.Header().Del(name)
		}
		u.err = err
		return nil, nil, err
	}
	u.conn = conn
	if err := u.respond(); err != nil { // the device has gone, whatever it has sent before
		_ = conn.Close()
		return nil, nil, err
	}
	var in io.Reader = conn
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // frames that came with the request
	if len(early) > 0 {
		in = io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	}
	r := bufio.NewReaderSize(in, max(bufferSize, len(early)))
	_, _ = r.Peek(len(early)) // Accept expects them in the buffer
	return conn, bufio.NewReadWriter(r, bufio.NewWriterSize(conn, bufferSize)), nil
}

// respond writes the header of the response. A client has some time to read it.
func (u *upgrade) respond() error {
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = u.Header().Write(&b) // a buffer takes everything
	b.WriteString("\r\n")
	if err := u.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	if _, err := u.conn.Write(b.Bytes()); err != nil {
		return err
	}
	return u.conn.SetWriteDeadline(time.Time{})
}
