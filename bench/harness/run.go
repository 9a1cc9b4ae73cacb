package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"rollcall/bench/measure"
	"rollcall/internal/loadgen"
)

// An Environment is the place where a plan runs.
type Environment struct {
	Dir      string    // on a real disk; all files are written below it
	Self     string    // this program, which contains the yardsticks
	Rollcall string    // the binary of Rollcall as released
	Citus    string    // URL of a database of Citus; "" for none
	Progress io.Writer // one line for each step
}

// Results are the measurements of a plan.
type Results struct {
	Plan    *Plan           `json:"plan"`
	Machine measure.Machine `json:"machine"`
	Samples []Sample        `json:"samples"`
	Facts   []Facts         `json:"facts"` // one for each round
	Skipped []string        `json:"skipped,omitempty"`
	Failed  []string        `json:"failed,omitempty"` // workloads that ended with a bad response
}

// A bench is a plan in progress.
type bench struct {
	*Results
	env     *Environment
	cluster *cluster // PostgreSQL, once a server has needed it
	round   *round
}

// A round is one pass that begins with empty servers.
type round struct {
	number   int
	subjects map[string]subject
	loaded   map[string]int64    // number of accounts of each server; their numbers are below it
	extra    map[string]int64    // accounts created beyond the load
	skip     map[[2]string]int64 // number of calls of each workload on each server
	version  uint64
	facts    Facts
}

// Run runs p. A workload that gets a bad response ends there and is listed in
// Failed. The others continue. The results are valid even if Run returns an
// error.
func Run(ctx context.Context, p *Plan, env *Environment) (_ *Results, err error) {
	b := &bench{Results: &Results{Plan: p}, env: env}
	memory, err := measure.InMemory(env.Dir)
	if err != nil {
		return b.Results, err
	}
	if memory {
		return b.Results, fmt.Errorf("%s is in memory: choose a directory on a disk, because fdatasync costs nothing in memory", env.Dir)
	}
	if b.Machine, err = measure.Look(env.Dir); err != nil {
		return b.Results, err
	}
	defer func() {
		if b.cluster != nil {
			err = errors.Join(err, b.cluster.stop())
		}
	}()
	for i := range p.Rounds {
		if err := b.runRound(ctx, i); err != nil {
			return b.Results, err
		}
	}
	return b.Results, nil
}

// runRound starts all servers, runs the steps of all stages, and stops the
// servers.
func (b *bench) runRound(ctx context.Context, number int) (err error) {
	b.round = &round{
		number: number, subjects: map[string]subject{},
		loaded: map[string]int64{}, extra: map[string]int64{}, skip: map[[2]string]int64{},
	}
	defer func() {
		for _, s := range b.round.subjects {
			err = errors.Join(err, s.stop())
		}
	}()
	for _, name := range b.Plan.servers() {
		s, err := b.newSubject(ctx, name)
		if errors.Is(err, errNoPostgres) || errors.Is(err, errNoCitus) {
			b.skipped(name + ": " + err.Error())
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.round.subjects[name] = s
		if err := s.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for i := range b.Plan.Stages {
		if err := b.runStage(ctx, &b.Plan.Stages[i]); err != nil {
			return err
		}
	}
	b.Facts = append(b.Facts, b.round.facts)
	return nil
}

func (b *bench) runStage(ctx context.Context, st *Stage) error {
	for _, step := range st.Steps {
		slices := b.Plan.Slices
		switch step {
		case stepSize, stepRestart, stepStream, stepExport, stepPages, stepCopy, stepLinks, loadgen.Devices:
			slices = 1
		}
		for i := range slices {
			if err := b.takeTurns(ctx, st, step, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeTurns runs a step once on each server.
func (b *bench) takeTurns(ctx context.Context, st *Stage, step string, slice int) error {
	names := b.Plan.servers()
	if (b.round.number+slice)%2 != 0 { // alternate the order, so that no server always follows the same one
		slices.Reverse(names)
	}
	for _, name := range names {
		if b.round.subjects[name] == nil || !slices.Contains(st.Servers[name], step) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		switch err := b.step(ctx, st, turn{name, step, slice}); {
		case errors.Is(err, errNoAdminAPI):
			b.skipped(fmt.Sprintf("%s on %s: %v", step, name, err))
		case err != nil && (ctx.Err() != nil || step == loadgen.ImportNew):
			return fmt.Errorf("%s on %s: %w", step, name, err) // later steps cannot run
		case err != nil:
			b.Failed = append(b.Failed, fmt.Sprintf("%s on %s, round %d: %v", step, name, b.round.number+1, err))
			b.say("FAILED %s", b.Failed[len(b.Failed)-1])
		}
	}
	return nil
}

func (b *bench) skipped(what string) {
	if !slices.Contains(b.Skipped, what) {
		b.Skipped = append(b.Skipped, what)
	}
}

// A turn is one step of one server.
type turn struct {
	server, step string
	slice        int
}

func (b *bench) step(ctx context.Context, st *Stage, t turn) error {
	switch {
	case t.step == stepSize:
		return b.size(ctx, st)
	case t.step == stepRestart:
		return b.restart(ctx, st)
	case t.step == stepStream, t.step == stepExport:
		return b.measure(ctx, t, loadgen.Options{Workload: t.step, Accounts: st.Accounts})
	case t.step == stepPages:
		return b.pages(ctx, st, t)
	case t.step == stepCopy:
		return b.copyStore(ctx, st, t)
	case t.step == stepLinks:
		return b.links(ctx)
	case t.step == loadgen.LoginOne:
		return b.logInVirtual(ctx, st, t)
	case t.step != loadgen.ImportNew || stateless(t.server):
		return b.measure(ctx, t, b.options(st, t))
	case t.slice == 0: // an account is new only once
		return b.grow(ctx, st, t)
	}
	return nil
}

// logInVirtual measures logins of virtual devices, without the import of their accounts.
func (b *bench) logInVirtual(ctx context.Context, st *Stage, t turn) error {
	r := b.round.subjects[t.server].(*rollcall)
	if r.context.AdminToken == "" {
		return errNoAdminAPI
	}
	if err := r.createTest(ctx); err != nil {
		return err
	}
	if _, err := quiet(ctx, r, stepLoad, b.Plan.Settle); err != nil {
		return err
	}
	return b.measure(ctx, t, b.options(st, t))
}

// stateless reports whether a server stores nothing, so that every account is
// new to it.
func stateless(server string) bool { return server == Noop || server == Floor }

// grow brings the server to the number of accounts of the stage. Only the last
// part, at most [step] accounts, counts as the import at that number.
func (b *bench) grow(ctx context.Context, st *Stage, t turn) error {
	r := b.round
	if t.server == Rollcall && r.loaded[t.server] == 0 {
		if err := b.base(ctx); err != nil {
			return err
		}
	}
	for r.loaded[t.server] < st.Accounts {
		left := st.Accounts - r.loaded[t.server]
		n := min(left, step)
		o := loadgen.Options{Workload: loadgen.ImportNew, Accounts: r.loaded[t.server], Calls: n / 100}
		if n == left {
			t.step = loadgen.ImportNew
		} else {
			t.step = stepLoad
		}
		if err := b.measure(ctx, t, o); err != nil {
			return err
		}
		r.loaded[t.server] += n
		b.Samples[len(b.Samples)-1].Accounts = r.loaded[t.server]
	}
	return nil
}

// options returns the load of a slice of a workload at a stage.
func (b *bench) options(st *Stage, t turn) loadgen.Options {
	r := b.round
	r.version += 1 << 20 // more than the number of passes of one slice
	o := loadgen.Options{
		Workload: t.step, Accounts: st.Accounts, Duration: b.Plan.Slice,
		Skip: r.skip[[2]string{t.server, t.step}], Version: r.version,
	}
	switch t.step {
	case loadgen.Delete: // leave some for the next slice
		o.Calls = st.Accounts / 100 / int64(b.Plan.Slices)
	case loadgen.Devices: // every account has a device afterwards
		o.Calls, o.Duration, o.Skip = st.Accounts/250, 0, 0
	case loadgen.List, stepLogin, stepKick, stepFaithful, stepReliable:
		o.Skip = 0
	}
	return o
}

// measure runs o and records the result.
func (b *bench) measure(ctx context.Context, t turn, o loadgen.Options) error {
	s := b.round.subjects[t.server]
	before, err := measure.CPU(s.pids()...)
	if err != nil {
		return err
	}
	own := measure.OwnCPU()
	res, err := s.load(ctx, o)
	if err != nil {
		return err
	}
	c := cpu{generator: measure.OwnCPU() - own}
	during, err := measure.CPU(s.pids()...)
	if err != nil {
		return err
	}
	after, err := quiet(ctx, s, t.step, b.Plan.Settle)
	if err != nil {
		return err
	}
	c.server, c.late = after-before, after-during
	if _, ok := s.(inProcess); ok {
		c.server, c.generator = c.server+c.generator, 0
	}
	b.round.skip[[2]string{t.server, t.step}] += res.Calls
	sample := newSample(res, c)
	sample.Server, sample.Workload, sample.Accounts, sample.Round = t.server, t.step, o.Accounts, b.round.number
	b.Samples = append(b.Samples, sample)
	if t.server == Rollcall && (t.step == loadgen.ImportNew || t.step == stepLoad) {
		b.round.facts.Gap = max(b.round.facts.Gap, res.LongestGap)
	}
	b.say("round %d  %-19s %-20s %9.0f calls/s  %7.1f µs CPU/call  %6d calls",
		b.round.number+1, t.server, t.step, sample.CallsPerS, sample.CPUUs, sample.Calls)
	return nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.env.Progress, format+"\n", args...)
}

// base records the memory of Rollcall while it has no accounts, after some
// load.
func (b *bench) base(ctx context.Context) error {
	s := b.round.subjects[Rollcall].(*rollcall)
	o := loadgen.Options{Workload: loadgen.Check, Accounts: 1000, Calls: 500, Credentials: s.credentials, URL: s.address}
	if _, err := loadgen.Run(ctx, o); err != nil { // there are no accounts to find, so nothing is verified
		return err
	}
	if _, err := quiet(ctx, s, o.Workload, b.Plan.Settle); err != nil {
		return err
	}
	var err error
	b.round.facts.BaseRSS, err = measure.RSS(s.pids()[0])
	return err
}

func (b *bench) size(ctx context.Context, st *Stage) error {
	s := b.round.subjects[Rollcall].(*rollcall)
	if err := settle(ctx, s.dir, b.Plan.Settle); err != nil {
		return err
	}
	f := &b.round.facts
	f.Accounts = st.Accounts
	if err := s.size(f); err != nil {
		return err
	}
	b.say("round %d  %-14s %-20s %9.0f MB memory  %5.0f MB disk", b.round.number+1, Rollcall, stepSize, float64(f.LoadedRSS)/1e6, float64(f.Disk)/1e6)
	return nil
}

func (b *bench) restart(ctx context.Context, st *Stage) error {
	s := b.round.subjects[Rollcall].(*rollcall)
	f := &b.round.facts
	if err := s.restart(ctx, loadgen.Options{Accounts: st.Accounts}, f); err != nil {
		return err
	}
	if _, err := quiet(ctx, s, stepRestart, b.Plan.Settle); err != nil {
		return err
	}
	var err error
	f.FreshRSS, err = measure.RSS(s.pids()[0])
	b.say("round %d  %-14s %-20s %v after a stop, %v after a kill", b.round.number+1, Rollcall, stepRestart,
		f.Start.Round(time.Millisecond), f.KillStart.Round(time.Millisecond))
	return err
}

// newSubject returns the server with that name, which is not yet started.
func (b *bench) newSubject(ctx context.Context, name string) (subject, error) {
	dir := filepath.Join(b.env.Dir, name)
	switch name {
	case Rollcall:
		return newRollcall(b.env.Rollcall, dir), nil
	case Noop, Floor, NaiveSQLite:
		return newYardstick(b.env.Self, name, dir), nil
	case BareLinks:
		return bareLinks{newYardstick(b.env.Self, name, dir)}, nil
	case BareWebhooks:
		return bareWebhooks{newYardstick(b.env.Self, name, dir)}, nil
	}
	if name == BareCitus || name == RollcallCitus {
		return b.onCitus(ctx, name, dir)
	}
	if b.cluster == nil {
		c, err := startCluster(ctx, b.env.Dir)
		if err != nil {
			return nil, err
		}
		b.cluster = c
	}
	return b.onPostgres(name, dir), nil
}

// onPostgres returns a subject that uses the cluster.
func (b *bench) onPostgres(name, dir string) subject {
	switch name {
	case BestPostgres:
		return &bestPostgres{cluster: b.cluster}
	case BarePostgres:
		return &bare{database: b.cluster.database(name)}
	case RollcallPostgres:
		return newNodes(b.env.Rollcall, dir, 1, b.cluster.database(name))
	case RollcallTwo:
		return newNodes(b.env.Rollcall, dir, 2, b.cluster.database(name))
	}
	return &naivePostgres{newYardstick(b.env.Self, name, dir, "--dsn", b.cluster.dsn(name)), b.cluster}
}

// onCitus returns a subject that uses the given database of Citus.
func (b *bench) onCitus(ctx context.Context, name, dir string) (subject, error) {
	if b.env.Citus == "" {
		return nil, errNoCitus
	}
	d, err := citusDatabase(ctx, b.env.Citus, name)
	if err != nil {
		return nil, err
	}
	if name == BareCitus {
		return &bareCitus{bare: bare{database: d}}, nil
	}
	return newNodes(b.env.Rollcall, dir, 1, d), nil
}
