package pgtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// patroniNodes is the number of PostgreSQL servers of a [Managed] cluster: one primary, one
// synchronous standby, and one that replaces either.
const patroniNodes = 3

// A Managed is a cluster of PostgreSQL servers that fails over by itself: three nodes with
// Patroni, and etcd. A commit waits until a standby has it on its disk, and only that
// standby is promoted. The methods must not be called at the same time.
type Managed struct {
	tb    testing.TB
	etcd  *process
	nodes []*managedNode
}

// A managedNode is a Patroni with its PostgreSQL server. Both are called a node.
type managedNode struct {
	*process
	dir     string
	name    string
	port    int // of PostgreSQL
	rest    int // port of Patroni's REST API
	program string
}

// Patroni starts a cluster that Patroni manages, and waits until it is complete. It stops
// when tb ends.
func Patroni(tb testing.TB) *Managed {
	tb.Helper()
	m := &Managed{tb: tb}
	tb.Cleanup(m.Stop)
	if err := m.start(); err != nil {
		failStart(tb, "the Patroni cluster", err)
	}
	return m
}

func (m *Managed) start() error {
	program, err1 := find("patroni")
	bin, err2 := postgresBin()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	endpoint, err := m.startEtcd()
	if err != nil {
		return err
	}
	for i := range patroniNodes {
		node, err := newManagedNode(i, program)
		if err != nil {
			return err
		}
		m.nodes = append(m.nodes, node)
		if err := node.configure(endpoint, bin); err != nil {
			return err
		}
		if err := node.start(); err != nil {
			return err
		}
	}
	if err := m.awaitComplete(); err != nil {
		return err
	}
	var nodes []string
	for _, node := range m.nodes {
		nodes = append(nodes, node.url(clusterDatabase))
	}
	return createEverywhere(m.etcd, m.primary().url("postgres"), nodes)
}

// startEtcd starts an etcd and returns its address.
func (m *Managed) startEtcd() (string, error) {
	program, err := find("etcd")
	if err != nil {
		return "", err
	}
	dir, err := servers.folder("etcd")
	if err != nil {
		return "", err
	}
	clients, err1 := port()
	peers, err2 := port()
	if err := errors.Join(err1, err2); err != nil {
		return "", err
	}
	client, peer := "http://"+address(clients), "http://"+address(peers)
	// A lease lasts at least 1.5 elections.
	m.etcd, err = launch(dir, syscall.SIGTERM, program, "--name", "etcd", "--data-dir", filepath.Join(dir, "data"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "etcd="+peer,
		"--heartbeat-interval", "100", "--election-timeout", "1000")
	if err != nil {
		return "", err
	}
	return address(clients), await(m.etcd, func(ctx context.Context) error { return get(ctx, client+"/health", nil) })
}

func newManagedNode(i int, program string) (*managedNode, error) {
	dir, err := servers.folder("patroni")
	if err != nil {
		return nil, err
	}
	server, err1 := port()
	rest, err2 := port()
	return &managedNode{dir: dir, name: nodeName(i), port: server, rest: rest, program: program}, errors.Join(err1, err2)
}

// patroniConfig is the configuration of a node. A primary that has not renewed its lease
// for ttl seconds is replaced. The times are the shortest that work: Patroni 3.0 takes no
// lease of etcd if retry_timeout is 1, and loop_wait + 2*retry_timeout <= ttl is its rule.
// With slots the standby of a new primary would wait two rounds for its slot.
var patroniConfig = template.Must(template.New("patroni.yml").Parse(`scope: rollcall
name: {{.Name}}
restapi:
  listen: {{.REST}}
  connect_address: {{.REST}}
etcd3:
  host: {{.Etcd}}
bootstrap:
  dcs:
    ttl: 5
    loop_wait: 1
    retry_timeout: 2
    primary_start_timeout: 0
    synchronous_mode: true
    synchronous_mode_strict: true
    synchronous_node_count: 1
    postgresql:
      use_slots: false
      use_pg_rewind: true
      remove_data_directory_on_rewind_failure: true
      remove_data_directory_on_diverged_timelines: true
      parameters:
        max_connections: 200
        shared_buffers: 32MB
        wal_keep_size: 1GB
        wal_log_hints: "on"
        wal_retrieve_retry_interval: 100ms
        dynamic_shared_memory_type: mmap
  initdb:
    - auth: trust
    - encoding: UTF8
    - locale: C
    - no-sync
postgresql:
  listen: {{.Listen}}
  connect_address: {{.Listen}}
  bin_dir: {{.Bin}}
  data_dir: {{.Data}}
  pgpass: {{.Dir}}/pgpass
  authentication:
    superuser:
      username: {{.User}}
    replication:
      username: replicator
  pg_hba:
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
  parameters:
    unix_socket_directories: {{.Dir}}
`))

// configure writes the configuration of the node.
func (n *managedNode) configure(etcd, bin string) error {
	var text bytes.Buffer
	err := patroniConfig.Execute(&text, map[string]string{
		"Name": n.name, "REST": address(n.rest), "Etcd": etcd, "Listen": address(n.port), "User": superuser,
		"Bin": bin, "Dir": n.dir, "Data": n.data(),
	})
	if err != nil {
		return err
	}
	return write(n.config(), text.String())
}

func (n *managedNode) config() string { return filepath.Join(n.dir, "patroni.yml") }

func (n *managedNode) data() string { return filepath.Join(n.dir, "data") }

// start starts Patroni, which starts the server.
func (n *managedNode) start() error {
	var err error
	n.process, err = launch(n.dir, syscall.SIGTERM, n.program, n.config())
	return err
}

// url returns the URL of a database of the node.
func (n *managedNode) url(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, address(n.port), database)
}

// kill ends Patroni and the server with all their processes.
func (n *managedNode) kill() error {
	if n.process == nil || n.ended() {
		return nil
	}
	if err := n.process.kill(); err != nil {
		return err
	}
	defer freeMemory(n.data())
	pid, err := postmaster(n.data())
	if err != nil || pid == 0 {
		return err
	}
	return killTree(pid)
}

// postmaster returns the process of the server of a folder of data, or 0 if none runs.
func postmaster(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(line))
	if err != nil {
		return 0, err
	}
	// The file may be older than the last kill.
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err != nil || cwd != data {
		return 0, nil //nolint:nilerr // the process has ended
	}
	return pid, nil
}

// MultiURL returns the URL of all nodes. A client connects to the one that accepts writes.
func (m *Managed) MultiURL() string {
	var hosts []string
	for _, node := range m.nodes {
		hosts = append(hosts, address(node.port))
	}
	return multiURL(hosts)
}

// Primary returns the URL of the node that Patroni says is the primary. It waits until
// there is one.
func (m *Managed) Primary() string {
	m.tb.Helper()
	node := m.primary()
	if node == nil {
		m.tb.Fatal("the Patroni cluster has no primary")
	}
	return node.url(clusterDatabase)
}

// primary returns the node that is the primary. It waits for one.
func (m *Managed) primary() *managedNode {
	var found *managedNode
	_ = await(m.etcd, func(ctx context.Context) error { // nil says that there is none
		for _, node := range m.nodes {
			if get(ctx, "http://"+address(node.rest)+"/primary", nil) == nil {
				found = node
				return nil
			}
		}
		return errors.New("no node is the primary")
	})
	return found
}

// KillPrimary ends the primary and its Patroni with SIGKILL. It returns the number of
// the node.
func (m *Managed) KillPrimary() int {
	m.tb.Helper()
	node := m.primary()
	if node == nil {
		m.tb.Fatal("the Patroni cluster has no primary")
	}
	if err := node.kill(); err != nil {
		m.tb.Fatalf("kill %s: %v", node.name, err)
	}
	for i, n := range m.nodes {
		if n == node {
			return i
		}
	}
	return -1
}

// Complete starts the nodes that were killed, and waits until there are a primary, a
// synchronous standby and another standby.
func (m *Managed) Complete() {
	m.tb.Helper()
	for _, node := range m.nodes {
		if !node.ended() {
			continue
		}
		if err := node.start(); err != nil {
			m.tb.Fatalf("start %s: %v", node.name, err)
		}
	}
	if err := m.awaitComplete(); err != nil {
		m.tb.Fatal(err)
	}
}

// awaitComplete waits until all nodes run and follow one primary.
func (m *Managed) awaitComplete() error {
	return await(m.etcd, func(ctx context.Context) error {
		var cluster struct {
			Members []struct{ Name, Role, State string }
		}
		for _, node := range m.nodes {
			if node.ended() {
				return node.failed("has ended")
			}
		}
		if err := get(ctx, "http://"+address(m.nodes[0].rest)+"/cluster", &cluster); err != nil {
			return err
		}
		roles := map[string]int{}
		for _, member := range cluster.Members {
			roles[member.Role+" "+member.State]++
		}
		if roles["leader running"] != 1 || roles["sync_standby running"] != 1 || roles["replica running"] != patroniNodes-2 {
			return fmt.Errorf("the nodes are %v", cluster.Members)
		}
		return nil
	})
}

// get reads a JSON document, unless value is nil, from a server that must answer 200.
func get(ctx context.Context, url string, value any) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // a node that starts may not respond
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if value == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(value)
}

// Stop ends all processes of the cluster. If the test has failed, it logs what they say.
func (m *Managed) Stop() {
	for _, node := range m.nodes {
		if err := node.kill(); err != nil {
			m.tb.Errorf("stop %s: %v", node.name, err)
		}
		if m.tb.Failed() && node.process != nil {
			m.tb.Log(node.failed("(" + node.name + ") was used"))
		}
	}
	if m.etcd == nil {
		return
	}
	if err := m.etcd.stop(); err != nil {
		m.tb.Error(err)
	}
}
