package pgtest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"testing"
)

// Redis returns the URL of a new Redis server without keys. It stores nothing on the disk
// and stops when tb ends.
func Redis(tb testing.TB) string {
	tb.Helper()
	p, free, err := startRedis()
	if err != nil {
		failStart(tb, "redis-server", err)
	}
	stopAtEnd(tb, p)
	return "redis://" + address(free)
}

// startRedis starts a Redis server and returns its port.
func startRedis() (*process, int, error) {
	program, err := find("redis-server")
	if err != nil {
		return nil, 0, err
	}
	dir, err := servers.folder("redis")
	if err != nil {
		return nil, 0, err
	}
	free, err := port()
	if err != nil {
		return nil, 0, err
	}
	p, err := launch(dir, syscall.SIGTERM, program, "--bind", "127.0.0.1", "--port", strconv.Itoa(free),
		"--dir", dir, "--save", "", "--appendonly", "no")
	if err != nil {
		return nil, 0, err
	}
	return p, free, await(p, func(ctx context.Context) error { return ping(ctx, free) })
}

// ping asks a Redis server whether it responds.
func ping(ctx context.Context, port int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address(port))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && answer != "+PONG\r\n" {
		err = fmt.Errorf("redis-server answers %q", answer)
	}
	return err
}
