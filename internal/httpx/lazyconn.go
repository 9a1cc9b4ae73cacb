package httpx

import (
	"net"
	"sync"
	"time"
)

// writeSlack is how much earlier than its deadline a write may time out.
const writeSlack = time.Second

// A lazyConn sets a deadline of the connection only when a read or write begins
// or is in progress. Net/http sets eight deadlines per request. Each moves a
// timer of the runtime, although most are replaced before anything waits.
type lazyConn struct {
	net.Conn

	mu          sync.Mutex
	read, write side
}

// A side is one direction of a connection.
type side struct {
	set    func(time.Time) error
	wanted time.Time
	isSet  time.Time
	busy   int // reads or writes in progress
}

func newLazyConn(c net.Conn) *lazyConn {
	return &lazyConn{Conn: c, read: side{set: c.SetReadDeadline}, write: side{set: c.SetWriteDeadline}}
}

// Read implements [net.Conn].
func (c *lazyConn) Read(p []byte) (int, error) {
	if err := c.begin(&c.read, 0); err != nil {
		return 0, err
	}
	defer c.end(&c.read)
	return c.Conn.Read(p)
}

// Write implements [net.Conn].
func (c *lazyConn) Write(p []byte) (int, error) {
	if err := c.begin(&c.write, writeSlack); err != nil {
		return 0, err
	}
	defer c.end(&c.write)
	return c.Conn.Write(p)
}

// CloseWrite shuts down the writing side.
func (c *lazyConn) CloseWrite() error { return closeWrite(c.Conn) }

// SetReadDeadline implements [net.Conn].
func (c *lazyConn) SetReadDeadline(t time.Time) error { return c.want(&c.read, t) }

// SetWriteDeadline implements [net.Conn]. A write may time out up to a second
// earlier.
func (c *lazyConn) SetWriteDeadline(t time.Time) error { return c.want(&c.write, t) }

// SetDeadline implements [net.Conn].
func (c *lazyConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *lazyConn) want(s *side, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.wanted = t
	if s.busy == 0 {
		return nil
	}
	return s.arm()
}

// begin begins a read or a write. The deadline of the connection may be earlier
// than the wanted one by at most slack.
func (c *lazyConn) begin(s *side, slack time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.fits(slack) {
		if err := s.arm(); err != nil {
			return err
		}
	}
	s.busy++
	return nil
}

func (c *lazyConn) end(s *side) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.busy--
}

func (s *side) fits(slack time.Duration) bool {
	if s.wanted.IsZero() || s.isSet.IsZero() {
		return s.wanted.IsZero() && s.isSet.IsZero()
	}
	early := s.wanted.Sub(s.isSet)
	return 0 <= early && early <= slack
}

// arm sets the deadline of the connection to the wanted one.
func (s *side) arm() error {
	if err := s.set(s.wanted); err != nil {
		return err
	}
	s.isSet = s.wanted
	return nil
}
