// Command bench runs Rollcall and the yardsticks side by side and compares
// them. It also contains the yardsticks, which it starts as separate processes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"rollcall/bench/harness"
	"rollcall/bench/yard"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const usage = "usage: bench quick|full|large|postgres [--rollcall BINARY] [--dir DIR] [--servers LIST] …; bench quick -h lists the flags"

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case harness.Noop, harness.Floor, harness.NaiveSQLite, harness.NaivePostgres, harness.BareLinks, harness.BareWebhooks:
		return serve(ctx, args[0], args[1:])
	case "quick", "full", "large", "postgres":
		return measure(ctx, args[0], args[1:])
	}
	return errors.New(usage)
}

// serve runs a yardstick.
func serve(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	dir := flags.String("dir", ".", "directory of the data")
	dsn := flags.String("dsn", "", "database, for PostgreSQL")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch name {
	case harness.Noop:
		return yard.Noop(ctx)
	case harness.Floor:
		return yard.Floor(ctx, *dir)
	case harness.NaiveSQLite:
		return yard.NaiveSQLite(ctx, *dir)
	case harness.BareLinks:
		return yard.Websocket(ctx)
	case harness.BareWebhooks:
		return yard.Webhooks(ctx)
	}
	return yard.NaivePostgres(ctx, *dsn)
}

// measure runs a plan.
func measure(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	var (
		binary   = flags.String("rollcall", "bin/rollcall", "Rollcall as released")
		dir      = flags.String("dir", "bench/tmp", "directory for data, on a real disk")
		results  = flags.String("results", "bench/results", "directory for results")
		accounts = flags.Int64("accounts", 0, "accounts of the last stage (default: that of the plan)")
		rounds   = flags.Int("rounds", 0, "rounds (default: that of the plan)")
		slice    = flags.Duration("slice", 0, "length of a slice (default: that of the plan)")
		servers  = flags.String("servers", "", "servers to measure, with commas between (default: all of the plan)")
		citus    = flags.String("citus", os.Getenv("BENCH_CITUS_URL"), "database of Citus, whose schemas that begin with bench_ are replaced (default: $BENCH_CITUS_URL; none leaves Citus out)")
		steps    = flags.String("steps", "", "workloads, size, restart, stream, export and pages, with commas between (default: all of the plan); import-100-new is always there")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := plan(name, *accounts)
	if *rounds > 0 {
		p.Rounds = *rounds
	}
	if *slice > 0 {
		p.Slice = *slice
	}
	p.Restrict(split(*servers), split(*steps))
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return execute(ctx, p, *dir, *results, harness.Environment{Self: self, Rollcall: *binary, Citus: *citus, Progress: os.Stderr})
}

func plan(name string, accounts int64) *harness.Plan {
	switch name {
	case "quick":
		return harness.Quick(accounts)
	case "full":
		return harness.Full(accounts)
	case "postgres":
		return harness.Postgres(accounts)
	}
	return harness.Large(accounts)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

// execute runs p in a new directory below dir and writes the results.
func execute(ctx context.Context, p *harness.Plan, dir, results string, env harness.Environment) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if env.Dir, err = os.MkdirTemp(dir, p.Name+"-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(env.Dir)) }()
	if err := os.Chmod(env.Dir, 0o755); err != nil { // PostgreSQL runs as another user
		return err
	}
	if env.Dir, err = filepath.Abs(env.Dir); err != nil {
		return err
	}
	if env.Rollcall, err = filepath.Abs(env.Rollcall); err != nil {
		return err
	}
	res, err := harness.Run(ctx, p, &env)
	if err != nil { // the results so far may help to find the cause
		return errors.Join(err, res.Report(os.Stdout))
	}
	err = errors.Join(res.Report(os.Stdout), res.Save(results))
	if len(res.Failed) > 0 {
		err = errors.Join(err, errors.New("some workloads failed, as said above"))
	}
	return err
}
