package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/testutil"
	"rollcall/internal/testutil/pgtest"
)

// The app of the rolling restart. Its limits are off, because the load is not paced.
const (
	rollingApp  = 1400000077
	rollingKey  = "the key of a rolling restart"
	rollingSeed = "apps:\n  - {sdkappid: %d, secret: %q, settings: {rate_mode: \"off\"}}\n"
)

// A rollingNode is one of the nodes behind the proxy.
type rollingNode struct {
	*process
	name string
	dir  string
	args []string
}

// start starts the node on its address.
func (n *rollingNode) start(t *testing.T) {
	t.Helper()
	n.process = startProcess(t, n.dir, n.args...)
}

// restart stops the node by SIGTERM and starts it again.
func (n *rollingNode) restart(t *testing.T) {
	t.Helper()
	if err := n.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := n.Wait(); err != nil {
		t.Fatalf("node %s: %v\n%s", n.name, err, n.stderr)
	}
	n.start(t)
}

// TestRollingRestart restarts two nodes of one database behind HAProxy, one after the other,
// under a load of imports and checks. No call fails, and every acknowledged account exists
// afterwards.
func TestRollingRestart(t *testing.T) {
	testutil.Secret(t, rollingKey)
	store, common := pgtest.URL(t), t.TempDir()
	seed := filepath.Join(common, "seed.yml")
	if err := os.WriteFile(seed, fmt.Appendf(nil, rollingSeed, rollingApp, rollingKey), 0o600); err != nil {
		t.Fatal(err)
	}
	var nodes []*rollingNode
	var ports []int
	for _, name := range []string{"a", "b"} {
		port, dir := freePort(t), filepath.Join(common, name)
		n := &rollingNode{name: name, dir: dir, args: []string{
			"--listen", fmt.Sprintf("127.0.0.1:%d", port), "--store", store, "--migrate", "--seal-keys", filepath.Join(common, "seal.keys"),
			"--seed", seed, "--drain", "5s", "--log-level", "warn",
		}}
		n.start(t)
		nodes, ports = append(nodes, n), append(ports, port)
	}
	p := startProxy(t, ports[0], ports[1])
	for _, n := range nodes {
		p.waitUp(t, n.name)
	}
	load := startRollingLoad(t, p.url)
	for _, n := range nodes {
		load.waitProgress(t)
		n.restart(t)
		p.waitUp(t, n.name)
	}
	load.waitProgress(t)
	load.stop()
	load.check(t, nodes)
}

// A rollingLoad is calls of several clients through the proxy. No client repeats a call.
type rollingLoad struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	calls  atomic.Int64
	failed atomic.Int64

	mu    sync.Mutex
	acked []string // ids of accounts
	errs  []error  // the first ones
}

// maxShownErrors is how many failed calls are shown.
const maxShownErrors = 10

func startRollingLoad(t *testing.T, url string) *rollingLoad {
	t.Helper()
	l := new(rollingLoad)
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	for w := range 8 {
		c := rollingClient(t, url)
		l.wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				l.work(c, fmt.Sprintf("w%d-%06d", w, i))
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func rollingClient(t *testing.T, url string) *client.Client {
	t.Helper()
	h := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(h.CloseIdleConnections)
	c, err := client.New(client.Options{
		BaseURL: url, SDKAppID: rollingApp, Key: rollingKey, HTTPClient: h, Timeout: time.Minute, AttemptTimeout: time.Minute, Retries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// work imports accounts and checks others.
func (l *rollingLoad) work(c *client.Client, prefix string) {
	ctx := context.Background() // a call that began ends by itself
	as, ids := make([]client.Account, 10), make([]string, 10)
	for i := range as {
		ids[i] = fmt.Sprintf("%s-%d", prefix, i)
		as[i] = client.Account{UserID: ids[i], Nick: "Nick of " + prefix}
	}
	if l.count(allDone(c.ImportAccounts(ctx, as))) {
		l.mu.Lock()
		l.acked = append(l.acked, ids...)
		l.mu.Unlock()
	}
	_, err := c.CheckAccounts(ctx, ids)
	l.count(err)
}

// count counts a call and reports whether it has succeeded.
func (l *rollingLoad) count(err error) bool {
	l.calls.Add(1)
	if err == nil {
		return true
	}
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errs) < maxShownErrors {
		l.errs = append(l.errs, err)
	}
	return false
}

// waitProgress waits until further calls were made.
func (l *rollingLoad) waitProgress(t *testing.T) {
	t.Helper()
	want := l.calls.Load() + 100
	eventually(t, "progress of the load", func() bool { return l.calls.Load() >= want })
}

func (l *rollingLoad) stop() {
	l.cancel()
	l.wg.Wait()
}

// check reports failed calls, and looks up every acknowledged account.
func (l *rollingLoad) check(t *testing.T, nodes []*rollingNode) {
	t.Helper()
	for _, err := range l.errs {
		t.Error(err)
	}
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d calls failed", n, l.calls.Load())
	}
	missing := 0
	for _, n := range nodes {
		c := rollingClient(t, n.context.URL)
		for ids := l.acked; len(ids) > 0; ids = ids[min(100, len(ids)):] {
			rs, err := c.CheckAccounts(t.Context(), ids[:min(100, len(ids))])
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				if !r.Imported {
					missing++
				}
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d look-ups of %d acknowledged accounts found nothing", missing, len(l.acked))
	}
	t.Logf("%d calls, %d failed; %d acknowledged accounts, %d missing", l.calls.Load(), l.failed.Load(), len(l.acked), missing)
}
