package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// Report writes the results for people.
func (res *Results) Report(w io.Writer) error {
	m := &res.Machine
	fmt.Fprintf(w, "\n%s, %d cores, Linux %s, %s; fdatasync of 4 KiB: %.0f µs; load averages before: %s\n",
		m.CPU, m.Cores, m.Kernel, m.GoVersion, m.FdatasyncUs, m.LoadBefore)
	fmt.Fprintf(w, "Plan %s: %d rounds, %d slices. Medians; least and greatest of all samples in parentheses.\n\n",
		res.Plan.Name, res.Plan.Rounds, res.Plan.Slices)
	err := errors.Join(res.reportRows(w), res.reportFacts(w), res.reportReach(w))
	for _, s := range res.Skipped {
		fmt.Fprintln(w, "Left out:", s)
	}
	for _, s := range res.Failed {
		fmt.Fprintln(w, "FAILED:", s)
	}
	if res.Plan.Name == "large" {
		fmt.Fprintln(w, "The naive servers and PostgreSQL do not run at these sizes.")
	}
	return err
}

func table(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

func (res *Results) reportRows(w io.Writer) error {
	t := table(w)
	fmt.Fprintln(t, "workload\tserver\taccounts\tcalls/s\t\taccounts/s\tserver CPU µs/call\t\tof it late\tgenerator\tp50 ms\tp99\tp99.9\tmax\tgap\t")
	for _, r := range rows(res.Samples) {
		least, most := r.spread(callsPerS)
		lo, hi := r.spread(cpuUs)
		_, gap := r.spread(func(s Sample) float64 { return s.Gap })
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\t(%.0f–%.0f)\t%.0f\t%.1f\t(%.1f–%.1f)\t%.1f\t%.1f\t%.2f\t%.2f\t%.1f\t%.1f\t%.1f\t\n",
			r.Workload, r.Server, short(r.Accounts), r.CallsPerS, least, most, r.AccountsPerS, r.CPUUs, lo, hi,
			r.median(func(s Sample) float64 { return s.LateCPUUs }),
			r.median(func(s Sample) float64 { return s.GeneratorUs }),
			r.P50, r.P99, r.median(func(s Sample) float64 { return s.P999 }), r.Max, gap)
	}
	return t.Flush()
}

func (res *Results) reportFacts(w io.Writer) error {
	if len(res.Facts) == 0 || res.Facts[0].Accounts == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := table(w)
	fmt.Fprintln(t, "rollcall, round\taccounts\tmemory: empty MB\tloaded\tafter restart\tbytes/account loaded\tafter restart\tdisk MB\tbytes/account\tstart s\tafter kill\tgap ms\t")
	for i, f := range res.Facts {
		per := func(n int64) float64 { return float64(n) / float64(max(f.Accounts, 1)) }
		fmt.Fprintf(t, "%d\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.3f\t%.3f\t%.1f\t\n", i+1, short(f.Accounts),
			mb(f.BaseRSS), mb(f.LoadedRSS), mb(f.FreshRSS), per(f.LoadedRSS-f.BaseRSS), per(f.FreshRSS-f.BaseRSS),
			mb(f.Disk), per(f.Disk), f.Start.Seconds(), f.KillStart.Seconds(), ms(f.Gap))
	}
	return t.Flush()
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func (res *Results) reportReach(w io.Writer) error {
	fmt.Fprintln(w)
	t := table(w)
	fmt.Fprintln(t, "figure\tmeasured\tby CPU\tat least\taim\treached\t")
	for _, r := range res.reached() {
		byCPU := ""
		if r.ByCPU > 0 {
			byCPU = fmt.Sprintf("%.3g %s", r.ByCPU, r.Unit)
		}
		fmt.Fprintf(t, "%s\t%.3g %s\t%s\t%g\t%g\t%s\t\n", r.Figure, r.Value, r.Unit, byCPU, r.AtLeast, r.Aim, r.verdict())
	}
	return t.Flush()
}

// Save writes the rows to dir/NAME.json, and all measurements to
// dir/NAME.full.json.
func (res *Results) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	type full struct {
		*Results
		Time  time.Time `json:"time"`
		Reach []Reach   `json:"reach"`
	}
	return errors.Join(
		writeJSON(filepath.Join(dir, res.Plan.Name+".json"), rows(res.Samples)),
		writeJSON(filepath.Join(dir, res.Plan.Name+".full.json"), full{res, time.Now().UTC(), res.reached()}),
	)
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
