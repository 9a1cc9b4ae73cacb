package redislimit

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"rollcall/internal/ratelimit"
	"rollcall/internal/testutil"
)

// patience is how long calls of these tests wait for Redis, unless a test is about that.
const patience = time.Minute

// A node is a Limiter that runs.
type node struct {
	*Limiter
	log *testutil.Buffer
}

// runNode runs a Limiter until the end of the test. A wait of 0 keeps that of a server.
func runNode(tb testing.TB, url, password string, wait time.Duration) *node {
	tb.Helper()
	n := newNode(tb, url, password, wait)
	n.run(tb)
	return n
}

func newNode(tb testing.TB, url, password string, wait time.Duration) *node {
	tb.Helper()
	n := &node{log: new(testutil.Buffer)}
	lg := slog.New(slog.NewTextHandler(io.MultiWriter(n.log, testutil.Keep(tb, io.Discard)), nil))
	l, err := New(Options{URL: url, Password: password, Logger: lg})
	if err != nil {
		tb.Fatal(err)
	}
	if wait > 0 {
		l.wait = wait
	}
	n.Limiter = l
	return n
}

func (n *node) run(tb testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
}

func (n *node) waitShared(tb testing.TB) {
	tb.Helper()
	eventually(tb, "redis counts", func() bool { return n.Stats().Shared })
}

// counted is what Redis says about one call.
type counted struct {
	ratelimit.Decisions
	second int64
}

// take is Take with the second of Redis.
func (n *node) take(tb testing.TB, c ratelimit.Call) counted {
	tb.Helper()
	b, place := n.enter(batchKey{c, false})
	if b == nil {
		tb.Error("redis does not count")
		return counted{}
	}
	if err := n.await(b); err != nil {
		tb.Error(err)
		return counted{}
	}
	return counted{b.reply.decisions(c, b.n, place), b.reply.at.Unix()}
}

// TestShared counts with two nodes at once. In each second, both together get each total
// once, for the command and for the app.
func TestShared(t *testing.T) {
	r := startRedis(t)
	const workers, calls = 8, 400
	nodes := []*node{runNode(t, r.url(), "", patience), runNode(t, r.url(), "", patience)}
	c := ratelimit.Call{App: 1, Command: "kick", Limit: 50, Ceiling: 70}
	other := ratelimit.Call{App: 1, Command: "account_check", Limit: 1 << 30, Ceiling: 70}
	type place struct {
		second  int64
		command string // "" for the app
	}
	var mu sync.Mutex
	left := map[place]map[int]int{}
	note := func(second int64, command string, d ratelimit.Decision) {
		mu.Lock()
		defer mu.Unlock()
		p := place{second, command}
		if left[p] == nil {
			left[p] = map[int]int{}
		}
		if d.Over {
			left[p][-1]++
		} else {
			left[p][d.Remaining]++
		}
	}
	var wg sync.WaitGroup
	for _, n := range nodes {
		n.waitShared(t)
		for w := range workers {
			wg.Go(func() {
				for range calls {
					call := c
					if w%2 == 0 {
						call = other
					}
					got := n.take(t, call)
					note(got.second, call.Command, got.Command)
					if !got.Command.Over {
						note(got.second, "", got.App)
					}
				}
			})
		}
	}
	wg.Wait()
	total := 0
	for p, seen := range left {
		limit := map[string]int{c.Command: c.Limit, other.Command: other.Limit, "": c.Ceiling}[p.command]
		allowed := 0
		for remaining, n := range seen {
			if p.command != "" {
				total += n
			}
			if remaining >= 0 {
				allowed++
				if n != 1 || remaining >= limit {
					t.Errorf("%+v: %d remaining was returned %d times", p, remaining, n)
				}
			}
		}
		if seen[-1] > 0 && allowed != limit {
			t.Errorf("%+v: %d calls are over, and %d allowed, want %d", p, seen[-1], allowed, limit)
		}
	}
	if want := len(nodes) * workers * calls; total != want {
		t.Errorf("%d decisions, want %d", total, want)
	}
	for _, n := range nodes {
		if s := n.Stats(); s != (Stats{Shared: true}) {
			t.Errorf("stats %+v", s)
		}
	}
}

// TestSameAsLimiter compares calls of one node with the limiter of one process that has the
// clock of Redis.
func TestSameAsLimiter(t *testing.T) {
	n := runNode(t, startRedis(t).url(), "", patience)
	n.waitShared(t)
	want := ratelimit.New()
	for i := range 300 {
		c := ratelimit.Call{App: uint32(1 + i%2), Command: []string{"a", "b"}[i/2%2], Limit: i % 5, Ceiling: i % 7}
		b, place := n.enter(batchKey{c, false})
		if b == nil || n.await(b) != nil {
			t.Fatal("redis does not count")
		}
		got := b.reply.decisions(c, b.n, place)
		if diff := cmp.Diff(want.Take(c, b.reply.at), got); diff != "" {
			t.Fatalf("call %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestWindowEnds checks that a counter is removed by Redis itself.
func TestWindowEnds(t *testing.T) {
	r := startRedis(t)
	n := runNode(t, r.url(), "", patience)
	n.waitShared(t)
	n.take(t, ratelimit.Call{App: 1, Command: "kick", Limit: 1, Ceiling: 1})
	eventually(t, "no counter is left", func() bool {
		out, err := exec.Command("redis-cli", "-p", strconv.Itoa(r.port), "DBSIZE").Output()
		return err == nil && strings.TrimSpace(string(out)) == "0"
	})
}

var someCall = ratelimit.Call{App: 1, Command: "kick", Limit: 3, Ceiling: 100}

// alone checks that n decides alone now: exactly the whole limit is allowed.
func (n *node) alone(t *testing.T) {
	t.Helper()
	now := time.Unix(1_700_000_000, 0)
	n.local.Forget(someCall.App)
	before := n.Stats().Fallbacks
	for i := range 5 {
		if d := n.Take(someCall, now); d.Command.Limit != 3 || d.Command.Over != (i >= 3) {
			t.Errorf("call %d: %+v", i, d)
		}
	}
	if got := n.Stats().Fallbacks - before; got != 5 {
		t.Errorf("%d fallbacks, want 5", got)
	}
}

// TestOutage lets Redis fail in several ways, and come back. Calls go on, one warning and
// one info are logged for each outage, and then Redis counts again.
func TestOutage(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("outages", func(t *testing.T) {
		r := startRedis(t)
		n := runNode(t, r.url(), "", 0)
		n.waitShared(t)
		outages := []struct {
			name       string
			begin, end func()
		}{
			{"hang", func() { r.signal(syscall.SIGSTOP) }, func() { r.signal(syscall.SIGCONT) }},
			{"kill", r.kill, r.start},
			{"read-only", func() { r.cli(t, "REPLICAOF", "127.0.0.1", "1") }, func() { r.cli(t, "REPLICAOF", "NO", "ONE") }},
		}
		for i, o := range outages {
			o.begin()
			eventually(t, o.name+": the node decides alone", func() bool {
				n.Take(someCall, time.Now())
				return !n.Stats().Shared
			})
			n.alone(t)
			warnings := func() int { return strings.Count(n.log.String(), "level=WARN") }
			eventually(t, o.name+": a warning", func() bool { return warnings() == i+1 })
			n.alone(t)
			if s := n.Stats(); s.Shared || s.Errors == 0 {
				t.Errorf("%s: stats %+v", o.name, s)
			}
			o.end()
			n.waitShared(t)
			eventually(t, o.name+": an info", func() bool { return strings.Count(n.log.String(), "level=INFO") == i+1 })
			if warnings() != i+1 {
				t.Errorf("%s: the log is\n%s", o.name, n.log)
			}
		}
	})
}

// TestRestart checks that an outage of less than a second is not logged.
// A slow machine can make it longer.
func TestRestart(t *testing.T) {
	r := startRedis(t)
	n := runNode(t, r.url(), "", 0)
	n.waitShared(t)
	began := time.Now()
	r.kill()
	eventually(t, "a probe fails", func() bool {
		n.Take(someCall, time.Now())
		return n.Stats().Errors >= 2
	})
	r.start()
	n.waitShared(t)
	if log := n.log.String(); log != "" && time.Since(began) < outage {
		t.Errorf("log:\n%s", log)
	}
}

// TestHangCostsOnce checks that a hanging Redis delays the calls of a moment, not each one.
func TestHangCostsOnce(t *testing.T) {
	r := startRedis(t)
	n := runNode(t, r.url(), "", 500*time.Millisecond)
	n.waitShared(t)
	r.signal(syscall.SIGSTOP)
	defer r.signal(syscall.SIGCONT)
	began := time.Now()
	for range 1000 {
		n.Take(someCall, time.Now())
	}
	// Each wait of 0.5 s is followed by at least one probe, so there can be few of them.
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("1000 calls took %v", took)
	}
}

// TestFlush removes the script from Redis, as a restart does. The next call loads it.
func TestFlush(t *testing.T) {
	r := startRedis(t)
	n := runNode(t, r.url(), "", patience)
	n.waitShared(t)
	for range 3 {
		n.take(t, someCall)
		r.cli(t, "SCRIPT", "FLUSH")
	}
	n.take(t, someCall)
	if s := n.Stats(); s != (Stats{Shared: true}) {
		t.Errorf("stats %+v", s)
	}
}

// TestPassword connects with a password in the URL or beside it, and with a wrong one, which
// no log shows.
func TestPassword(t *testing.T) {
	const right, wrong = "open-sesame-4711", "open-barley-4711"
	testutil.Secret(t, right, wrong)
	r := startRedis(t, "--requirepass", right)
	runNode(t, "redis://:"+right+"@"+r.addr(), "", patience).waitShared(t)
	runNode(t, "redis://default:"+wrong+"@"+r.addr()+"/1", right, patience).waitShared(t)
	n := runNode(t, "redis://:"+wrong+"@"+r.addr(), "", 0)
	eventually(t, "a warning", func() bool { return strings.Contains(n.log.String(), "WRONGPASS") })
	n.alone(t)
	if strings.Contains(n.log.String(), wrong) {
		t.Errorf("log:\n%s", n.log)
	}
}

// TestSetPassword changes the password of Redis, which closes the connections. The node
// shares again once it has the new password, too.
func TestSetPassword(t *testing.T) {
	const before, after = "open-sesame-4711", "open-barley-4711"
	testutil.Secret(t, before, after)
	r := startRedis(t, "--requirepass", before)
	n := runNode(t, r.url(), before, patience)
	n.waitShared(t)
	r.cli(t, "-a", before, "--no-auth-warning", "CONFIG", "SET", "requirepass", after)
	r.cli(t, "-a", after, "--no-auth-warning", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	c := ratelimit.Call{App: 1, Command: "kick", Limit: 1 << 30}
	eventually(t, "the old password is refused", func() bool {
		n.Take(c, time.Now())
		return strings.Contains(n.log.String(), "WRONGPASS")
	})
	n.SetPassword(after)
	n.waitShared(t)
	n.take(t, c)
}

// TestCluster counts in a cluster of Redis, where the keys of a script must be in one slot.
func TestCluster(t *testing.T) {
	r := startRedis(t, "--cluster-enabled", "yes")
	r.cli(t, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	eventually(t, "the cluster is ready", func() bool { return strings.Contains(r.cli(t, "CLUSTER", "INFO"), "cluster_state:ok") })
	n := runNode(t, r.url(), "", patience)
	n.waitShared(t)
	var wg sync.WaitGroup
	for app := range uint32(20) {
		wg.Go(func() {
			if d := n.take(t, ratelimit.Call{App: 1 + app, Command: "kick", Limit: 1, Ceiling: 1}); d.Command.Over || d.App.Limit != 1 {
				t.Errorf("app %d: %+v", app, d)
			}
		})
	}
	wg.Wait()
}

// cli runs a command of redis-cli.
func (r *redisServer) cli(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := exec.Command("redis-cli", append([]string{"-e", "-p", strconv.Itoa(r.port)}, args...)...).CombinedOutput()
	if err != nil {
		tb.Fatalf("redis-cli %s: %v\n%s", args[0], err, bytes.TrimSpace(out))
	}
	return string(out)
}

// TestLater counts calls that nobody waits for. Another node learns of them.
func TestLater(t *testing.T) {
	r := startRedis(t)
	a, b := runNode(t, r.url(), "", patience), runNode(t, r.url(), "", patience)
	a.waitShared(t)
	b.waitShared(t)
	c := ratelimit.Call{App: 1, Command: "kick", Limit: 10}
	eventually(t, "the calls of one node are over for the other", func() bool {
		now := time.Now()
		for range 10 {
			a.TakeLater(c, now)
		}
		b.TakeLater(c, now)
		return b.TakeLater(c, time.Now()).Command.Over
	})
	if s := a.Stats(); s != (Stats{Shared: true}) {
		t.Errorf("stats %+v", s)
	}
}

// TestLaterDropped counts calls that nobody waits for while Redis does not respond.
func TestLaterDropped(t *testing.T) {
	r := startRedis(t)
	n := runNode(t, r.url(), "", 0)
	n.waitShared(t)
	r.kill()
	now := time.Unix(1_700_000_000, 0)
	eventually(t, "the node decides alone", func() bool {
		n.TakeLater(someCall, now)
		return !n.Stats().Shared
	})
	n.local.Forget(someCall.App)
	before := n.Stats().Dropped
	for i := range 5 {
		if d := n.TakeLater(someCall, now); d.Command.Over != (i >= 3) {
			t.Errorf("call %d: %+v", i, d)
		}
	}
	if got := n.Stats().Dropped - before; got != 5 {
		t.Errorf("%d dropped, want 5", got)
	}
}

// TestQueueIsFull fills the queue of a node without senders.
func TestQueueIsFull(t *testing.T) {
	l, err := New(Options{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	l.shared = true
	now := time.Now()
	for app := range uint32(maxBatches) {
		l.TakeLater(ratelimit.Call{App: 1 + app, Command: "kick", Limit: 1}, now)
		l.TakeLater(ratelimit.Call{App: 1 + app, Command: "kick", Limit: 1}, now)
	}
	if s := l.Stats(); s.Dropped != 0 {
		t.Errorf("before the queue is full: %+v", s)
	}
	full := ratelimit.Call{App: 1 << 30, Command: "kick", Limit: 1}
	l.TakeLater(full, now)
	if l.Take(full, now); l.Stats() != (Stats{Shared: true, Fallbacks: 2, Dropped: 1}) {
		t.Errorf("after: %+v", l.Stats())
	}
	l.suspend(context.Canceled)
	if s := l.Stats(); s.Dropped != 2*maxBatches+1 {
		t.Errorf("after the end: %+v", s)
	}
}

// TestNoLimit checks that a call without limits asks nobody.
func TestNoLimit(t *testing.T) {
	l, err := New(Options{URL: "redis://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	c := ratelimit.Call{App: 1, Command: "kick"}
	if d := l.Take(c, time.Now()); d != (ratelimit.Decisions{}) || l.TakeLater(c, time.Now()) != d || l.Stats() != (Stats{}) {
		t.Errorf("%+v, %+v", d, l.Stats())
	}
}

func TestCheckURL(t *testing.T) {
	const secret = "s3cret-of-redis"
	for url, want := range map[string]string{
		"redis://localhost": "",
		"rediss://user:" + secret + "@example.com:6380/2": "",
		"redis://[::1]:7000?addr=b:7000&addr=c:7000":      "",
		"redis://a:26379?master_set=main":                 "",
		"localhost:6379":                                  "malformed",
		"http://localhost":                                "malformed",
		"redis://":                                        "malformed",
		"redis://:" + secret + "@host:port":               "malformed",
		"redis://:" + secret + "%zz@host":                 "malformed",
		"redis://:" + secret + "@host/zero":               "number of a database",
		"redis://:" + secret + "@host/0/1":                "number of a database",
		"redis://:" + secret + "@host?write_timeout=1h":   `parameter "write_timeout"`,
		"unix:///run/redis.sock":                          "malformed",
	} {
		err := CheckURL(url)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// BenchmarkTake measures decisions per second of concurrent calls, and the latency of one.
func BenchmarkTake(b *testing.B) {
	n := runNode(b, startRedis(b).url(), "", patience)
	n.waitShared(b)
	for _, parallel := range []int{1, 64} {
		b.Run(strconv.Itoa(parallel), func(b *testing.B) {
			b.SetParallelism(parallel)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := uint32(0); pb.Next(); i++ {
					n.Take(ratelimit.Call{App: 1 + i%4, Command: "kick", Limit: 1 << 30, Ceiling: 1 << 30}, time.Now())
				}
			})
		})
	}
}

// TestTLS counts over TLS.
func TestTLS(t *testing.T) {
	cert, key := testutil.Certificate(t, "localhost")
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, b := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := startRedis(t, "--tls-port", strconv.Itoa(freePort(t)), "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile, "--tls-auth-clients", "no")
	url := "rediss://localhost:" + r.args[slices.Index(r.args, "--tls-port")+1]
	n := runNode(t, url, "", 0) // nobody vouches for the certificate
	eventually(t, "a warning", func() bool { return strings.Contains(n.log.String(), "x509") })
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	trusting := newNode(t, url, "", patience)
	trusting.o.TLSConfig.RootCAs = roots
	trusting.run(t)
	trusting.waitShared(t)
}

// TestSentinel counts in the primary that a sentinel names.
func TestSentinel(t *testing.T) {
	primary, port := startRedis(t), freePort(t)
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %d 1\n", port, primary.port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := &redisServer{tb: t, port: port, args: []string{config, "--sentinel"}}
	sentinel.start()
	t.Cleanup(sentinel.kill)
	n := runNode(t, sentinel.url()+"?master_set=main", "", patience)
	n.waitShared(t)
	n.take(t, someCall)
	if out := primary.cli(t, "DBSIZE"); strings.TrimSpace(out) == "0" {
		t.Error("the primary has counted nothing")
	}
}

// TestNewAddress lets the name of a Redis lead to another server while the old one is
// read-only, as after a failover. The connection to the old one stays open.
func TestNewAddress(t *testing.T) {
	first, second := startRedis(t), startRedis(t)
	var target atomic.Pointer[redisServer]
	target.Store(first)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go forward(in, target.Load().addr())
		}
	}()
	t.Cleanup(func() { l.Close() })
	n := runNode(t, "redis://"+l.Addr().String(), "", 0)
	n.waitShared(t)
	first.cli(t, "REPLICAOF", "127.0.0.1", "1")
	eventually(t, "the node decides alone", func() bool {
		n.Take(someCall, time.Now())
		return !n.Stats().Shared
	})
	target.Store(second)
	n.waitShared(t)
}

// forward copies between a connection and an address until either end closes.
func forward(in net.Conn, addr string) {
	defer in.Close()
	out, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		_, _ = io.Copy(out, in) // the end of one direction ends both
		out.Close()
	}()
	_, _ = io.Copy(in, out)
}
