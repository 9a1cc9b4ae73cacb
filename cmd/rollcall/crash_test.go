package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rollcall/client"
	"rollcall/internal/directory"
)

var crashRounds = flag.Int("crash-rounds", 8, "how often TestKill kills the server")

// The apps whose accounts the load changes. A deleted account can be imported again at
// once in the first app, and after 90 days in the second one.
const (
	freeApp   = 1400000001 // the demo app
	barredApp = 1500000001
)

// firstApp is the first of the apps that the load creates and deletes.
const firstApp = 1600000000

// A trial is one data directory with what must be true of it, for several servers that
// run one after the other.
type trial struct {
	dir     string
	args    []string // of the server
	keys    map[uint32]string
	base    *ledger // of everything from before the load
	workers []worker
	born    map[string]string // accounts by InternalID
	startup time.Duration     // how long the first start took
	calls   atomic.Int64      // that were acknowledged
	lookups int
}

// newTrial starts a server on an empty directory, and creates the apps and workers of the
// load.
func newTrial(t *testing.T, dir string, args ...string) (*trial, *site) {
	t.Helper()
	tr := &trial{dir: dir, args: args, keys: map[uint32]string{}, base: newLedger(), born: map[string]string{}}
	began := time.Now()
	p := startProcess(t, tr.dir, tr.args...)
	tr.startup = time.Since(began)
	tr.keys[freeApp], tr.keys[barredApp] = p.context.Key, directory.NewSecret()
	s := newSite(t, p, tr.keys)
	_, err := s.admin.CreateApp(t.Context(), client.NewApp{
		SDKAppID: barredApp, Edition: client.Pro, Secret: tr.keys[barredApp],
		Settings: client.Settings{AllowDelete: true, RateMode: "off"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.base.acked, err = (&checker{trial: tr, site: s, ctx: t.Context()}).observe()
	if err != nil {
		t.Fatal(err)
	}
	tr.workers = []worker{
		newAccountWorker("a", freeApp, true), newAccountWorker("b", freeApp, true), newAccountWorker("c", freeApp, true),
		newAccountWorker("d", barredApp, false), newAccountWorker("e", barredApp, false),
		newAppWorker(firstApp), newTokenWorker(t.TempDir()), newDeviceWorker(),
	}
	return tr, s
}

// start starts a server on the directory of the trial.
func (tr *trial) start(t *testing.T) *site {
	t.Helper()
	return newSite(t, startProcess(t, tr.dir, tr.args...), tr.keys)
}

func (tr *trial) ledgers() []*ledger {
	ls := []*ledger{tr.base}
	for _, w := range tr.workers {
		ls = append(ls, w.book())
	}
	return ls
}

// TestKill kills the server as kill -9 does: under a load of every kind of change, in
// a clean stop, and in the starts that follow. After each time it looks up everything
// that was ever acknowledged.
func TestKill(t *testing.T) {
	tr, s := newTrial(t, t.TempDir())
	for round := range *crashRounds {
		stop, starts := round%4 == 1, 0
		if round%4 == 2 {
			starts = 1 + rand.IntN(3)
		}
		tr.loadUntilKilled(t, s, stop)
		for range starts {
			tr.killStart(t)
		}
		s = tr.start(t)
		if wrong := tr.check(t, s); len(wrong) > 0 {
			t.Fatalf("round %d (in a stop: %v, in %d starts): %d look-ups are wrong:\n%s", round, stop, starts, len(wrong), strings.Join(wrong[:min(len(wrong), 20)], "\n"))
		}
	}
	t.Logf("%d rounds, %d acknowledged calls: 0 of %d look-ups are wrong", *crashRounds, tr.calls.Load(), tr.lookups)
}

// loadUntilKilled lets every worker work and kills the server after a random number of
// calls: at once, or a random moment after it was told to stop.
func (tr *trial) loadUntilKilled(t *testing.T, s *site, stop bool) {
	t.Helper()
	var (
		wg       sync.WaitGroup
		stopping atomic.Bool
		killAt   = tr.calls.Load() + 1 + rand.Int64N(300)
	)
	kill := func() {
		if stop {
			stopping.Store(true)
			_ = s.Process.Signal(syscall.SIGTERM)
			time.Sleep(rand.N(50 * time.Millisecond))
		}
		_ = s.Process.Kill() // an error says that it has ended
	}
	for _, w := range tr.workers {
		wg.Go(func() {
			err := work(t.Context(), s, w, func() bool {
				if tr.calls.Add(1) == killAt {
					kill()
				}
				return true
			})
			if err != nil && !stopping.Load() {
				t.Errorf("a call was refused: %v", err)
			}
		})
	}
	wg.Wait()
	kill()
	_ = s.Wait()
}

// killStart starts a server and kills it at a random moment, during the start or shortly
// after it.
func (tr *trial) killStart(t *testing.T) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, serveArgs(tr.dir, tr.args...)...)
	cmd.Env = servedBy(t, tr.dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(rand.N(tr.startup + tr.startup/4))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if cmd.ProcessState.Exited() {
		t.Fatalf("the server did not start: %s", &stderr)
	}
}
