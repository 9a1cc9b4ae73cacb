package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// clusterSettings are the settings of the servers of a [Cluster]. Commits wait for the
// disk, as in production.
var clusterSettings = []string{
	"shared_buffers=32MB", "max_connections=200", "wal_keep_size=1GB", "max_wal_size=2GB",
	"wal_retrieve_retry_interval=100ms", "wal_receiver_timeout=5s", "wal_sender_timeout=5s",
}

// A Cluster is a primary with synchronous standbys: a commit waits until one of them has
// it on its disk. Its servers are called nodes and numbered from 0. Nothing fails over by
// itself. The methods must not be called at the same time.
type Cluster struct {
	tb      testing.TB
	nodes   []*server
	primary int
}

// StartCluster starts a primary and a number of standbys, which stop when tb ends. Without
// standbys commits are not synchronous. The primary is node 0.
func StartCluster(tb testing.TB, standbys int) *Cluster {
	tb.Helper()
	c := &Cluster{tb: tb}
	if err := c.start(standbys); err != nil {
		failStart(tb, "the cluster", err)
	}
	return c
}

func (c *Cluster) start(standbys int) error {
	for range standbys + 1 {
		node, err := newServer("node", clusterSettings...)
		if err != nil {
			return err
		}
		c.nodes = append(c.nodes, node)
	}
	c.tb.Cleanup(c.Stop)
	if standbys > 0 {
		for _, node := range c.nodes {
			node.settings = append(slices.Clone(clusterSettings), "synchronous_standby_names="+c.standbyNames())
		}
	}
	first := c.nodes[0]
	if err := errors.Join(first.init(), first.start()); err != nil {
		return err
	}
	for i := 1; i <= standbys; i++ {
		if err := c.join(i); err != nil {
			return err
		}
	}
	var nodes []string
	for i := range c.nodes {
		nodes = append(nodes, c.Node(i))
	}
	return createEverywhere(first.process, first.url("postgres"), nodes)
}

// createEverywhere creates the database of a cluster and waits until all nodes have it. A
// client gives up at the first node that does not.
func createEverywhere(p *process, primary string, nodes []string) error {
	if err := execute(context.Background(), primary, "CREATE DATABASE "+clusterDatabase+" TEMPLATE template0"); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := await(p, func(ctx context.Context) error { return execute(ctx, node, "SELECT 1") }); err != nil {
			return err
		}
	}
	return nil
}

// clusterDatabase is the database of a cluster.
const clusterDatabase = "rollcall"

// Primary returns the URL of the primary alone. Its database is empty at first.
func (c *Cluster) Primary() string { return c.Node(c.primary) }

// Leader returns the number of the primary.
func (c *Cluster) Leader() int { return c.primary }

// Node returns the URL of a node alone.
func (c *Cluster) Node(i int) string { return c.nodes[i].url(clusterDatabase) }

// MultiURL returns the URL of all nodes. A client connects to the one that accepts writes.
func (c *Cluster) MultiURL() string {
	var hosts []string
	for _, node := range c.nodes {
		hosts = append(hosts, address(node.port))
	}
	return multiURL(hosts)
}

// multiURL returns the URL of the database of a cluster on any of several addresses.
func multiURL(hosts []string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&target_session_attrs=read-write", superuser, strings.Join(hosts, ","), clusterDatabase)
}

// Kill ends all processes of a node with SIGKILL.
func (c *Cluster) Kill(i int) {
	c.tb.Helper()
	c.check("kill", i, c.nodes[i].kill())
}

// Promote makes a standby the primary. The old primary must have been killed. The other
// standbys follow the new one, which commits nothing before one of them does.
func (c *Cluster) Promote(i int) {
	c.tb.Helper()
	if !c.nodes[c.primary].ended() {
		c.tb.Fatalf("node %d is still the primary; kill it before node %d is promoted", c.primary, i)
	}
	c.check("promote", i, promote(c.nodes[i].url("postgres")))
	c.primary = i
}

// promote makes a standby a primary and waits for the end of its recovery.
func promote(url string) error {
	ok, err := ask[bool](context.Background(), url, "SELECT pg_promote(true, 60)")
	if err == nil && !ok {
		err = errors.New("its recovery does not end")
	}
	return err
}

// ask returns the only value of a query.
func ask[T any](ctx context.Context, url, query string, args ...any) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var value T
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return value, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, query, args...).Scan(&value)
	return value, err
}

// Furthest returns the number of the running standby that has received most: the one that
// has all acknowledged commits.
func (c *Cluster) Furthest() int {
	c.tb.Helper()
	best, most := -1, int64(-1)
	for i, node := range c.nodes {
		if i == c.primary || node.ended() {
			continue
		}
		received, err := ask[int64](context.Background(), c.nodes[i].url("postgres"), "SELECT (greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::bigint")
		c.check("ask", i, err)
		if received > most {
			best, most = i, received
		}
	}
	if best < 0 {
		c.tb.Fatal("no standby runs")
	}
	return best
}

// Rejoin makes a killed node a new standby of the primary, with a copy of its data, and
// waits until it is synchronous.
func (c *Cluster) Rejoin(i int) {
	c.tb.Helper()
	c.check("rejoin", i, c.join(i))
}

// Restart starts a killed node again with its data, in the role that it had. A primary that
// was replaced has to [Cluster.Rejoin] instead.
func (c *Cluster) Restart(i int) {
	c.tb.Helper()
	if c.replaced(i) {
		c.tb.Fatalf("node %d was replaced as the primary; use Rejoin", i)
	}
	c.check("restart", i, c.nodes[i].start())
}

// replaced reports whether a node has the data of a primary but is none.
func (c *Cluster) replaced(i int) bool {
	_, err := os.Stat(filepath.Join(c.nodes[i].data(), "standby.signal"))
	return err != nil && i != c.primary
}

// Stop stops all nodes. If the test has failed, it logs what they say.
func (c *Cluster) Stop() {
	for i, node := range c.nodes {
		if node.process == nil {
			continue
		}
		if err := node.stop(); err != nil {
			c.tb.Errorf("stop node %d: %v", i, err)
		}
		if c.tb.Failed() {
			c.tb.Log(node.failed("(node " + strconv.Itoa(i) + ") was used"))
		}
	}
}

func (c *Cluster) check(what string, i int, err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatalf("%s node %d: %v", what, i, err)
	}
}

// join copies the data of the primary to a node, starts it, and waits until it streams.
func (c *Cluster) join(i int) error {
	node := c.nodes[i]
	if err := os.RemoveAll(node.data()); err != nil {
		return err
	}
	if err := run(node.dir, node.program("pg_basebackup"), "-D", node.data(), "-d", c.nodes[c.primary].url("postgres"),
		"-X", "stream", "-c", "fast", "--no-sync", "-R"); err != nil {
		return err
	}
	// The last setting of a file counts.
	if err := appendTo(filepath.Join(node.data(), "postgresql.auto.conf"), "primary_conninfo = '"+c.conninfo(i)+"'\n"); err != nil {
		return err
	}
	if err := node.start(); err != nil {
		return err
	}
	return await(node.process, func(ctx context.Context) error { return c.streams(ctx, i) })
}

// conninfo returns where a standby finds its primary: the node that accepts writes.
func (c *Cluster) conninfo(i int) string {
	var hosts, ports []string
	for _, node := range c.nodes {
		hosts = append(hosts, "127.0.0.1")
		ports = append(ports, strconv.Itoa(node.port))
	}
	return fmt.Sprintf("host=%s port=%s user=%s sslmode=disable target_session_attrs=read-write application_name=%s",
		strings.Join(hosts, ","), strings.Join(ports, ","), superuser, nodeName(i))
}

// nodeName returns the name of a node as a synchronous standby.
func nodeName(i int) string { return "node" + strconv.Itoa(i) }

func (c *Cluster) standbyNames() string {
	var names []string
	for i := range c.nodes {
		names = append(names, nodeName(i))
	}
	return "ANY 1 (" + strings.Join(names, ", ") + ")"
}

// streams returns nil if a commit can wait for a standby.
func (c *Cluster) streams(ctx context.Context, i int) error {
	const query = "SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming' AND sync_state = 'quorum'"
	ok, err := ask[bool](ctx, c.nodes[c.primary].url("postgres"), query, nodeName(i))
	if err == nil && !ok {
		err = errors.New("the standby does not follow the primary")
	}
	return err
}
