package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"rollcall/bench/yard"
)

// A cluster is a PostgreSQL server of this program, on a socket in its own
// directory. Settings that are slow by default and safe to change are changed.
// Settings that make commits durable are not.
type cluster struct {
	dir string // directory of the data
	run string // directory of the socket and the log
	cmd *exec.Cmd
}

// errNoPostgres means that PostgreSQL is not installed.
var errNoPostgres = errors.New("PostgreSQL is not installed here")

// clusterSettings are the settings for a machine that does little else.
var clusterSettings = []string{
	"listen_addresses=", "fsync=on", "synchronous_commit=on", "full_page_writes=on",
	"shared_buffers=1GB", "max_wal_size=8GB", "wal_buffers=16MB", "max_connections=200",
	"logging_collector=off",
}

// startCluster creates a cluster below dir and starts it.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: filepath.Join(dir, "postgres")}
	if c.run, err = os.MkdirTemp("", "bench-postgres-"); err != nil { // short, because the path of a socket has a maximum length
		return nil, err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	if err := c.boot(ctx, bin); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// postgresBin returns the directory of PostgreSQL's programs.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(slices.Max(found)), nil
}

func (c *cluster) boot(ctx context.Context, bin string) error {
	attr, err := c.owner()
	if err != nil {
		return err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", c.dir, "-U", "bench", "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
	initdb.SysProcAttr, initdb.Dir = attr, c.run
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	args := []string{"-D", c.dir, "-k", c.run}
	for _, s := range clusterSettings {
		args = append(args, "-c", s)
	}
	log, err := os.Create(filepath.Join(c.run, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(filepath.Join(bin, "postgres"), args...)
	c.cmd.SysProcAttr, c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = attr, c.run, log, log
	if err := c.cmd.Start(); err != nil {
		return err
	}
	return c.await(ctx)
}

// owner gives the directories to the user that PostgreSQL runs as, because it
// refuses to run as root. It returns how to become that user.
func (c *cluster) owner() (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil, err
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	err = errors.Join(err1, err2, os.Chown(c.dir, int(uid), int(gid)), os.Chown(c.run, int(uid), int(gid)))
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, err
}

// await waits until the cluster accepts connections, and creates its databases.
func (c *cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	for {
		err := yard.CreateDatabases(ctx, c.dsn("postgres"), NaivePostgres, BestPostgres)
		if err == nil {
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			text, _ := os.ReadFile(filepath.Join(c.run, "log"))
			return fmt.Errorf("PostgreSQL does not respond: %w\n%s", err, text)
		}
	}
}

// dsn returns the connection string of a database.
func (c *cluster) dsn(database string) string {
	return "host=" + c.run + " user=bench dbname=" + database
}

// stop ends the cluster and removes its data.
func (c *cluster) stop() error {
	var err error
	if c.cmd != nil && c.cmd.Process != nil {
		err = c.cmd.Process.Signal(syscall.SIGINT) // fast shutdown: connections are cut
		_ = c.cmd.Wait()                           // only its end matters
	}
	return errors.Join(err, os.RemoveAll(c.dir), os.RemoveAll(c.run))
}
