package harness

import (
	"slices"
	"time"

	"rollcall/internal/loadgen"
)

// A Sample is the result of one slice of one workload on one server.
type Sample struct {
	Server       string  `json:"server"`
	Workload     string  `json:"workload"`
	Accounts     int64   `json:"accounts"` // number of existing accounts
	Round        int     `json:"round"`
	Calls        int64   `json:"calls"`
	Seconds      float64 `json:"seconds"`
	CallsPerS    float64 `json:"calls_per_s"`
	AccountsPerS float64 `json:"accounts_per_s"`
	CPUUs        float64 `json:"cpu_us_per_call"`       // CPU time of the server, until it was quiet again
	LateCPUUs    float64 `json:"late_cpu_us_per_call"`  // the part of it after the last response
	GeneratorUs  float64 `json:"generator_us_per_call"` // CPU
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	P999         float64 `json:"p999_ms"`
	Max          float64 `json:"max_ms"`
	Gap          float64 `json:"gap_ms"`
}

// cpu is the CPU time of a slice.
type cpu struct{ server, late, generator time.Duration }

func newSample(r *loadgen.Result, c cpu) Sample {
	perCall := func(d time.Duration) float64 {
		return float64(d) / float64(time.Microsecond) / float64(max(r.Calls, 1))
	}
	return Sample{
		Workload: r.Workload, Calls: r.Calls, Seconds: r.Elapsed.Seconds(),
		CallsPerS: r.CallsPerSecond(), AccountsPerS: r.AccountsPerSecond(),
		CPUUs: perCall(c.server), LateCPUUs: perCall(c.late), GeneratorUs: perCall(c.generator),
		P50: ms(r.Latency.Quantile(0.5)), P99: ms(r.Latency.Quantile(0.99)), P999: ms(r.Latency.Quantile(0.999)),
		Max: ms(r.Latency.Max()), Gap: ms(r.LongestGap),
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A Row summarizes all samples of one workload on one server. Its figures are
// medians, except for the longest time, which is the maximum.
type Row struct {
	Server       string  `json:"server"`
	Workload     string  `json:"workload"`
	Accounts     int64   `json:"accounts"`
	CallsPerS    float64 `json:"calls_per_s"`
	AccountsPerS float64 `json:"accounts_per_s"`
	CPUUs        float64 `json:"cpu_us_per_call"`
	P50          float64 `json:"p50_ms"`
	P99          float64 `json:"p99_ms"`
	Max          float64 `json:"max_ms"`

	samples []Sample
}

// rows groups samples in the order of the first sample of each group.
func rows(samples []Sample) []Row {
	type key struct {
		server, workload string
		accounts         int64
	}
	var order []key
	groups := map[key][]Sample{}
	for _, s := range samples {
		k := key{s.Server, s.Workload, s.Accounts}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], s)
	}
	var all []Row
	for _, k := range order {
		all = append(all, newRow(groups[k]))
	}
	return all
}

func newRow(samples []Sample) Row {
	r := Row{
		Server: samples[0].Server, Workload: samples[0].Workload, Accounts: samples[0].Accounts,
		samples: samples,
	}
	r.CallsPerS = r.median(callsPerS)
	r.AccountsPerS = r.median(func(s Sample) float64 { return s.AccountsPerS })
	r.CPUUs = r.median(cpuUs)
	r.P50 = r.median(func(s Sample) float64 { return s.P50 })
	r.P99 = r.median(func(s Sample) float64 { return s.P99 })
	_, r.Max = r.spread(func(s Sample) float64 { return s.Max })
	return r
}

func callsPerS(s Sample) float64 { return s.CallsPerS }
func cpuUs(s Sample) float64     { return s.CPUUs }

// median returns the median of f over the samples of r. For an even number it
// is the mean of the two in the middle.
func (r *Row) median(f func(Sample) float64) float64 {
	v := r.sorted(f)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// spread returns the minimum and the maximum of f over the samples of r.
func (r *Row) spread(f func(Sample) float64) (least, greatest float64) {
	v := r.sorted(f)
	return v[0], v[len(v)-1]
}

func (r *Row) sorted(f func(Sample) float64) []float64 {
	var v []float64
	for _, s := range r.samples {
		v = append(v, f(s))
	}
	slices.Sort(v)
	return v
}
