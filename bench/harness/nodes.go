package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"rollcall/internal/loadgen"
)

// sealKeys is the file of sealing keys in a data directory.
const sealKeys = "seal.keys"

// nodes are one or more servers of Rollcall on one database. The load is divided among them.
type nodes struct {
	database *database
	first    *rollcall // which creates the demo app
	others   []*process
}

// newNodes returns n servers, each with a directory below dir.
func newNodes(binary, dir string, n int, d *database) *nodes {
	node := func(i int) *rollcall {
		return newRollcall(binary, filepath.Join(dir, strconv.Itoa(i)), "--store", d.url, "--migrate")
	}
	s := &nodes{database: d, first: node(0)}
	for i := 1; i < n; i++ {
		s.others = append(s.others, &node(i).process)
	}
	return s
}

func (s *nodes) start(ctx context.Context) error {
	if err := s.database.reset(ctx); err != nil {
		return err
	}
	if err := s.first.start(ctx); err != nil {
		return err
	}
	for _, p := range s.others {
		if err := s.join(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// join starts a further server. All servers of a database have the same sealing keys.
func (s *nodes) join(ctx context.Context, p *process) error {
	if err := os.RemoveAll(p.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	keys, err := os.ReadFile(filepath.Join(s.first.dir, sealKeys))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.dir, sealKeys), keys, 0o600); err != nil {
		return err
	}
	return p.launch(ctx)
}

// defersFor returns no long time: what the database does later has no fixed time.
func (s *nodes) defersFor(string) time.Duration { return quietLook }

func (s *nodes) pids() []int {
	pids := append(s.first.pids(), s.database.pids...)
	for _, p := range s.others {
		pids = append(pids, p.pids()...)
	}
	return pids
}

func (s *nodes) stop() error {
	err := s.first.stop()
	for _, p := range s.others {
		err = errors.Join(err, p.stop())
	}
	return err
}

// load runs o on all servers at the same time, each with an equal part of the connections
// and of the calls.
func (s *nodes) load(ctx context.Context, o loadgen.Options) (*loadgen.Result, error) {
	if err := s.database.prepare(ctx, o.Workload); err != nil {
		return nil, err
	}
	n := int64(1 + len(s.others))
	o.Connections = loadgen.DefaultConnections / int(n)
	parts := make([]loadgen.Options, n)
	for i := range parts {
		parts[i] = o
		parts[i].Calls = o.Calls / n
		parts[i].Skip = o.Skip + int64(i)*max(parts[i].Calls, 1<<30)
		if o.Workload == loadgen.ImportNew { // whose accounts follow each other
			parts[i].Skip, parts[i].Accounts = 0, o.Accounts+int64(i)*parts[i].Calls*100
		}
	}
	results, errs := make([]*loadgen.Result, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { results[i], errs[i] = s.loadOne(ctx, i, parts[i]) })
	}
	wg.Wait()
	return sum(results), errors.Join(errs...)
}

func (s *nodes) loadOne(ctx context.Context, i int, o loadgen.Options) (*loadgen.Result, error) {
	if i == 0 {
		return s.first.load(ctx, o)
	}
	o.Credentials, o.AdminToken = s.first.credentials, s.first.context.AdminToken
	return s.others[i-1].load(ctx, o)
}

// sum returns the results of loads that ran at the same time.
func sum(all []*loadgen.Result) *loadgen.Result {
	total := &loadgen.Result{Latency: new(loadgen.Histogram)}
	for _, r := range all {
		if r == nil {
			continue
		}
		total.Workload = r.Workload
		total.Calls, total.Accounts, total.Errors = total.Calls+r.Calls, total.Accounts+r.Accounts, total.Errors+r.Errors
		total.Sent, total.Received = total.Sent+r.Sent, total.Received+r.Received
		total.Elapsed, total.LongestGap = max(total.Elapsed, r.Elapsed), max(total.LongestGap, r.LongestGap)
		total.Latency.Add(r.Latency)
	}
	return total
}
