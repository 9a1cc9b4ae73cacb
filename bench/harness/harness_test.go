package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/bench/measure"
	"rollcall/bench/yard"
	"rollcall/internal/loadgen"
)

// TestMain runs this binary as a yardstick if its arguments say so.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[2] == "--dir" {
		var err error
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		switch os.Args[1] {
		case Noop:
			err = yard.Noop(ctx)
		case Floor:
			err = yard.Floor(ctx, os.Args[3])
		case NaiveSQLite:
			err = yard.NaiveSQLite(ctx, os.Args[3])
		}
		if err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// TestSmoke runs a small plan with the yardsticks that have no dependencies.
func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{loadgen.ImportNew, loadgen.Check}
	p := &Plan{
		Name: "smoke", Rounds: 2, Slices: 1, Slice: 50 * time.Millisecond, Settle: time.Second,
		Stages: []Stage{{Accounts: 2000, Steps: steps, Servers: map[string][]string{Noop: steps, Floor: steps[:1], NaiveSQLite: steps}}},
	}
	res, err := Run(t.Context(), p, &Environment{Dir: diskDir(t), Self: self, Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, s := range res.Samples {
		got[s.Server+" "+s.Workload]++
		if s.Calls == 0 || s.CallsPerS <= 0 || s.P50 <= 0 || s.Max < s.P50 || s.Accounts != 2000 {
			t.Errorf("%+v", s)
		}
	}
	want := map[string]int{
		"noop import-100-new": 2, "noop check-100": 2, "floor import-100-new": 2,
		"naive-sqlite import-100-new": 2, "naive-sqlite check-100": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if err := res.Save(dir); err != nil {
		t.Fatal(err)
	}
	checkRows(t, filepath.Join(dir, "smoke.json"), len(want))
}

// diskDir returns a directory of the test that is not in memory.
func diskDir(t *testing.T) string {
	t.Helper()
	if memory, err := measure.InMemory(t.TempDir()); err == nil && !memory {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(".", "smoke-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// checkRows checks the names in the file of rows, which other programs read.
func checkRows(t *testing.T, file string, n int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(b, &rows); err != nil || len(rows) != n {
		t.Fatalf("%d rows, want %d, %v", len(rows), n, err)
	}
	want := []string{"server", "workload", "accounts", "calls_per_s", "accounts_per_s", "cpu_us_per_call", "p50_ms", "p99_ms", "max_ms"}
	for _, r := range rows {
		for _, name := range want {
			if _, ok := r[name]; !ok || len(r) != len(want) {
				t.Errorf("row %v, want the fields %v", r, want)
			}
		}
	}
}

// sample returns a sample at a million accounts.
func sample(server, workload string, callsPerS, cpuUs float64) Sample {
	return Sample{Server: server, Workload: workload, Accounts: step, CallsPerS: callsPerS, AccountsPerS: 100 * callsPerS, CPUUs: cpuUs, Max: callsPerS}
}

func TestRows(t *testing.T) {
	got := rows([]Sample{
		sample(Floor, loadgen.ImportNew, 100, 4), sample(Rollcall, loadgen.ImportNew, 30, 9),
		sample(Floor, loadgen.ImportNew, 300, 2), sample(Rollcall, loadgen.ImportNew, 10, 7),
		sample(Floor, loadgen.ImportNew, 200, 3),
	})
	want := []Row{
		{Server: Floor, Workload: loadgen.ImportNew, Accounts: step, CallsPerS: 200, AccountsPerS: 20_000, CPUUs: 3, Max: 300},
		{Server: Rollcall, Workload: loadgen.ImportNew, Accounts: step, CallsPerS: 20, AccountsPerS: 2000, CPUUs: 8, Max: 30},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Row{})); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestReach(t *testing.T) {
	res := &Results{
		Plan: Full(0),
		Samples: []Sample{
			sample(Floor, loadgen.ImportNew, 1000, 50), sample(NaiveSQLite, loadgen.ImportNew, 50, 2000),
			sample(Rollcall, loadgen.ImportNew, 200, 200), sample(Rollcall, loadgen.ImportExisting, 100, 300),
			sample(Rollcall, stepStream, 700, 50), sample(Rollcall, stepExport, 9000, 30),
		},
		Facts: []Facts{
			{Accounts: step, BaseRSS: 20e6, LoadedRSS: 100e6, Disk: 90e6, Start: time.Second, Gap: time.Millisecond},
			{Accounts: step, BaseRSS: 20e6, LoadedRSS: 110e6, Disk: 150e6, Start: 2 * time.Second, Gap: time.Millisecond},
		},
	}
	type short struct {
		Value, ByCPU float64
		Verdict      string
	}
	got := map[string]short{}
	for _, r := range res.reached() {
		got[r.Figure] = short{r.Value, r.ByCPU, r.verdict()}
	}
	want := map[string]short{
		"import-100 new at 1M against floor":              {20, 25, "at least"},
		"import-100 new at 1M against naive SQLite":       {4, 10, "missed"},
		"import-100 existing at 1M against new":           {50, 200. / 3, "missed"},
		"stream of 1M against import-100 new, accounts/s": {3.5, 4, "at least"},
		"export at 1M, accounts":                          {0.9, 0, "missed"},
		"longest gap without an answer while loading 1M":  {1, 0, "aim"},
		"memory per account above the base at 1M":         {90, 0, "missed"},
		"start to the first answer at 1M":                 {2, 0, "at least"},
		"disk per account after settling at 1M":           {150, 0, "missed"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := res.Report(&out); err != nil || !strings.Contains(out.String(), "25 %") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestPlans checks that every step of every server is in the order of its
// stage, and is a workload or a measurement of Rollcall.
func TestPlans(t *testing.T) {
	for _, p := range []*Plan{Quick(0), Full(0), Large(0)} {
		for _, st := range p.Stages {
			for server, steps := range st.Servers {
				for _, step := range steps {
					if !slices.Contains(st.Steps, step) {
						t.Errorf("%s: %s takes step %s, which the stage has not", p.Name, server, step)
					}
				}
			}
			for _, step := range st.Steps {
				own := []string{stepSize, stepRestart, stepStream, stepExport}
				if _, ok := loadgen.Find(step); !ok && !slices.Contains(own, step) {
					t.Errorf("%s: there is no step %s", p.Name, step)
				}
			}
		}
	}
}

func TestRestrict(t *testing.T) {
	p := Quick(0)
	p.Restrict([]string{Floor, Rollcall}, []string{loadgen.ImportOne})
	want := map[string][]string{
		Floor:    {loadgen.ImportNew, loadgen.ImportOne},
		Rollcall: {loadgen.ImportNew, loadgen.ImportOne},
	}
	if diff := cmp.Diff(want, p.Stages[0].Servers); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{Floor, Rollcall}, p.servers()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
