// Package harness runs the yardsticks and Rollcall in turns and compares the
// results.
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
	BareLinks     = "bare-websocket"
	BareWebhooks  = "bare-webhooks"
)

// Names of the servers with the schema of Rollcall in a database.
const (
	BarePostgres     = "postgres-bare"
	RollcallPostgres = "rollcall-postgres"
	RollcallTwo      = "rollcall-postgres-2" // two nodes on one database
	BareCitus        = "citus-bare"
	RollcallCitus    = "rollcall-citus"
)

// Steps that are not workloads. They measure Rollcall itself.
const (
	stepSize    = "size"    // memory and disk, once the server has settled
	stepRestart = "restart" // time to the first response with all data
)

// Steps that move as many accounts as there are with one call of the admin API. They come
// last, because the accounts of the first one are not those of other workloads.
const (
	stepStream = "stream" // import new accounts
	stepExport = "export" // export all accounts
)

// stepPages compares the first page of a list with the last one.
const stepPages = "pages"

// stepCopy copies an embedded store into PostgreSQL.
const stepCopy = "copy"

// stepLoad is a part of a load that is not measured.
const stepLoad = "load"

// step is the number of accounts that a large load creates between two
// measurements of time. It is also the maximum number that a figure for
// import-100-new is based on.
const step = 1_000_000

// A Plan is a description of what to measure.
type Plan struct {
	Name   string        `json:"name"`
	Rounds int           `json:"rounds"` // each round begins with empty servers
	Slices int           `json:"slices"` // slices of each workload in a round, in turns with the other servers
	Slice  time.Duration `json:"slice"`  // duration of a slice, if the workload has no end of its own
	Settle time.Duration `json:"settle"` // maximum wait for a server to finish its deferred work
	Stages []Stage       `json:"stages"`
}

// A Stage is a number of accounts and the measurements at that number.
type Stage struct {
	Accounts int64               `json:"accounts"`
	Steps    []string            `json:"steps"`
	Servers  map[string][]string `json:"servers"` // steps of each server
}

// servers returns the names of all servers of p in the order of their turns.
func (p *Plan) servers() []string {
	var names []string
	for _, name := range []string{
		Noop, Floor, NaiveSQLite, NaivePostgres, BestPostgres, BareLinks, BareWebhooks, Rollcall,
		BarePostgres, RollcallPostgres, RollcallTwo, BareCitus, RollcallCitus,
	} {
		if slices.ContainsFunc(p.Stages, func(s Stage) bool { return len(s.Servers[name]) > 0 }) {
			names = append(names, name)
		}
	}
	return names
}

// Restrict keeps only the given servers and steps. An empty list keeps all.
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

// Quick returns a plan for the most important ratios at n accounts, or at
// 200,000 if n is 0. It takes less than four minutes on two cores.
func Quick(n int64) *Plan {
	n = cmp.Or(n, 200_000)
	return &Plan{
		Name: "quick", Rounds: 3, Slices: 1, Slice: 1500 * time.Millisecond, Settle: 30 * time.Second,
		Stages: []Stage{{
			Accounts: n,
			Steps:    []string{loadgen.ImportNew, stepSize, loadgen.Check, loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, stepRestart, stepStream, stepExport},
			Servers: map[string][]string{
				Noop:          {loadgen.ImportNew, loadgen.Check},
				Floor:         {loadgen.ImportNew, loadgen.ImportOne},
				NaiveSQLite:   {loadgen.ImportNew},
				NaivePostgres: {loadgen.ImportNew},
				BestPostgres:  {loadgen.ImportNew},
				Rollcall:      {loadgen.ImportNew, stepSize, loadgen.Check, loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, stepRestart, stepStream, stepExport},
			},
		}},
	}
}

// everything is all workloads, with size and restart at places where they do
// not disturb.
var everything = []string{
	loadgen.ImportNew, stepSize, loadgen.Check, loadgen.CheckOne, loadgen.PortraitGet, loadgen.List,
	loadgen.ImportUnchanged, loadgen.ImportExisting, loadgen.ImportOne, loadgen.LoginOne, loadgen.DeviceOne, loadgen.Devices, loadgen.Status, stepRestart, loadgen.Delete, stepStream, stepExport,
}

// Full returns a plan for everything at n accounts, or at a million if n is 0.
func Full(n int64) *Plan {
	n = cmp.Or(n, 1_000_000)
	naive := []string{loadgen.ImportNew, loadgen.Check, loadgen.CheckOne, loadgen.ImportOne}
	all := slices.Insert(slices.Clone(everything), slices.Index(everything, stepRestart), lasting...)
	return &Plan{
		Name: "full", Rounds: 3, Slices: 1, Slice: 3 * time.Second, Settle: time.Minute,
		Stages: []Stage{{
			Accounts: n,
			Steps:    all,
			Servers: map[string][]string{
				Noop:        {loadgen.ImportNew, loadgen.Check, loadgen.CheckOne, loadgen.ImportOne, loadgen.Status},
				Floor:       {loadgen.ImportNew, loadgen.ImportOne},
				NaiveSQLite: naive, NaivePostgres: naive,
				BestPostgres: {loadgen.ImportNew},
				BareLinks:    {stepLogin},
				BareWebhooks: {stepFaithful},
				Rollcall:     all,
			},
		}},
	}
}

// lasting are the steps of links and of webhooks, whose cost does not depend on the number of
// accounts. They come before stepRestart, which ends all links.
var lasting = []string{stepLogin, stepKick, stepFaithful, stepReliable, stepLinks}

// Large returns a plan for the growth of costs: at a million accounts and at n,
// or at ten million if n is 0. The naive servers and PostgreSQL would take
// hours and are left out.
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

// Postgres returns a plan for Rollcall on PostgreSQL and Citus at n accounts, or at a
// million if n is 0. The slow servers have a fifth of them.
func Postgres(n int64) *Plan {
	n = cmp.Or(n, 1_000_000)
	imports := []string{loadgen.ImportNew}
	return &Plan{
		Name: "postgres", Rounds: 3, Slices: 1, Slice: 4 * time.Second, Settle: 10 * time.Second,
		Stages: []Stage{
			{
				Accounts: n / 5,
				Steps:    imports,
				Servers: map[string][]string{
					NaivePostgres: imports, BarePostgres: imports, RollcallPostgres: imports,
					BareCitus: imports, RollcallCitus: imports,
				},
			},
			{
				Accounts: n,
				Steps:    []string{loadgen.ImportNew, loadgen.Check, stepPages, stepCopy},
				Servers: map[string][]string{
					BarePostgres:     {loadgen.ImportNew, loadgen.Check},
					RollcallPostgres: {loadgen.ImportNew, loadgen.Check, stepPages, stepCopy},
					RollcallTwo:      imports,
				},
			},
		},
	}
}
