package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/backups"
	"rollcall/internal/progress"
	"rollcall/internal/repository"
	"rollcall/internal/seal"
	"rollcall/internal/store/open"
)

// A repositoryPlace is the argument of commands that work on a repository.
type repositoryPlace struct {
	Repository string `arg:"" name:"repository" given:"" help:"The place of the repository: a directory, or s3://BUCKET/PREFIX?endpoint=HOST:PORT."`
	repositoryAccess
}

// A repositoryAccess has the flags of commands that work on a repository.
type repositoryAccess struct {
	S3CredentialsFile string `name:"s3-credentials-file" placeholder:"FILE" given:"" help:"Credentials of the storage, in the form of ~/.aws/credentials (default: $$AWS_ACCESS_KEY_ID and $$AWS_SECRET_ACCESS_KEY)."`
	AgeIdentity       string `placeholder:"FILE" given:"" help:"Secret key of age that decrypts the backups."`
}

// open opens the repository. The caller closes it.
func (p *repositoryPlace) open(ctx context.Context) (*repository.Repository, error) {
	o := repository.Options{CredentialsFile: p.S3CredentialsFile}
	if p.AgeIdentity != "" {
		var err error
		if o.Identities, err = repository.ReadIdentities(p.AgeIdentity); err != nil {
			return nil, err
		}
	}
	return repository.Open(ctx, p.Repository, o)
}

// A backupOutput is the form of the output of a long command.
type backupOutput struct {
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
	Quiet  bool   `help:"Show no progress."`
}

// bar shows the progress of what do does, in bytes.
func (o *backupOutput) bar(env *environment, verb string, do func(repository.Progress) error) error {
	bar := progress.New(env.stderr, progress.Options{Verb: verb, Unit: "bytes", Terminal: terminal(env.stderr), Quiet: o.Quiet})
	defer bar.Close()
	return do(func(done, total int64) { bar.Set(progress.State{Rows: done, Bytes: done, TotalBytes: total}) })
}

// A backupChoice names a backup.
type backupChoice struct {
	Backup string `placeholder:"ID" given:"" help:"The backup (default: the newest one)."`
}

// id returns the ID of the backup.
func (c *backupChoice) id(ctx context.Context, r *repository.Repository) (string, error) {
	if c.Backup == "" {
		return r.Newest(ctx)
	}
	return c.Backup, repository.CheckID(c.Backup)
}

// backupListCmd lists backups.
type backupListCmd struct {
	repositoryPlace
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall backup list --help.
func (backupListCmd) Help() string {
	return `The list has the newest backup first. BYTES are those of all files of a backup, and
NEW those that were stored for it alone; earlier backups had stored the rest. The counts
of an encrypted backup need --age-identity.

Examples:
  rollcall backup list /var/backups/rollcall
  rollcall backup list /var/backups/rollcall --output json`
}

// Run lists the backups.
func (c *backupListCmd) Run(ctx context.Context, env *environment) error {
	r, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	all, err := r.List(ctx)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	number := func(of func(adminapi.StoredBackup) int64) func(adminapi.StoredBackup) string {
		return func(b adminapi.StoredBackup) string { return strconv.FormatInt(of(b), 10) }
	}
	inside := func(of func(adminapi.StoredBackup) int64) func(adminapi.StoredBackup) string {
		return func(b adminapi.StoredBackup) string {
			if b.Encrypted && b.Digest == "" {
				return "encrypted"
			}
			return strconv.FormatInt(of(b), 10)
		}
	}
	return printList(env.stdout, c.Output, each(backups.Shown(all)), []column[adminapi.StoredBackup]{
		{"ID", func(b adminapi.StoredBackup) string { return b.ID }},
		{"ACCOUNTS", inside(func(b adminapi.StoredBackup) int64 { return b.Accounts })},
		{"APPS", inside(func(b adminapi.StoredBackup) int64 { return b.Apps })},
		{"BYTES", number(func(b adminapi.StoredBackup) int64 { return b.Bytes })},
		{"NEW", number(func(b adminapi.StoredBackup) int64 { return b.NewBytes })},
		{"VERSION", func(b adminapi.StoredBackup) string { return b.Version }},
		{"FAULT", func(b adminapi.StoredBackup) string { return b.Fault }},
	})
}

// repository checks one or all backups of a repository.
func (c *backupVerifyCmd) repository(ctx context.Context, env *environment) error {
	r, err := (&repositoryPlace{c.From, c.repositoryAccess}).open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	var ids []string
	if !c.All {
		id, err := (&backupChoice{c.Backup}).id(ctx, r)
		if err != nil {
			return err
		}
		ids = []string{id}
	}
	var report *repository.Report
	err = c.bar(env, "verifying", func(p repository.Progress) (err error) {
		report, err = r.Verify(ctx, ids, p)
		return err
	})
	if err != nil {
		return err
	}
	return c.print(env, report)
}

// print prints a report, with a line for each fault. It returns an error if there is one.
func (c *backupVerifyCmd) print(env *environment, report *repository.Report) error {
	ps := []property{
		{"backups", strconv.Itoa(report.Backups)},
		{"files", strconv.Itoa(report.Objects)},
		{"bytes", strconv.FormatInt(report.Bytes, 10)},
		{"faults", strconv.Itoa(len(report.Faults) + report.More)},
	}
	if report.UnusedObjects > 0 {
		ps = append(ps, property{"unused files", strconv.Itoa(report.UnusedObjects)}, property{"unused bytes", strconv.FormatInt(report.UnusedBytes, 10)})
	}
	if err := printThing(env.stdout, c.Output, report, ps); err != nil {
		return err
	}
	if report.Err() == nil {
		return nil
	}
	for _, f := range report.Faults {
		text := f.File
		if len(f.Paths) > 0 {
			text += " (" + f.Paths[0] + ")"
		}
		text += " " + f.Text
		if len(f.Backups) > 0 {
			text += "; needed by " + strings.Join(f.Backups, ", ")
		}
		fmt.Fprintln(env.stderr, cleanLines(text))
	}
	return fmt.Errorf("%s has faults: use a backup that none of them names, remove the damaged files, and make a new backup", c.From)
}

// backupRestoreCmd restores a backup.
type backupRestoreCmd struct {
	To string `required:"" placeholder:"DIR" given:"" help:"The directory to create. It may exist if it is empty."`
	backupChoice
	repositoryPlace
	backupOutput
}

// Help is shown by rollcall backup restore --help.
func (backupRestoreCmd) Help() string {
	return `Nothing is overwritten. Every file is compared with its description while it is
written, and DIR has its name only when it is complete and durable. The backup
stays in the repository.

"rollcall serve --data DIR --seal-keys FILE" starts a server with DIR. The keys that
seal the secrets of apps are not in a backup. Run the command as the user of the
server.

Examples:
  rollcall backup restore /var/backups/rollcall --to /var/lib/rollcall.restored
  rollcall backup restore /var/backups/rollcall --backup 20261128T150405Z --to restored
  rollcall backup restore "s3://backups/rollcall?endpoint=minio:9000" --age-identity age.key --to restored`
}

// Run restores a backup.
func (c *backupRestoreCmd) Run(ctx context.Context, env *environment) error {
	r, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	id, err := c.id(ctx, r)
	if err != nil {
		return err
	}
	start := time.Now()
	var b *repository.Backup
	err = c.bar(env, "restoring", func(p repository.Progress) (err error) {
		b, err = r.Restore(ctx, id, c.To, p)
		return err
	})
	if err != nil {
		return err
	}
	took := time.Since(start)
	return printThing(env.stdout, c.Output, map[string]any{
		"id": b.ID, "dir": c.To, "accounts": b.Contents.Accounts, "apps": b.Contents.Apps, "bytes": b.Bytes, "digest": b.Contents.Digest, "took_ms": took.Milliseconds(),
	}, []property{
		{"id", b.ID},
		{"dir", c.To},
		{"accounts", strconv.FormatInt(b.Contents.Accounts, 10)},
		{"apps", strconv.FormatInt(b.Contents.Apps, 10)},
		{"bytes", strconv.FormatInt(b.Bytes, 10)},
		{"digest", b.Contents.Digest},
		{"took", took.Round(time.Millisecond).String()},
	})
}

// backupDrillCmd restores a backup for a trial.
type backupDrillCmd struct {
	backupChoice
	Scratch  string `placeholder:"DIR" given:"" help:"An existing directory with room for the restored store (default: that of temporary files)."`
	SealKeys string `placeholder:"FILE" given:"" help:"Also open the sealed secrets of apps with the keys in this file."`
	repositoryPlace
	backupOutput
}

// Help is shown by rollcall backup drill --help.
func (backupDrillCmd) Help() string {
	return `The backup is restored into a new directory below the scratch directory. Every record
of its store is read, and the counts and the digest of all accounts are compared with
those of the moment of the backup. The restored files are removed at the end. The exit
code is 0 if a server could start with the backup.

A server does the same on a schedule, with its setting backup_drill_schedule.

Examples:
  rollcall backup drill /var/backups/rollcall
  rollcall backup drill /var/backups/rollcall --scratch /mnt/scratch --seal-keys seal.keys`
}

// Run restores the backup and reads it.
func (c *backupDrillCmd) Run(ctx context.Context, env *environment) error {
	r, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	id, err := c.id(ctx, r)
	if err != nil {
		return err
	}
	if c.SealKeys != "" { // before the work
		if _, err := seal.ReadRing(c.SealKeys); err != nil {
			return err
		}
	}
	scratch, err := os.MkdirTemp(c.Scratch, "rollcall-drill-")
	if err != nil {
		return err
	}
	var d *repository.Drilled
	err = c.bar(env, "restoring", func(p repository.Progress) (err error) {
		d, err = r.Drill(ctx, repository.Drill{
			ID: id, Scratch: filepath.Join(scratch, "restored"), Progress: p,
			Inspect: func(ctx context.Context, dir string) (*account.Contents, error) {
				return open.Verify(ctx, dir, c.SealKeys)
			},
		})
		return errors.Join(err, os.RemoveAll(scratch))
	})
	if err != nil {
		return err
	}
	ps := append([]property{{"id", d.ID}}, propertiesOf(&d.Contents)...)
	return printThing(env.stdout, c.Output, d, append(ps, []property{
		{"bytes", strconv.FormatInt(d.Bytes, 10)},
		{"restored in", (time.Duration(d.RestoreMS) * time.Millisecond).String()},
		{"took", (time.Duration(d.TookMS) * time.Millisecond).String()},
	}...))
}

// backupPruneCmd removes old backups.
type backupPruneCmd struct {
	KeepLast    int  `placeholder:"N" given:"a number from 1" help:"Keep the newest backups."`
	KeepDaily   int  `placeholder:"N" given:"a number from 1" help:"Keep the newest backup of each of the last days that have one."`
	KeepWeekly  int  `placeholder:"N" given:"a number from 1" help:"Keep the newest backup of each of the last weeks that have one."`
	KeepMonthly int  `placeholder:"N" given:"a number from 1" help:"Keep the newest backup of each of the last months that have one."`
	DryRun      bool `help:"Remove nothing, and say what would be removed."`
	confirmation
	repositoryPlace
	Output string `enum:"table,json" default:"table" help:"Form of the answer: table or json (default: ${default})."`
}

// Help is shown by rollcall backup prune --help.
func (backupPruneCmd) Help() string {
	return `A backup stays if one of the rules keeps it. The newest backup always stays. Days,
weeks and months are those of UTC. The command removes the other backups, and the
stored files that no backup needs, among them those of interrupted backups. It asks
first.

If a description cannot be read, nothing is removed.

Examples:
  rollcall backup prune /var/backups/rollcall --keep-last 3 --keep-daily 7 --dry-run
  rollcall backup prune /var/backups/rollcall --keep-weekly 4 --keep-monthly 12 --yes`
}

// Run removes old backups.
func (c *backupPruneCmd) Run(ctx context.Context, env *environment) error {
	keep := repository.Keep{Last: c.KeepLast, Daily: c.KeepDaily, Weekly: c.KeepWeekly, Monthly: c.KeepMonthly}
	if keep == (repository.Keep{}) {
		return &usageError{errors.New("no rule says which backups stay: give --keep-last, --keep-daily, --keep-weekly or --keep-monthly")}
	}
	r, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := r.Prune(ctx, keep, true)
	if err != nil {
		return err
	}
	if !c.DryRun {
		doing := fmt.Sprintf("this removes %s of %d from %s", counted(int64(len(p.Removed)), "backup"), len(p.Removed)+len(p.Kept), r)
		if err := c.confirm(ctx, env, doing); err != nil {
			return err
		}
		if p, err = r.Prune(ctx, keep, false); err != nil {
			return err
		}
	}
	names := []string{"removed", "kept", "removed files", "freed bytes"}
	if c.DryRun {
		names = []string{"to remove", "to keep", "files to remove", "bytes to free"}
	}
	return printThing(env.stdout, c.Output, p, []property{
		{names[0], strings.Join(p.Removed, ", ")},
		{names[1], strings.Join(p.Kept, ", ")},
		{names[2], strconv.Itoa(p.Objects)},
		{names[3], strconv.FormatInt(p.Bytes, 10)},
	})
}
