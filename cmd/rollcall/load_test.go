package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/client"
)

// A load contains the workers of a trial that make calls in the background.
type load struct {
	calls atomic.Int64 // that were acknowledged
	stop  atomic.Bool
	wg    sync.WaitGroup

	mu       sync.Mutex
	last     time.Time // of an acknowledgement
	gap      time.Duration
	refusals []error
}

// startLoad lets every worker work until the load ends or a call is refused.
func (tr *trial) startLoad(t *testing.T, s *site) *load {
	t.Helper()
	l := &load{last: time.Now()}
	for _, w := range tr.workers {
		l.wg.Go(func() {
			if err := work(t.Context(), s, w, l.acked); err != nil {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.refusals = append(l.refusals, err)
			}
		})
	}
	t.Cleanup(func() { // also of a test that has failed
		l.stop.Store(true)
		l.wg.Wait()
	})
	return l
}

func (l *load) acked() (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.gap, l.last = max(l.gap, now.Sub(l.last)), now
	l.calls.Add(1)
	return !l.stop.Load()
}

// more waits until n more calls are acknowledged. None may be refused.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	want := l.calls.Load() + n
	eventually(t, "acknowledged calls", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.refusals) > 0 {
			t.Fatalf("a call was refused: %v", l.refusals[0])
		}
		return l.calls.Load() >= want
	})
}

// end ends the load and returns the longest time without an acknowledgement. The test
// fails if a call was refused.
func (l *load) end(t *testing.T) time.Duration {
	t.Helper()
	l.stop.Store(true)
	for _, err := range l.refused() {
		t.Errorf("a call was refused: %v", err)
	}
	return l.gap
}

// refused waits for the end of all workers, and returns the refusals.
func (l *load) refused() []error {
	l.wg.Wait()
	return l.refusals
}

// refusalCode returns the code of the account API or the status of the admin API in err,
// or -1.
func refusalCode(err error) int {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return int(e.Code)
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Status
	}
	return -1
}

// ready returns the status of /readyz.
func (s *site) ready(t *testing.T) int {
	t.Helper()
	resp, err := s.http.Get(s.context.URL + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// program runs rollcall and returns its exit code and its output. It kills a program that
// does not end within a minute, such as a server that has started.
func program(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// allRight checks that the server agrees with the ledgers of the trial.
func allRight(t *testing.T, tr *trial, s *site) {
	t.Helper()
	if wrong := tr.check(t, s); len(wrong) > 0 {
		t.Errorf("%d look-ups are wrong, such as %s", len(wrong), wrong[0])
	}
}
