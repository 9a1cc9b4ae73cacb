package harness

import (
	"fmt"

	"rollcall/internal/loadgen"
)

// A Reach is one figure with its target for Rollcall.
type Reach struct {
	Figure  string  `json:"figure"`
	Value   float64 `json:"value"`
	AtLeast float64 `json:"at_least"`
	Aim     float64 `json:"aim"`
	Unit    string  `json:"unit"` // "%", "x", "k/s" or "M/s", for which larger is better, or a unit for which smaller is better

	// ByCPU is the same ratio, of CPU time per call instead of rates. It is 0
	// if there is none. It varies less with the other load of the machine.
	ByCPU float64 `json:"by_cpu,omitempty"`
}

// better reports whether the value is at least as good as want.
func (r *Reach) better(want float64) bool {
	switch r.Unit {
	case "%", "x", "k/s", "M/s":
		return r.Value >= want
	}
	return r.Value <= want
}

// verdict returns which target has been reached.
func (r *Reach) verdict() string {
	switch {
	case r.better(r.Aim):
		return "aim"
	case r.better(r.AtLeast):
		return "at least"
	}
	return "missed"
}

// reached returns the figures of these results.
func (res *Results) reached() []Reach {
	c := &comparison{rows: rows(res.Samples)}
	last := res.Plan.Stages[len(res.Plan.Stages)-1].Accounts
	c.growth(last)
	for _, st := range res.Plan.Stages {
		c.ratios(st.Accounts)
		c.databases(st.Accounts)
	}
	if len(res.Facts) > 0 {
		c.idle(res.Facts)
		c.facts(res.Facts)
	}
	return c.all
}

// A comparison collects figures.
type comparison struct {
	rows []Row
	all  []Reach
}

func (c *comparison) row(server, workload string, accounts int64) *Row {
	for i := range c.rows {
		if r := &c.rows[i]; r.Server == server && r.Workload == workload && r.Accounts == accounts {
			return r
		}
	}
	return nil
}

func calls(r *Row) float64    { return r.CallsPerS }
func accounts(r *Row) float64 { return r.AccountsPerS }
func median(r *Row) float64   { return r.P50 }

// add adds the ratio of two rows, in percent or as a factor, if both were
// measured.
func (c *comparison) add(of, to *Row, by func(*Row) float64, r Reach) {
	if of == nil || to == nil || by(to) == 0 {
		return
	}
	r.Value = by(of) / by(to)
	if of.CPUUs > 0 {
		r.ByCPU = to.CPUUs / of.CPUUs
	}
	if r.Unit == "%" {
		r.Value *= 100
		r.ByCPU *= 100
	}
	c.all = append(c.all, r)
}

// ratios adds the ratios at a number of accounts.
func (c *comparison) ratios(n int64) {
	at := " at " + short(n)
	row := func(server, workload string) *Row { return c.row(server, workload, n) }
	imported := row(Rollcall, loadgen.ImportNew)
	c.add(imported, row(Floor, loadgen.ImportNew), calls,
		Reach{Figure: "import-100 new" + at + " against floor", AtLeast: 10, Aim: 25, Unit: "%"})
	c.add(imported, row(NaiveSQLite, loadgen.ImportNew), calls,
		Reach{Figure: "import-100 new" + at + " against naive SQLite", AtLeast: 6, Aim: 15, Unit: "x"})
	c.add(imported, row(NaivePostgres, loadgen.ImportNew), calls,
		Reach{Figure: "import-100 new" + at + " against naive PostgreSQL", AtLeast: 10, Aim: 25, Unit: "x"})
	c.add(imported, row(BestPostgres, loadgen.ImportNew), accounts,
		Reach{Figure: "import-100 new" + at + " against PostgreSQL done well, accounts/s", AtLeast: 2, Aim: 5, Unit: "x"})
	c.add(row(Rollcall, loadgen.ImportExisting), imported, calls,
		Reach{Figure: "import-100 existing" + at + " against new", AtLeast: 60, Aim: 100, Unit: "%"})
	c.add(row(Rollcall, loadgen.ImportOne), row(Floor, loadgen.ImportOne), calls,
		Reach{Figure: "import-1" + at + " against floor", AtLeast: 60, Aim: 80, Unit: "%"})
	c.add(row(Rollcall, loadgen.Check), row(Noop, loadgen.Check), calls,
		Reach{Figure: "check-100" + at + " against no-op", AtLeast: 30, Aim: 40, Unit: "%"})
	c.add(row(Rollcall, loadgen.LoginOne), row(Rollcall, loadgen.ImportOne), calls,
		Reach{Figure: "virtual logins, durable, against import-1", AtLeast: 70, Aim: 100, Unit: "%"})
	c.add(row(Rollcall, loadgen.Status), row(Noop, loadgen.Status), calls,
		Reach{Figure: "query_online_status of 500 ids, " + short(n) + " devices, against no-op", AtLeast: 15, Aim: 30, Unit: "%"})
	c.links(row)
	c.add(row(Rollcall, stepStream), imported, accounts,
		Reach{Figure: "stream of " + short(n) + " against import-100 new, accounts/s", AtLeast: 2, Aim: 4, Unit: "x"})
	c.rate(row(Rollcall, stepExport), Reach{Figure: "export" + at + ", accounts", AtLeast: 1, Aim: 2, Unit: "M/s"})
}

// links adds the figures of links and of webhooks.
func (c *comparison) links(row func(server, workload string) *Row) {
	c.add(row(Rollcall, stepLogin), row(BareLinks, stepLogin), calls,
		Reach{Figure: "logins over links, 64 at a time, against handshakes of a bare server", AtLeast: 50, Aim: 80, Unit: "%"})
	if r := row(Rollcall, stepKick); r != nil {
		c.all = append(c.all, Reach{Figure: "kick until the link is closed, p99 at 1,000 kicks/s", Value: r.P99, AtLeast: 100, Aim: 20, Unit: "ms"})
	}
	c.add(row(Rollcall, stepFaithful), row(BareWebhooks, stepFaithful), calls,
		Reach{Figure: "webhooks, faithful, against a bare client", AtLeast: 60, Aim: 90, Unit: "%"})
	c.add(row(Rollcall, stepReliable), row(BareWebhooks, stepFaithful), calls,
		Reach{Figure: "webhooks, reliable, against a bare client", AtLeast: 30, Aim: 60, Unit: "%"})
}

// databases adds the ratios of Rollcall on PostgreSQL and on Citus.
func (c *comparison) databases(n int64) {
	at := " at " + short(n)
	row := func(server, workload string) *Row { return c.row(server, workload, n) }
	imported := row(RollcallPostgres, loadgen.ImportNew)
	c.add(imported, row(BarePostgres, loadgen.ImportNew), accounts,
		Reach{Figure: "PostgreSQL: import-100 new" + at + " against bare pgx, accounts/s", AtLeast: 60, Aim: 85, Unit: "%"})
	c.add(imported, row(NaivePostgres, loadgen.ImportNew), accounts,
		Reach{Figure: "PostgreSQL: import-100 new" + at + " against naive PostgreSQL, accounts/s", AtLeast: 3, Aim: 5, Unit: "x"})
	c.add(row(RollcallPostgres, loadgen.Check), row(BarePostgres, loadgen.Check), calls,
		Reach{Figure: "PostgreSQL: check-100" + at + " against bare JOIN unnest", AtLeast: 60, Aim: 85, Unit: "%"})
	c.add(row(RollcallCitus, loadgen.ImportNew), row(BareCitus, loadgen.ImportNew), accounts,
		Reach{Figure: "Citus: import-100 new" + at + " against bare pgx, accounts/s", AtLeast: 60, Aim: 85, Unit: "%"})
	c.add(row(RollcallTwo, loadgen.ImportNew), imported, accounts,
		Reach{Figure: "PostgreSQL: import-100 new" + at + " on two nodes against one, accounts/s", AtLeast: 90, Aim: 110, Unit: "%"})
	c.add(row(RollcallPostgres, lastPage), row(RollcallPostgres, firstPage), median,
		Reach{Figure: "PostgreSQL: last page of a list" + at + " against the first, median time", AtLeast: 1.2, Aim: 1.05, Unit: "times"})
	if r := row(RollcallPostgres, stepCopy); r != nil {
		c.all = append(c.all, Reach{Figure: "copy of " + short(n) + ", embedded to PostgreSQL, accounts", Value: r.AccountsPerS / 1e3, AtLeast: 50, Aim: 150, Unit: "k/s"})
	}
}

// rate adds the accounts per second of a row, in millions, if it was measured.
func (c *comparison) rate(of *Row, r Reach) {
	if of != nil {
		r.Value = of.AccountsPerS / 1e6
		c.all = append(c.all, r)
	}
}

// growth adds the import at n accounts relative to that at a million.
func (c *comparison) growth(n int64) {
	if n > step {
		c.add(c.row(Rollcall, loadgen.ImportNew, n), c.row(Rollcall, loadgen.ImportNew, step), calls,
			Reach{Figure: "import-100 new at " + short(n) + " against at " + short(step), AtLeast: 70, Aim: 90, Unit: "%"})
	}
}

// facts adds the figures that are not ratios. They are those of the worst
// round.
func (c *comparison) facts(rounds []Facts) {
	var gap, memory, start, disk float64
	n := rounds[0].Accounts
	if n == 0 {
		return
	}
	for _, f := range rounds {
		gap = max(gap, ms(f.Gap))
		memory = max(memory, float64(f.LoadedRSS-f.BaseRSS)/float64(n))
		start = max(start, f.Start.Seconds())
		disk = max(disk, float64(f.Disk)/float64(n))
	}
	at := " at " + short(n)
	c.all = append(c.all,
		Reach{Figure: "longest gap without an answer while loading " + short(n), Value: gap, AtLeast: 100, Aim: 50, Unit: "ms"},
		Reach{Figure: "memory per account above the base" + at, Value: memory, AtLeast: 80, Aim: 48, Unit: "bytes"},
		Reach{Figure: "start to the first answer" + at, Value: start, AtLeast: 5, Aim: 1, Unit: "s"},
		Reach{Figure: "disk per account after settling" + at, Value: disk, AtLeast: 140, Aim: 100, Unit: "bytes"},
	)
}

// idle adds the memory of idle links.
func (c *comparison) idle(rounds []Facts) {
	most, n := 0.0, int64(0)
	for _, f := range rounds {
		if f.Links > 0 {
			n = f.Links
			most = max(most, float64(f.LinkRSS)/float64(n)/1024)
		}
	}
	if n > 0 {
		c.all = append(c.all, Reach{Figure: "memory of an idle link above the base, " + short(n) + " links", Value: most, AtLeast: 32, Aim: 12, Unit: "KiB"})
	}
}

// short formats a number of accounts.
func short(n int64) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n%1000 == 0:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}
