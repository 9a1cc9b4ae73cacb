package pgtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Proxy passes the connections of clients on to a PostgreSQL server, and disturbs them on
// demand. It speaks no TLS. Its methods are safe for concurrent use.
type Proxy struct {
	tb     testing.TB
	target string
	port   int

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	pairs    map[*pair]bool
	flow     chan struct{} // closed unless the proxy hangs
	plan     Cut
	cuts     int
	served   sync.WaitGroup
}

// A Cut says when a proxy ends a connection on both sides. It happens once.
type Cut struct {
	// BeforeCommit ends the connection whose client sends "commit", before the server
	// receives that.
	BeforeCommit bool

	// AfterCommit ends the connection whose client sends "commit" when the server has
	// responded, before the client receives that.
	AfterCommit bool

	// After ends a connection after this number of further bytes from its client, counted
	// over all connections. 0 is never.
	After int
}

// StartProxy starts a proxy for the server of a URL. It ends with tb.
func StartProxy(tb testing.TB, dsn string) *Proxy {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	free, err := port()
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{tb: tb, target: u.Host, port: free, pairs: map[*pair]bool{}, flow: make(chan struct{})}
	close(p.flow)
	p.Pass()
	tb.Cleanup(func() {
		p.Refuse()
		p.served.Wait()
	})
	return p
}

// URL returns a URL of the server of the proxy, through the proxy.
func (p *Proxy) URL(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		p.tb.Fatal(err)
	}
	u.Host = address(p.port)
	return u.String()
}

// Pass passes everything on. It ends Refuse and Hang.
func (p *Proxy) Pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resume()
	if p.listener != nil {
		return
	}
	l, err := net.Listen("tcp", address(p.port))
	if err != nil {
		p.tb.Errorf("start the proxy: %v", err)
		return
	}
	p.listener = l
	p.served.Go(func() { p.accept(l) })
}

// Refuse ends all connections, and refuses new ones.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close() // only the end of accept matters
		p.listener = nil
	}
	p.resume()
	for c := range p.pairs {
		c.cut()
	}
}

// Break ends all connections, and accepts new ones.
func (p *Proxy) Break() {
	p.Refuse()
	p.Pass()
}

// Hang passes nothing on, in both directions and for new connections too. What is sent
// meanwhile arrives after Pass.
func (p *Proxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flow:
		p.flow = make(chan struct{})
	default:
	}
}

// resume ends Hang. The caller has locked p.
func (p *Proxy) resume() {
	select {
	case <-p.flow:
	default:
		close(p.flow)
	}
}

// Plan plans a cut. It replaces a plan that has not happened yet.
func (p *Proxy) Plan(c Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = c
}

// Cuts returns the number of cuts that were planned and have happened.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.served.Go(func() { p.connect(client) })
	}
}

// connect connects a client to the server.
func (p *Proxy) connect(client net.Conn) {
	p.passing()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close() // the client sees the end of the server
		return
	}
	c := &pair{p: p, client: client, server: server, commits: map[string]bool{}}
	p.mu.Lock()
	p.pairs[c] = true
	if p.listener == nil {
		c.cut()
	}
	p.mu.Unlock()
	p.served.Go(func() { c.copy(c.forward) })
	c.copy(c.back)
}

// passing waits until the proxy does not hang.
func (p *Proxy) passing() {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	<-flow
}

// A pair is a connection of a client with the one to the server.
type pair struct {
	p              *Proxy
	client, server net.Conn
	commits        map[string]bool // prepared statements that commit

	mu      sync.Mutex
	waiting bool // for the response to a commit, and then for the cut
}

// cut ends both connections at once, without the data that is under way.
func (c *pair) cut() {
	for _, conn := range []net.Conn{c.client, c.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset is the aim, not a condition
		}
		_ = conn.Close() // it may have ended
	}
}

// copy runs one direction of the pair, and then ends both.
func (c *pair) copy(direction func() error) {
	_ = direction() // every error is an end
	c.p.passing()   // a server that hangs does not tell that it ends
	c.cut()
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	delete(c.p.pairs, c)
}

// errCut is the reason of a planned end.
var errCut = errors.New("cut by the proxy")

// forward passes the messages of the client on.
func (c *pair) forward() error {
	first := true
	for {
		m, err := readMessage(c.client, first)
		if err != nil {
			return err
		}
		first = false
		c.p.passing()
		n, err := c.allowed(m)
		if _, err := c.server.Write(m[:n]); err != nil {
			return err
		}
		if err != nil {
			return err
		}
	}
}

// allowed returns how much of a message the plan lets pass, and errCut if it then ends the
// connection.
func (c *pair) allowed(m []byte) (int, error) {
	commit := c.isCommit(m)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	plan := &c.p.plan
	switch {
	case commit && plan.BeforeCommit:
		c.p.done()
		return 0, errCut
	case commit && plan.AfterCommit:
		c.p.done()
		c.mu.Lock()
		c.waiting = true
		c.mu.Unlock()
	case plan.After > 0 && plan.After <= len(m):
		n := plan.After
		c.p.done()
		return n, errCut
	case plan.After > 0:
		plan.After -= len(m)
	}
	return len(m), nil
}

// done ends the plan, which happens now. The caller has locked p.
func (p *Proxy) done() {
	p.plan = Cut{}
	p.cuts++
}

// isCommit reports whether a message executes "commit". A prepared statement is executed by
// its name.
func (c *pair) isCommit(m []byte) bool {
	body := m[min(5, len(m)):]
	first, rest, _ := bytes.Cut(body, []byte{0})
	second, _, _ := bytes.Cut(rest, []byte{0})
	switch m[0] {
	case 'Q':
		return string(first) == "commit"
	case 'P': // the name and the text
		c.commits[string(first)] = string(second) == "commit"
	case 'B': // the portal and the name
		return c.commits[string(second)]
	}
	return false
}

// back passes the messages of the server on.
func (c *pair) back() error {
	for {
		m, err := readMessage(c.server, false)
		if err != nil {
			return err
		}
		c.p.passing()
		c.mu.Lock()
		waiting := c.waiting
		c.mu.Unlock()
		if waiting {
			if bytes.Equal(m[5:], []byte("COMMIT\x00")) || m[0] == 'E' {
				return errCut
			}
			continue
		}
		if _, err := c.client.Write(m); err != nil {
			return err
		}
	}
}

// readMessage reads a message of PostgreSQL's protocol. The first one of a client has no
// type.
func readMessage(r io.Reader, first bool) ([]byte, error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
	if size < 0 || size > 1<<28 {
		return nil, errors.New("not a message of PostgreSQL")
	}
	m := append(head, make([]byte, size)...)
	_, err := io.ReadFull(r, m[len(head):])
	return m, err
}
