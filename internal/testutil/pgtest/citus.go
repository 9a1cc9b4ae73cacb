package pgtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// citusVariable contains the URL of a database on the coordinator of a Citus cluster, or
// nothing for plain PostgreSQL.
const citusVariable = "ROLLCALL_TEST_CITUS_URL"

// A citusNode is a server of a Citus cluster.
type citusNode struct {
	Host   string
	Port   int
	Group  int // 0 is the coordinator
	Shards bool
}

// startCitus connects to all nodes of a Citus cluster and creates the database that URL
// copies. A copy of a database of Citus works if all nodes copy it, and takes a tenth of
// the time of a new one.
func (d *databases) startCitus(dsn string) error {
	if err := d.addHost(dsn); err != nil {
		return fmt.Errorf("%s: %w", citusVariable, err)
	}
	nodes, err := d.citusNodes()
	if err != nil {
		return fmt.Errorf("%s: %w", citusVariable, err)
	}
	for _, node := range nodes[1:] {
		u := *d.hosts[0].url
		u.Host = fmt.Sprintf("%s:%d", node.Host, node.Port)
		if err := d.addHost(u.String()); err != nil {
			return err
		}
	}
	if err := d.dropStale(); err != nil {
		return err
	}
	d.empty = d.name()
	if err := d.copy(d.empty, "template0"); err != nil {
		return err
	}
	if err := d.addNodes(nodes); err != nil {
		return err
	}
	return d.close(d.empty)
}

// citusNodes returns the nodes of the cluster, the coordinator first.
func (d *databases) citusNodes() ([]citusNode, error) {
	rows, err := d.hosts[0].admin.Query(context.Background(), `SELECT nodename AS host, nodeport AS port, groupid AS group, shouldhaveshards AS shards
		FROM pg_dist_node WHERE isactive AND noderole = 'primary' ORDER BY groupid`)
	if err != nil {
		return nil, err
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowToStructByName[citusNode])
	if err == nil && (len(nodes) == 0 || nodes[0].Group != 0) {
		err = errors.New("the database does not name its coordinator; call citus_set_coordinator_host")
	}
	return nodes, err
}

// addNodes makes the empty database one of Citus.
func (d *databases) addNodes(nodes []citusNode) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for _, h := range d.hosts {
		if err := execute(ctx, h.database(d.empty), "CREATE EXTENSION citus"); err != nil {
			return err
		}
	}
	var statements []string
	for _, n := range nodes {
		add := "citus_add_node"
		if n.Group == 0 {
			add = "citus_set_coordinator_host"
		}
		statements = append(statements, fmt.Sprintf("SELECT %s('%s', %d)", add, n.Host, n.Port),
			fmt.Sprintf("SELECT citus_set_node_property('%s', %d, 'shouldhaveshards', %t)", n.Host, n.Port, n.Shards))
	}
	return execute(ctx, d.hosts[0].database(d.empty), statements...)
}

// dropStale drops the databases of test processes that have ended without dropping them. A
// process that runs has a session with the prefix of its databases as its name.
func (d *databases) dropStale() error {
	rows, err := d.hosts[0].admin.Query(context.Background(), `SELECT d.datname::text FROM pg_database d WHERE starts_with(d.datname, $1) AND NOT EXISTS (
		SELECT FROM pg_stat_activity a WHERE starts_with(a.application_name, $1) AND starts_with(d.datname, a.application_name))`,
		databasePrefix)
	if err != nil {
		return err
	}
	stale, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := d.drop(name); err != nil {
			return err
		}
	}
	return nil
}

// end drops what the tests of a Citus cluster have copied. A server of this process ends
// with its databases.
func (d *databases) end() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, name := range []string{d.empty, d.migrated} {
		if len(d.hosts) > 0 && strings.HasPrefix(name, databasePrefix) {
			errs = append(errs, d.drop(name))
		}
	}
	return errors.Join(errs...)
}
