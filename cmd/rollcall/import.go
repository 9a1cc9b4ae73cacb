package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"rollcall/client"
	"rollcall/internal/importer"
	"rollcall/internal/source"
)

// importCmd imports accounts from files.
type importCmd struct {
	connection `group:"connection"`
	Files      []string `arg:"" optional:"" name:"file" help:"Files of accounts, or patterns of files; - reads standard input."`
	targetFlags
	DryRun   bool   `help:"Check the files, and import nothing."`
	Verify   bool   `help:"Ask for every id afterwards whether it is there."`
	Via      string `enum:"auto,wire,stream" default:"auto" placeholder:"WAY" help:"wire: calls of the account API; stream: one long request to the admin API of a Rollcall; auto: the stream where there is one (default: ${default})."`
	Template bool   `help:"Print an empty table to fill in, and import nothing."`
	runFlags
	sourceFlags
}

// runFlags are the flags of commands that work through files.
type runFlags struct {
	Rejects string        `placeholder:"FILE" given:"the name of a file" help:"File for the rejected rows, with the reasons (default: beside the first file, with .rejects before its ending)."`
	Journal string        `placeholder:"FILE" given:"the name of a file" help:"File that says how far the run is (default: beside the first file, with .rollcall-journal after its name)."`
	Restart bool          `help:"Begin anew, although a journal says how far an earlier run came."`
	Wait    time.Duration `default:"1h" placeholder:"DURATION" help:"How long to wait for a target that is away (default: ${default})."`
	Quiet   bool          `help:"Show no progress."`
}

// Help is shown by rollcall import --help.
func (importCmd) Help() string {
	return `A file is a table (CSV, TSV, or a sheet of an .xlsx workbook) whose first line names
the columns, JSON with an object in each line, or JSON as the vendor's API takes it:
an array of objects, or bodies of account_import and multiaccount_import. What it is
shows in its content, and so do gzip and zstd. A list with one id in a line is read
only with --format ids, because any text looks like one.

Columns and keys are userid, nick, face_url and profile tags such as
Tag_Profile_IM_Gender, or the names of the vendor's API and console: UserID, Nick,
FaceUrl; 用户名, 昵称, 头像. Name others with --map, or leave them out with --ignore;
otherwise the file is refused. Text is UTF-8, has a mark of UTF-16 at its beginning, or
is named by --encoding. A record has 64 KiB at most.

Existing accounts are updated; empty or missing fields keep their value. The lines of
one id apply in the order of the files, and a quota keeps the first ones. The run keeps
to 90 % of the rate limits of the app or of the vendor. It waits for a target that is
away.

A journal beside the first file says how far the run is. After Ctrl-C, a crash or a
loss of power the same command goes on from there: no row is lost, and none is counted
twice. Standard input has no journal. Rejected rows go to a file in the format of
their source, with line and reason; mend them there and import that file.

SIGUSR1 pauses the run and lets it go on. Ctrl-C stops it cleanly; pressed again, it
ends the process at once.

Exit code 3: some rows were rejected, or --verify has found ids that are missing.
Exit code 6: interrupted; the same command goes on.

Examples:
  rollcall import accounts.csv
  rollcall import accounts.csv --dry-run
  rollcall import --template > accounts.csv
  rollcall import members.csv --encoding gbk --map 会员号=userid --ignore 电话
  rollcall import 'users-*.ndjson.gz' more.xlsx --sheet Members --verify
  rollcall import ids.txt --format ids
  rollcall import users.csv --to tencent:singapore --app 1400000001 --key-file key.txt
  psql --csv -c 'SELECT userid, nick FROM users' | rollcall import -`
}

func (c *importCmd) check() error {
	switch {
	case c.Template && len(c.Files) > 0:
		return &usageError{errors.New("--template imports nothing: give it without files")}
	case c.Template:
		return nil
	case len(c.Files) == 0:
		return &usageError{errors.New("no file: name the files to import, or - for standard input")}
	case slices.Contains(c.Files, ""):
		return &usageError{errors.New("the name of a file is empty: give the name of a file")}
	case c.Verify && c.DryRun:
		return &usageError{errors.New("--dry-run imports nothing to verify: leave out --verify")}
	}
	return c.targetFlags.check()
}

func (c *importCmd) Run(ctx context.Context, env *environment, k *kong.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Template {
		_, err := io.WriteString(env.stdout, source.Template)
		return err
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	if c.DryRun {
		t, err := c.resolve(ctx, env, true)
		if err != nil {
			return err
		}
		return c.dryRun(ctx, env, t)
	}
	j, err := c.job(importer.Import, c.Files, options, env)
	if err != nil {
		return err
	}
	if c.Verify && j.Journal == "" {
		return &usageError{errors.New("--verify reads the files again, and standard input and pipes can be read only once: save the accounts in a file")}
	}
	var t *target
	err = c.await(ctx, env, j, func() (err error) {
		t, err = c.resolve(ctx, env, false)
		return err
	})
	if err != nil {
		return err
	}
	r := &fileRun{job: j, target: t, env: env, output: c.Output, quiet: c.Quiet, args: k.Args}
	if err := c.aim(ctx, r); err != nil {
		return err
	}
	c.connection.target(env, c.SDKAppID)
	return r.run(ctx, c.Verify)
}

// resolve finds out what the target is. If it is optional, a missing server or key is no
// error.
func (c *importCmd) resolve(ctx context.Context, env *environment, optional bool) (*target, error) {
	return c.open(ctx, env, &c.connection, optional)
}

// job returns the job of the files. Its target is set by aim.
func (c *runFlags) job(o importer.Operation, names []string, options source.Options, env *environment) (*importer.Job, error) {
	files, err := source.Expand(names)
	if err != nil {
		return nil, err
	}
	if err := source.Try(files, options); err != nil {
		return nil, err
	}
	j := &importer.Job{
		Operation: o, Files: files, Stdin: env.stdin, Source: options, Journal: c.Journal, Rejects: c.Rejects, Restart: c.Restart, Wait: c.Wait,
	}
	switch {
	case !importer.Resumable(files) && (c.Journal != "" || c.Restart):
		return nil, &usageError{errors.New("standard input and pipes can be read only once, so that a run has no journal: leave out --journal and --restart")}
	case !importer.Resumable(files):
	case j.Journal == "":
		j.Journal = importer.JournalFor(o, files)
	}
	return j, nil
}

// awaitPause is the time between two looks for a target that is away.
const awaitPause = 2 * time.Second

// await calls open until the target answers. Only a run that goes on waits: at the first one
// the address may be wrong.
func (c *runFlags) await(ctx context.Context, env *environment, j *importer.Job, open func() error) error {
	began := time.Now()
	for told := false; ; told = true {
		err := open()
		e, ok := errors.AsType[*client.TransportError](err)
		if !ok || !e.Temporary() || time.Since(began) >= c.Wait || c.Restart || j.Journal == "" || ctx.Err() != nil {
			return err
		}
		if _, statErr := os.Stat(j.Journal); statErr != nil {
			return err
		}
		if !told {
			fmt.Fprintf(env.stderr, "the target is away (%v); waiting up to %v\n", cleanLines(err.Error()), c.Wait)
		}
		select {
		case <-time.After(awaitPause):
		case <-ctx.Done():
			return err
		}
	}
}

// aim sets the target and the way of the run.
func (c *importCmd) aim(ctx context.Context, r *fileRun) error {
	j, t := r.job, r.target
	j.Target, j.App = c.URL, c.SDKAppID
	j.Strict = t.app != nil && t.app.Settings.StrictIDs
	j.Wire = t.wire(&c.paceFlags, c.SDKAppID)
	if t.admin != nil {
		j.Stream = &importer.Stream{Client: t.admin}
	}
	var err error
	if j.Way, err = c.way(ctx, r); err != nil {
		return err
	}
	if j.Way == importer.ByWire || c.Verify {
		return t.keyErr
	}
	return nil
}

// way returns how the rows reach the target. A run that goes on keeps its way.
func (c *importCmd) way(ctx context.Context, r *fileRun) (importer.Way, error) {
	if c.Via != "auto" {
		if c.Via == string(importer.ByStream) && r.target.admin == nil {
			return "", &usageError{errors.New("--via stream needs a Rollcall and a token of its admin API: give --admin-token-file, or --via wire")}
		}
		return importer.Way(c.Via), nil
	}
	if r.job.Journal != "" && !c.Restart {
		if way, err := importer.ReadWay(r.job.Journal); way != "" || err != nil {
			return way, err
		}
	}
	if r.target.admin == nil || c.Rate > 0 || c.InFlight > 0 {
		return importer.ByWire, nil
	}
	for _, err := range r.target.admin.Imports(ctx, c.SDKAppID) {
		if hidden(err) {
			return importer.ByWire, nil // an older server
		}
		if err != nil {
			return "", err
		}
		break
	}
	return importer.ByStream, nil
}
