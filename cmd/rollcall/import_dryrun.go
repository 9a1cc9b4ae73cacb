package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/dryrun"
	"rollcall/internal/progress"
	"rollcall/internal/source"
)

// dryRun checks the files and imports nothing. t is never nil; see its fields for what is
// known of it.
func (c *importCmd) dryRun(ctx context.Context, env *environment, t *target) error {
	files, err := source.Expand(c.Files)
	if err != nil {
		return err
	}
	form, err := c.options()
	if err != nil {
		return err
	}
	if err := source.Try(files, form); err != nil {
		return err
	}
	o := dryrun.Options{Target: t.name, Count: t.count, Again: rereadable(files)}
	if c.Via == "wire" || t.admin == nil { // otherwise a stream, which nothing limits
		o.Pace = dryrun.Pace{Calls: t.limitOf("multiaccount_import"), TagCalls: t.limitOf("portrait_set"), By: t.limited}
	}
	switch {
	case t.vendor:
		o.Unknown = "the vendor does not tell them"
	case t.unknown != nil:
		o.Unknown = t.unknown.Error()
	}
	if t.app != nil {
		o.App = &account.App{ID: account.AppID(t.app.SDKAppID), Edition: account.Edition(t.app.Edition), Settings: t.app.Settings}
	}
	bar := progress.New(env.stderr, progress.Options{Verb: "checking", Unit: "rows", Quiet: c.Quiet, Terminal: isTerminal(env.stderr) && os.Getenv("TERM") != ""})
	o.Progress = followFiles(bar, files)
	report, err := dryrun.Run(ctx, source.Read(files, env.stdin, form), o)
	bar.Close()
	if ctx.Err() != nil {
		return errors.New("interrupted: the files were not checked to their end, and nothing was imported")
	}
	if report == nil || report.Rows == 0 && err != nil {
		return err
	}
	if report.Rows == 0 { // it names only files with rows
		report.Files = files
	}
	if printErr := c.printReport(env.stdout, t, report); printErr != nil || err != nil {
		return errors.Join(err, printErr)
	}
	if report.Rejected > 0 || report.Quota > 0 && report.Accounts > report.Quota {
		return errSomeFailed
	}
	return nil
}

func (c *importCmd) printReport(w io.Writer, t *target, r *dryrun.Report) error {
	if c.Output == "json" {
		return printJSON(w, r)
	}
	text := r.Text()
	if t.vendor && r.Accounts > account.TrialQuota {
		text += "\nAn app of the vendor's trial edition takes 100 accounts: it must be of a paid edition.\n"
	}
	_, err := io.WriteString(w, cleanLines(text))
	return err
}

// rereadable reports whether all files can be read a second time.
func rereadable(files []string) bool {
	return !slices.ContainsFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return name == source.Stdin || err != nil || !info.Mode().IsRegular()
	})
}

// followFiles returns a function that shows on bar how far the files are read.
func followFiles(bar *progress.Bar, files []string) func(*source.File, int64, int64) {
	total, before := int64(0), map[string]int64{} // the bytes of the files before each
	for _, name := range files {
		before[name] = total
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	if !rereadable(files) {
		total = 0
	}
	return func(f *source.File, rows, rejected int64) {
		bar.Set(progress.State{Bytes: before[f.Name] + f.Offset(), TotalBytes: total, Rows: rows, Failed: rejected})
	}
}
