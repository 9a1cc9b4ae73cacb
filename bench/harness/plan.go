// Package harness runs the yardsticks and Rollcall side by side, interleaved, and
// compares what they do.
package harness

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"rollcall/internal/loadgen"
)

// Names of servers.
const (
	Noop          = "noop"
	Floor         = "floor"
	NaiveSQLite   = "naive-sqlite"
	NaivePostgres = "naive-postgres"
	BestPostgres  = "postgres-best"
	Rollcall      = "rollcall"
)

// Steps that are no workload: they look at Rollcall itself.
const (
	stepSize    = "size"    // memory and disk, once it has settled
	stepRestart = "restart" // the time to the first answer with all data there
)

// stepLoad is a part of a load that no figure rests on.
const stepLoad = "load"

// step is how many accounts a large load makes between two looks at the clock,
// and the most that a figure for import-100-new rests on.
const step = 1_000_000

// A Plan says what is measured.
type Plan struct {
	Name   string        `json:"name"`
	Rounds int           `json:"rounds"` // each begins with empty servers
	Slices int           `json:"slices"` // of each workload in a round, by turns with the other servers
	Slice  time.Duration `json:"slice"`  // length of one, where the workload has no end of its own
	Settle time.Duration `json:"settle"` // the most that is waited for a server to finish what it put off
	Stages []Stage       `json:"stages"`
}

// A Stage is a size, and what is measured there.
type Stage struct {
	Accounts int64               `json:"accounts"`
	Steps    []string            `json:"steps"`
	Servers  map[string][]string `json:"servers"` // steps that each takes part in
}

// servers returns the names of all servers of p, in the order in which they
// take turns.
func (p *Plan) servers() []string {
	var names []string
	for _, name := range []string{Noop, Floor, NaiveSQLite, NaivePostgres, BestPostgres, Rollcall} {
		if slices.ContainsFunc(p.Stages, func(s Stage) bool { return len(s.Servers[name]) > 0 }) {
			names = append(names, name)
		}
	}
	return names
}

// Restrict leaves only the given servers and steps, where any are given.
func (p *Plan) Restrict(servers, steps []string) {
	for i := range p.Stages {
		st := &p.Stages[i]
		st.Servers = maps.Clone(st.Servers)
		for name, own := range st.Servers {
			if len(servers) > 0 && !slices.Contains(servers, name) {
				delete(st.Servers, name)
			} else if len(steps) > 0 {
				st.Servers[name] = slices.DeleteFunc(slices.Clone(own), func(s string) bool {
					return s != loadgen.ImportNew && !slices.Contains(steps, s)
				})
			}
		}
	}
}

// Quick measures what the most important ratios need, at n accounts or, for 0,
// at 200,000. It takes under four minutes on two cores.
func Quick(n int64) *Plan {
	n = cmp.Or(n, 200_000)
	return &Plan{
		Name: "quick", Rounds: 3, Slices: 1, Slice: 1500 * time.Millisecond, Settle: 30 * time.Second,
		Stages: []Stage{{
			Accounts: n,
			Steps:    []string{loadgen.ImportNew, stepSize, loadgen.Check, loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, stepRestart},
			Servers: map[string][]string{
				Noop:          {loadgen.ImportNew, loadgen.Check},
				Floor:         {loadgen.ImportNew, loadgen.ImportOne},
				NaiveSQLite:   {loadgen.ImportNew},
				NaivePostgres: {loadgen.ImportNew},
				BestPostgres:  {loadgen.ImportNew},
				Rollcall:      {loadgen.ImportNew, stepSize, loadgen.Check, loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, stepRestart},
			},
		}},
	}
}

// everything is each workload, and the looks at size and restart where they do
// not disturb.
var everything = []string{
	loadgen.ImportNew, stepSize, loadgen.Check, loadgen.CheckOne, loadgen.PortraitGet, loadgen.List,
	loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, stepRestart, loadgen.Delete,
}

// Full measures everything, at n accounts or, for 0, at a million.
func Full(n int64) *Plan {
	n = cmp.Or(n, 1_000_000)
	naive := []string{loadgen.ImportNew, loadgen.Check, loadgen.CheckOne, loadgen.ImportOne}
	return &Plan{
		Name: "full", Rounds: 3, Slices: 1, Slice: 3 * time.Second, Settle: time.Minute,
		Stages: []Stage{{
			Accounts: n,
			Steps:    everything,
			Servers: map[string][]string{
				Noop:        {loadgen.ImportNew, loadgen.Check, loadgen.CheckOne, loadgen.ImportOne},
				Floor:       {loadgen.ImportNew, loadgen.ImportOne},
				NaiveSQLite: naive, NaivePostgres: naive,
				BestPostgres: {loadgen.ImportNew},
				Rollcall:     everything,
			},
		}},
	}
}

// Large measures how cost grows: at a million accounts and at n or, for 0, at
// ten million. The naive
// servers and PostgreSQL would take hours to get there and are left out.
func Large(n int64) *Plan {
	n = cmp.Or(n, 10_000_000)
	first := []string{loadgen.ImportNew, loadgen.Check}
	return &Plan{
		Name: "large", Rounds: 1, Slices: 3, Slice: 4 * time.Second, Settle: 2 * time.Minute,
		Stages: []Stage{
			{
				Accounts: min(step, n),
				Steps:    first,
				Servers:  map[string][]string{Noop: first, Floor: {loadgen.ImportNew}, Rollcall: first},
			},
			{
				Accounts: n,
				Steps:    everything,
				Servers: map[string][]string{
					Noop:     {loadgen.ImportNew, loadgen.Check, loadgen.CheckOne, loadgen.ImportOne},
					Floor:    {loadgen.ImportNew, loadgen.ImportOne},
					Rollcall: everything,
				},
			},
		},
	}
}
