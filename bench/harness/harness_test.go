package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// TestBare checks that the bare program imports and counts what it is told.
func TestBare(t *testing.T) {
	dir, err := os.MkdirTemp("", "bench-bare-") // not t.TempDir, because PostgreSQL runs as another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := startCluster(t.Context(), dir)
	if errors.Is(err, errNoPostgres) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	}()
	b := &bare{database: c.database(BarePostgres)}
	if err := b.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.stop() }()
	for range 2 { // the second time the accounts exist
		res, err := b.load(t.Context(), loadgen.Options{Workload: loadgen.ImportNew, Calls: 20})
		if err != nil || res.Accounts != 2000 {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	for _, sql := range []string{`SELECT count(*) FROM accounts`, `SELECT sum(live)::bigint FROM spaces`} {
		if got, err := query[int64](t.Context(), b.database.url, sql); err != nil || len(got) != 1 || got[0] != 2000 {
			t.Errorf("%s: %v, %v, want 2000", sql, got, err)
		}
	}
	o := loadgen.Options{Workload: loadgen.Check, Accounts: 2000, Calls: 4}
	if res, err := b.load(t.Context(), o); err != nil || res.Calls != 4 {
		t.Errorf("%+v, %v", res, err)
	}
	if found, err := b.check(t.Context(), loadgen.CheckedIDs(&o)(3)); found != 50 || err != nil {
		t.Errorf("%d accounts of a check exist, %v, want 50", found, err)
	}
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

func TestReachDatabases(t *testing.T) {
	page := func(name string, p50 float64) Sample {
		return Sample{Server: RollcallPostgres, Workload: name, Accounts: step, P50: p50}
	}
	res := &Results{Plan: Postgres(0), Samples: []Sample{
		sample(NaivePostgres, loadgen.ImportNew, 50, 2000), sample(BarePostgres, loadgen.ImportNew, 400, 300),
		sample(RollcallPostgres, loadgen.ImportNew, 200, 400), sample(RollcallTwo, loadgen.ImportNew, 230, 400),
		sample(BareCitus, loadgen.ImportNew, 100, 0), sample(RollcallCitus, loadgen.ImportNew, 70, 0),
		sample(BarePostgres, loadgen.Check, 1000, 300), sample(RollcallPostgres, loadgen.Check, 900, 400),
		page(firstPage, 1), page(lastPage, 1.1), sample(RollcallPostgres, stepCopy, 1000, 0),
	}}
	got := map[string]string{}
	for _, r := range res.reached() {
		got[r.Figure] = fmt.Sprintf("%.4g %s %s", r.Value, r.Unit, r.verdict())
	}
	want := map[string]string{
		"PostgreSQL: import-100 new at 1M against bare pgx, accounts/s":         "50 % missed",
		"PostgreSQL: import-100 new at 1M against naive PostgreSQL, accounts/s": "4 x at least",
		"PostgreSQL: check-100 at 1M against bare JOIN unnest":                  "90 % aim",
		"Citus: import-100 new at 1M against bare pgx, accounts/s":              "70 % at least",
		"PostgreSQL: import-100 new at 1M on two nodes against one, accounts/s": "115 % aim",
		"PostgreSQL: last page of a list at 1M against the first, median time":  "1.1 times at least",
		"copy of 1M, embedded to PostgreSQL, accounts":                          "100 k/s at least",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

// TestSum checks that the results of two servers add up.
func TestSum(t *testing.T) {
	one := &loadgen.Result{Workload: loadgen.Check, Calls: 3, Accounts: 300, Elapsed: 2 * time.Second, LongestGap: time.Millisecond, Latency: new(loadgen.Histogram)}
	other := &loadgen.Result{Workload: loadgen.Check, Calls: 4, Accounts: 400, Elapsed: time.Second, LongestGap: time.Second, Latency: new(loadgen.Histogram)}
	got := sum([]*loadgen.Result{one, nil, other})
	if got.Workload != loadgen.Check || got.Calls != 7 || got.Accounts != 700 || got.Elapsed != 2*time.Second || got.LongestGap != time.Second {
		t.Errorf("%+v", got)
	}
}

// TestPlans checks that every step of every server is in the order of its
// stage, and is a workload or a measurement of Rollcall.
func TestPlans(t *testing.T) {
	for _, p := range []*Plan{Quick(0), Full(0), Large(0), Postgres(0)} {
		for _, st := range p.Stages {
			for server, steps := range st.Servers {
				for _, step := range steps {
					if !slices.Contains(st.Steps, step) {
						t.Errorf("%s: %s takes step %s, which the stage has not", p.Name, server, step)
					}
				}
			}
			for _, step := range st.Steps {
				own := []string{stepSize, stepRestart, stepStream, stepExport, stepPages, stepCopy, stepLogin, stepKick, stepLinks, stepFaithful, stepReliable}
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
