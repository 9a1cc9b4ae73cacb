package measure

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const stat = "4242 (a (b) c) S 17 4242 4242 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 9 0 123456 1 2 3\n"

func TestParseStat(t *testing.T) {
	got, err := ParseStat([]byte(stat))
	if err != nil {
		t.Fatal(err)
	}
	want := Stat{PID: 4242, Parent: 17, Own: 2 * time.Second, Children: 500 * time.Millisecond}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stat (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "1 x S", "x (x) S 1 4242 4242 0 -1 4194560 1 2 3 4 1 1 1 1 1", ") (", stat[:40] + " x y z a b c d e"} {
		if s, err := ParseStat([]byte(bad)); err == nil {
			t.Errorf("%q is parsed: %+v", bad, s)
		}
	}
}

// TestSumTrees checks that a tree is a process with all its descendants,
// including the time of ended children, and nothing else.
func TestSumTrees(t *testing.T) {
	stats := map[int]Stat{}
	for _, s := range []Stat{
		{PID: 1, Own: 1000},
		{PID: 10, Parent: 1, Own: 1, Children: 2},
		{PID: 11, Parent: 10, Own: 4},
		{PID: 12, Parent: 11, Own: 8, Children: 16},
		{PID: 20, Parent: 1, Own: 32},
		{PID: 30, Parent: 1, Own: 2000},
		{PID: 31, Parent: 99, Own: 4000}, // its parent has just ended
	} {
		stats[s.PID] = s
	}
	if got, err := sumTrees(stats, []int{10, 20, 11}); err != nil || got != 63 {
		t.Errorf("sum = %d, %v, want 63", got, err)
	}
	if _, err := sumTrees(stats, []int{10, 99}); err == nil {
		t.Error("a process that has ended uses no CPU time")
	}
}

func TestCPUOfThisProcess(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for OwnCPU()-before < 30*time.Millisecond { // measured in the CPU time of this process
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("%v before and %v after 30 ms of work", before, after)
	}
}

func TestParseRSS(t *testing.T) {
	got, err := parseRSS([]byte("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t   1234 kB\nRssAnon:\t 1 kB\n"))
	if err != nil || got != 1234<<10 {
		t.Errorf("got %d, %v", got, err)
	}
	for _, bad := range []string{"", "Name:\tx\n", "\nVmRSS:\t12 MB\n", "\nVmRSS:\tx kB\n"} {
		if _, err := parseRSS([]byte(bad)); err == nil {
			t.Errorf("%q is parsed", bad)
		}
	}
	if n, err := RSS(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("this process: %d, %v", n, err)
	}
}

func TestDiskBytes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b/c"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, make([]byte, 100_000), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil { // allocates its blocks
			t.Fatal(err)
		}
		f.Close()
	}
	got, err := DiskBytes(dir)
	if err != nil || got < 200_000 || got > 300_000 {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestLook(t *testing.T) {
	m, err := Look(t.TempDir())
	if err != nil || m.Cores < 1 || m.CPU == "" || m.Kernel == "" || m.FdatasyncUs <= 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
