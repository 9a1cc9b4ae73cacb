package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// superuser is the role that owns a server.
const superuser = "rollcall"

// A server is one PostgreSQL server.
type server struct {
	*process
	bin      string // folder of PostgreSQL's programs
	dir      string // folder of the data
	port     int
	settings []string
}

// postgresBin returns the folder of PostgreSQL's programs.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", missingError("PostgreSQL")
	}
	version := func(program string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program)))) // 0 for a folder of another kind
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// newServer prepares a server without data.
func newServer(name string, settings ...string) (*server, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := servers.folder(name)
	if err != nil {
		return nil, err
	}
	p, err := port()
	return &server{bin: bin, dir: dir, port: p, settings: settings}, err
}

// startServer creates a server with an empty cluster of databases, and starts it.
func startServer(name string, settings ...string) (*server, error) {
	s, err := newServer(name, settings...)
	if err != nil {
		return nil, err
	}
	if err := s.init(); err != nil {
		return nil, err
	}
	return s, s.start()
}

// init creates the data of the server: roles without passwords, texts ordered by bytes.
func (s *server) init() error {
	return run(s.dir, s.program("initdb"), "-D", s.data(), "-U", superuser, "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
}

// kill ends the processes of the server, as a loss of power would.
func (s *server) kill() error {
	err := s.process.kill()
	freeMemory(s.data())
	return err
}

// freeMemory removes the shared memory of a server that was killed. Otherwise it would stay
// until the server starts again with the same data.
func freeMemory(data string) {
	const line = 7 // of the file that names the process: the key and the number of the memory
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if lines := strings.Split(string(text), "\n"); err == nil && len(lines) >= line {
		if fields := strings.Fields(lines[line-1]); len(fields) == 2 {
			_ = exec.Command("ipcrm", "-m", fields[1]).Run() // a page of memory is not worth an error
		}
	}
}

func (s *server) program(name string) string { return filepath.Join(s.bin, name) }

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// url returns the URL of a database of the server.
func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, address(s.port), database)
}

// start starts the server and waits until it accepts connections. It may be called again
// after the end of the server.
func (s *server) start() error {
	args := []string{"-D", s.data()}
	settings := append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.port), "unix_socket_directories=",
		"dynamic_shared_memory_type=mmap", "logging_collector=off",
	}, s.settings...)
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	// SIGQUIT is an immediate shutdown: it waits for no client.
	p, err := launch(s.dir, syscall.SIGQUIT, s.program("postgres"), args...)
	if err != nil {
		return err
	}
	s.process = p
	return await(p, func(ctx context.Context) error { return execute(ctx, s.url("postgres"), "SELECT 1") })
}

// execute runs statements on a connection of their own.
func execute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return executeOn(ctx, conn, statements...)
}

// executeOn runs statements on a connection.
func executeOn(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
