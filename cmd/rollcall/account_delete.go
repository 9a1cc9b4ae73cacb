package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/alecthomas/kong"

	"rollcall/internal/importer"
	"rollcall/internal/progress"
	"rollcall/internal/source"
)

type accountDeleteCmd struct {
	UserIDs []string `arg:"" optional:"" name:"userid" help:"Ids to delete."`
	confirmation
	File []string `placeholder:"FILE" sep:"none" help:"File of accounts to delete, or a pattern of files; - reads standard input; may be repeated."`
	deleteFlags
}

// deleteFlags are for files.
type deleteFlags struct {
	DryRun bool `help:"With --file: ask which ids exist, and delete nothing."`
	runFlags
	paceFlags
	sourceFlags
}

// Help is shown by rollcall account delete --help.
func (accountDeleteCmd) Help() string {
	return `It cannot be undone: the command asks first on a terminal, and needs --yes in a
script. On paid editions deletion must be allowed first (rollcall app set --setting
allow_delete=true), and a deleted id cannot be imported again for three months.
Exit code 3: some were not deleted.

A file has the form of one for "rollcall import". Only its ids matter. The command asks for
the number of its rows. It keeps a journal and a file of rejected rows as an import
does, so that after Ctrl-C or a crash the same command goes on. An id that does not
exist is counted, but it is not an error.

Examples:
  rollcall account delete alice
  rollcall account delete alice bob --yes --output json
  rollcall account delete --file leavers.csv --dry-run
  rollcall account delete --file leavers.csv --ignore name
  rollcall account delete --file ids.txt --format ids --yes`
}

func (c *accountDeleteCmd) check() error {
	files := c.deleteFlags
	files.Wait = 0 // it has a default
	switch {
	case (len(c.UserIDs) == 0) == (len(c.File) == 0):
		return &usageError{errors.New("give either ids or --file")}
	case slices.Contains(c.File, ""):
		return &usageError{errors.New("--file is empty: give the name of a file")}
	case len(c.File) == 0 && !reflect.ValueOf(files).IsZero():
		return &usageError{errors.New("a flag is for files only: give it with --file; \"rollcall account delete --help\" explains each")}
	}
	return c.paceFlags.check()
}

func (c *accountDeleteCmd) Run(ctx context.Context, env *environment, g *accountCmd, k *kong.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if len(c.File) > 0 {
		return c.files(ctx, env, g, k.Args)
	}
	api, err := g.account(ctx, env)
	if err != nil {
		return err
	}
	g.target(env, g.SDKAppID)
	if err := c.confirm(ctx, env, fmt.Sprintf("this deletes %s of app %d for good", some(c.UserIDs, "account"), g.SDKAppID)); err != nil {
		return err
	}
	results, err := inBatches(ctx, c.UserIDs, api.DeleteAccounts)
	return printResults(env, g, results, deleted, err)
}

// files deletes the accounts of files.
func (c *accountDeleteCmd) files(ctx context.Context, env *environment, g *accountCmd, args []string) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	j, err := c.job(importer.Delete, c.File, options, env)
	if err != nil {
		return err
	}
	var t *target
	err = c.await(ctx, env, j, func() (err error) {
		t, err = c.open(ctx, env, &g.connection, false)
		return err
	})
	if err == nil {
		err = t.keyErr
	}
	if err != nil {
		return err
	}
	j.Target, j.App, j.Way, j.Wire = g.URL, g.SDKAppID, importer.ByWire, t.wire(&c.paceFlags, g.SDKAppID)
	r := &fileRun{job: j, target: t, env: env, output: g.Output, quiet: c.Quiet, args: args}
	g.target(env, g.SDKAppID)
	if c.DryRun {
		return r.dryRun(ctx)
	}
	if err := c.confirmFiles(ctx, env, r); err != nil {
		return err
	}
	return r.run(ctx, false)
}

// confirmFiles lets a person type the number of rows, unless --yes was given.
func (c *accountDeleteCmd) confirmFiles(ctx context.Context, env *environment, r *fileRun) error {
	switch {
	case c.Yes:
		return nil
	case !isTerminal(env.stdin):
		return &usageError{fmt.Errorf("this deletes the accounts of %s of app %d for good; add --yes to confirm", some(r.job.Files, "file"), r.job.App)}
	case slices.Contains(r.job.Files, source.Stdin):
		return &usageError{errors.New("standard input has the accounts, so that nobody can be asked: add --yes to confirm")}
	}
	rows, faulty, err := r.job.Count(ctx)
	if err != nil {
		return err
	}
	n := rows - faulty
	fmt.Fprintf(env.stderr, "This deletes the accounts of %d rows of app %d for good. Type %d to go on: ", n, r.job.App, n)
	switch answer, err := env.line(ctx); {
	case err != nil:
		fmt.Fprintln(env.stderr)
		return fmt.Errorf("nothing was changed: %w", err)
	case answer != strconv.FormatInt(n, 10):
		return errors.New("nothing was changed")
	}
	return nil
}

// dryRun asks which ids exist.
func (r *fileRun) dryRun(ctx context.Context) error {
	var s *importer.Summary
	err := r.withBar("checking", func() (err error) {
		s, err = r.job.DryRun(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if r.output == "json" {
		err = printJSON(r.env.stdout, r.jsonReport(s))
	} else {
		fmt.Fprintf(r.env.stdout, "%s: would delete %s, not there %s, rejected %s\n", counted(s.Row, "row"), progress.Count(s.Done), progress.Count(s.Absent), progress.Count(s.Rejected))
		r.printReasons(s)
	}
	if err != nil {
		return err
	}
	if s.Rejected > 0 {
		return errSomeFailed
	}
	return nil
}
