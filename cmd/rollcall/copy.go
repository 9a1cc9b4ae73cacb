package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"rollcall/internal/account"
	"rollcall/internal/copying"
	"rollcall/internal/progress"
	"rollcall/internal/records"
	"rollcall/internal/seal"
	"rollcall/internal/store/open"
)

// copyCmd copies a whole store into another one, of any kind.
type copyCmd struct {
	From       string `required:"" placeholder:"SPEC" given:"a store" help:"The store to copy: pebble:DIR, where DIR is a backup, a data directory or the directory of a store, or postgres://…"`
	To         string `required:"" placeholder:"SPEC" given:"a store" help:"The empty store to fill: pebble:DIR, as \"rollcall serve --store\" takes it, or postgres://…"`
	SealKeys   string `placeholder:"FILE" given:"the name of a file" help:"The keys that seal the secrets in FROM: check first that they open every secret."`
	ToSealKeys string `placeholder:"FILE" given:"the name of a file" help:"Seal the secrets of the copy with the keys in this file. It is created if it does not exist. Needs --seal-keys."`
	Migrate    bool   `help:"Bring the schema of a database TO to this version first."`
	VerifyOnly bool   `help:"Copy nothing; read both stores and compare them."`
	Lanes      int    `default:"4" placeholder:"N" help:"Writes at once, 1 to 64 (default: ${default})."`
	Output     string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
	Quiet      bool   `help:"Show no progress."`
}

// Help is shown by rollcall copy --help.
func (copyCmd) Help() string {
	return `A copy has all accounts with their internal ids, times, profiles and kicks, deleted
ids, apps with their keys and admins, tokens, the audit trail and the records of
imports. At the end both stores are read and compared; the digest is the one that
"rollcall backup verify" prints. So a server can move from the embedded store to
PostgreSQL, and back.

No server may use FROM or TO meanwhile. To copy a running server with a short pause,
see docs/copying.md: the pause is as long as the copy. A running embedded server can
be copied for a rehearsal: make a backup with "rollcall backup create" and copy that.

The destination must be empty. Until the copy is complete, no server starts on it.
After Ctrl-C, a crash or a loss of power, the same command goes on from there. The
copy of another store, or of a later state of FROM, is refused.

Secrets of apps stay sealed as they are: a server on the copy needs the same file of
sealing keys, unless --to-seal-keys names another. A password of a database belongs
into PGPASSWORD or PGPASSFILE, because other users can see the arguments of a command.

Files beside the store are not copied: certificates, the token file, uploaded files of
imports that have not ended.

Exit code 1: the copy failed, or the stores differ.
Exit code 6: interrupted; the same command goes on.

Examples:
  rollcall copy --from pebble:/var/lib/rollcall --to postgres://rollcall@db/rollcall --migrate
  rollcall copy --from postgres://rollcall@db/rollcall --to pebble:/var/lib/rollcall/accounts
  rollcall copy --from pebble:backups/monday --to pebble:other/accounts \
    --seal-keys seal.keys --to-seal-keys other/seal.keys
  rollcall copy --from pebble:backups/monday --to postgres://rollcall@db/rollcall --verify-only`
}

func (c *copyCmd) check() error {
	for _, spec := range []string{c.From, c.To} {
		if !strings.Contains(spec, ":") {
			return &usageError{errors.New("a store of --from and --to begins with its kind: write pebble:DIR or postgres://USER@HOST/DATABASE")}
		}
		if err := open.Check(spec); err != nil {
			return &usageError{err}
		}
		if open.Kind(spec) == "mem" {
			return &usageError{errors.New("a store in memory ends with the command: name a directory or a database")}
		}
	}
	switch {
	case c.From == c.To:
		return &usageError{errors.New("--from and --to name the same store")}
	case c.ToSealKeys != "" && c.SealKeys == "":
		return &usageError{errors.New("--to-seal-keys needs the keys that seal the secrets now: give --seal-keys")}
	case c.Lanes < 1 || c.Lanes > copying.MaxLanes:
		return &usageError{fmt.Errorf("--lanes %d: give a number from 1 to %d", c.Lanes, copying.MaxLanes)}
	}
	return nil
}

// Run copies or compares.
func (c *copyCmd) Run(ctx context.Context, env *environment, k *kong.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	syscall.Umask(0o077) // as rollcall serve
	debug.SetGCPercent(gcPercent)
	o := copying.Options{FromName: open.Redact(c.From), ToName: open.Redact(c.To), Lanes: c.Lanes}
	var err error
	if o.FromKeys, err = ringOf(c.SealKeys, false); err != nil {
		return err
	}
	if o.ToKeys, err = ringOf(c.ToSealKeys, !c.VerifyOnly); err != nil {
		return err
	}
	r := &copyRun{copyCmd: c, env: env, options: o, args: k.Args}
	return open.Source(ctx, c.From, func(from account.Engine) error {
		r.options.From = from
		if c.VerifyOnly {
			return open.Source(ctx, c.To, func(to account.Engine) error {
				r.options.To = to
				return r.verify(ctx)
			})
		}
		return r.copy(ctx)
	})
}

// ringOf returns the keys in a file, or nil for no file. It creates a missing file if
// create is set.
func ringOf(file string, create bool) (*seal.Ring, error) {
	switch {
	case file == "":
		return nil, nil
	case create:
		return seal.CreateRing(file)
	}
	return seal.ReadRing(file)
}

// A copyRun is one run of the command.
type copyRun struct {
	*copyCmd
	env     *environment
	options copying.Options
	args    []string
}

// withBar shows the progress of what do does.
func (r *copyRun) withBar(verb string, do func() error) error {
	bars := &copyBars{run: r, bar: r.bar(verb), stage: copying.Stage(verb)}
	r.options.Progress = bars.set
	defer func() { bars.bar.Close() }()
	return do()
}

func (r *copyRun) bar(verb string) *progress.Bar {
	return progress.New(r.env.stderr, progress.Options{Verb: verb, Unit: "accounts", Terminal: terminal(r.env.stderr), Quiet: r.Quiet})
}

// copy copies and prints the result.
func (r *copyRun) copy(ctx context.Context) error {
	to, err := open.Engine(ctx, r.To, open.Options{Migrate: r.Migrate})
	if err != nil {
		return err
	}
	r.options.To = to
	var s *copying.Summary
	err = r.withBar(string(copying.Copying), func() (err error) {
		s, err = copying.Run(ctx, r.options)
		return err
	})
	if closed := to.Close(); err == nil {
		err = closed
	}
	switch {
	case errors.Is(err, copying.ErrInterrupted):
		fmt.Fprintf(r.env.stderr, "rollcall: interrupted; continue with: %s\n", r.again())
		return &quietError{exitInterrupted}
	case err != nil && s != nil: // the copy has begun
		return r.explained(err)
	case err != nil:
		return err
	}
	return r.report(s)
}

// explained adds how the copy goes on to an error that a retry may mend.
func (r *copyRun) explained(err error) error {
	if _, ok := errors.AsType[*copying.Refusal](err); ok {
		return err
	}
	return fmt.Errorf("%w; the copy goes on with: %s", err, r.again())
}

// again returns the command for a shell, without passwords.
func (r *copyRun) again() string {
	args := make([]string, len(r.args))
	for i, a := range r.args {
		flag, spec, ok := strings.Cut(a, "=")
		switch {
		case open.Shared(a):
			a = open.Redact(a)
		case ok && open.Shared(spec):
			a = flag + "=" + open.Redact(spec)
		}
		args[i] = a
	}
	return commandLine(args)
}

// A copyReport is the result of a copy as JSON.
type copyReport struct {
	State string `json:"state"`
	From  string `json:"from"`
	To    string `json:"to"`
	*account.Contents
	Resumed       bool    `json:"resumed"`
	Sealed        int     `json:"sealed_secrets"`
	Rows          int64   `json:"rows"` // accounts and deleted ids that this run has written
	Seconds       float64 `json:"seconds"`
	RowsPerSecond float64 `json:"rows_per_second"`
}

func (r *copyRun) report(s *copying.Summary) error {
	found := contentsOf(s.Contents)
	rate := float64(s.Rows) / max(s.Copied.Seconds(), 1e-3)
	x := copyReport{"copied", r.options.FromName, r.options.ToName, found, s.Resumed, s.Sealed, s.Rows, s.Took.Seconds(), rate}
	ps := append(propertiesOf(found),
		property{"took", s.Took.Round(10 * time.Millisecond).String()},
		property{"rows/s", progress.Count(int64(rate))})
	if err := printThing(r.env.stdout, r.Output, x, ps); err != nil {
		return err
	}
	fmt.Fprintln(r.env.stderr, "copied and compared: both stores contain the same")
	serve := []string{"serve", "--store", r.options.ToName}
	if keys := cmp.Or(r.ToSealKeys, r.SealKeys); keys != "" && s.Sealed > 0 {
		serve = append(serve, "--seal-keys", keys)
	}
	fmt.Fprintf(r.env.stderr, "start a server on the copy with: %s\n", commandLine(serve))
	if s.Sealed > 0 && r.options.ToKeys == nil {
		fmt.Fprintf(r.env.stderr, "%s sealed: a server on the copy needs the file of sealing keys of the source\n", isAre(s.Sealed, "secret"))
	}
	return nil
}

// isAre returns a number of things with their verb.
func isAre(n int, thing string) string {
	if n == 1 {
		return "1 " + thing + " is"
	}
	return strconv.Itoa(n) + " " + thing + "s are"
}

// contentsOf returns what a copy contains, in the form of a backup.
func contentsOf(c *copying.Contents) *account.Contents {
	found := &account.Contents{Accounts: c.Accounts, Tombstones: c.Deleted, Digest: c.Digest, Records: map[account.Kind]int64{}}
	for kind, k := range c.Records {
		found.Records[kind] = k.Count
	}
	records.Count(found)
	return found
}

// A storeComparison is the result of --verify-only as JSON.
type storeComparison struct {
	Same       bool              `json:"same"`
	Difference string            `json:"difference,omitempty"` // the first one
	From       *account.Contents `json:"from"`
	To         *account.Contents `json:"to"`
}

// verify compares the stores and prints the result.
func (r *copyRun) verify(ctx context.Context) error {
	switch unfinished, err := records.UnfinishedCopy(ctx, r.options.To); {
	case err != nil:
		return err
	case unfinished != nil:
		return fmt.Errorf("%s is an unfinished copy of %s: run the \"rollcall copy\" that began it again to complete it, and compare afterwards", r.options.ToName, unfinished.From)
	}
	var d *copying.Comparison
	err := r.withBar(string(copying.Verifying), func() (err error) {
		d, err = copying.Compare(ctx, r.options)
		return err
	})
	if errors.Is(err, copying.ErrInterrupted) {
		return errors.New("interrupted: the stores were not compared to their end")
	}
	if err != nil {
		return err
	}
	x := storeComparison{d.Same(), d.First, contentsOf(d.From), contentsOf(d.To)}
	if err := r.printComparison(&x); err != nil {
		return err
	}
	if !x.Same {
		return fmt.Errorf("the stores differ: %s", d.First)
	}
	fmt.Fprintln(r.env.stderr, "both stores contain the same")
	return nil
}

func (r *copyRun) printComparison(x *storeComparison) error {
	if r.Output == "json" {
		return printJSON(r.env.stdout, x)
	}
	t := &table{w: r.env.stdout}
	t.row([]string{"", "FROM", "TO"})
	to := propertiesOf(x.To)
	for i, p := range propertiesOf(x.From) {
		t.row([]string{p.name, p.value, to[i].value})
	}
	return t.flush()
}

// copyBars shows each stage of a copy with a bar of its own.
type copyBars struct {
	run   *copyRun
	mu    sync.Mutex
	stage copying.Stage
	bar   *progress.Bar
}

func (b *copyBars) set(s copying.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.Stage != b.stage {
		b.bar.Close()
		b.stage, b.bar = s.Stage, b.run.bar(string(s.Stage))
	}
	b.bar.Set(progress.State{Bytes: s.Rows, TotalBytes: s.Total, Rows: s.Rows, Note: s.Note})
}
