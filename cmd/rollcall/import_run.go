package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"rollcall/internal/importer"
	"rollcall/internal/progress"
	"rollcall/internal/source"
)

// A fileRun is a run over files that shows its progress and its result.
type fileRun struct {
	job    *importer.Job
	target *target
	env    *environment
	output string // table or json
	quiet  bool
	args   []string // of the command
	bar    *progress.Bar
	shown  int // rejections
}

// gcPercent makes a run collect garbage more often than other programs, because it makes much
// of it and keeps little.
const gcPercent = 40

// words are the words for what a run does.
var words = map[importer.Operation]struct{ doing, done string }{
	importer.Import: {"importing", "imported"},
	importer.Delete: {"deleting", "deleted"},
}

// run runs the job, verifies it on request, and prints the result.
func (r *fileRun) run(ctx context.Context, verify bool) error {
	r.job.Rejected = r.showRejection
	r.job.Notice = func(text string) { r.above("%s", text) }
	r.job.Pause = new(importer.Pause)
	debug.SetGCPercent(gcPercent)
	var s *importer.Summary
	err := r.withBar(words[r.job.Operation].doing, func() (err error) {
		defer r.pauseBySignal()()
		s, err = r.job.Run(ctx)
		return err
	})
	if s == nil {
		return err
	}
	var v *importer.Verification
	if err == nil && verify {
		r.job.Restart = false // the journal is that of this run now
		err = r.withBar("verifying", func() (err error) {
			v, err = r.job.Verify(ctx)
			return err
		})
	}
	if printErr := r.report(s, v); err == nil {
		err = printErr
	}
	switch _, unfinished := errors.AsType[*importer.StoppedError](err); {
	case unfinished && ctx.Err() != nil:
		fmt.Fprintf(r.env.stderr, "rollcall: interrupted after row %d%s\n", s.Row, r.continuation())
		return &quietError{exitInterrupted}
	case unfinished:
		return fmt.Errorf("stopped after row %d: %w%s", s.Row, err, r.after(err))
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(r.env.stderr, "rollcall: the verification was interrupted; repeat it with: %s\n", commandLine(r.args))
		return &quietError{exitInterrupted}
	case err == nil && (s.Rejected > 0 || v != nil && v.Missing > 0):
		return errSomeFailed
	}
	return err
}

// withBar shows the progress of what do does.
func (r *fileRun) withBar(verb string, do func() error) error {
	r.bar = progress.New(r.env.stderr, progress.Options{Verb: verb, Unit: "rows", Terminal: terminal(r.env.stderr), Quiet: r.quiet})
	defer r.bar.Close()
	r.job.Progress = r.bar.Set
	return do()
}

// continuation says how an interrupted run goes on.
func (r *fileRun) continuation() string {
	if r.job.Journal == "" {
		return "; standard input cannot be read again, so give the rows after it to go on"
	}
	return "; continue with: " + commandLine(r.args)
}

// after says how a run goes on that err has ended.
func (r *fileRun) after(err error) string {
	if _, ok := errors.AsType[*importer.RefusedError](err); ok {
		return "" // it says how
	}
	if _, ok := errors.AsType[*source.Error](err); ok && r.job.Journal != "" {
		return "; mend the file, and begin anew with: " + commandLine(r.args) + " --restart"
	}
	return r.continuation()
}

// commandLine returns the command with these arguments for a shell. A restarted run must not
// begin anew once more.
func commandLine(args []string) string {
	words := []string{"rollcall"}
	for _, a := range args {
		if a != "--restart" {
			words = append(words, shellWord(a))
		}
	}
	return strings.Join(words, " ")
}

var plainWord = regexp.MustCompile(`^[\p{L}\p{N}_./:=,@%+-]+$`)

// shellWord returns a word as a shell reads it.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// pauseBySignal lets SIGUSR1 pause the run until the returned function is called.
func (r *fileRun) pauseBySignal() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	ended := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-signals:
				if r.job.Pause.Toggle() {
					r.above("paused by SIGUSR1; it goes on with the next one")
				} else {
					r.above("going on")
				}
			case <-ended:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(ended)
		<-done
	}
}

// above prints a line above the progress.
func (r *fileRun) above(format string, args ...any) {
	r.bar.Above(func(w io.Writer) { fmt.Fprintf(w, format+"\n", args...) })
}

func (r *fileRun) showRejection(x importer.Rejection) {
	why := x.Reason
	if x.Code != 0 {
		why = reason(x.Code, x.Reason)
	}
	r.above("%s: line %d: %s%s", clean(x.File), x.Line, named(x.UserID), clean(why))
	if r.shown++; r.shown == importer.Shown {
		r.above("further rejected rows are not shown; they are in the file of rejected rows")
	}
}

// named returns the id of a row, with a colon, as the beginning of a rejection. It returns
// "" if no id could be read from the row.
func named(userID string) string {
	if userID == "" {
		return ""
	}
	return clean(userID) + ": "
}

// terminal reports whether w is a terminal that can overwrite a line.
func terminal(w io.Writer) bool { return isTerminal(w) && os.Getenv("TERM") != "" }

// A runReport is a summary as JSON.
type runReport struct {
	State         string            `json:"state"`
	Target        string            `json:"target"`
	SDKAppID      uint32            `json:"sdkappid"`
	Way           importer.Way      `json:"way"`
	Rows          int64             `json:"rows"`
	Imported      *int64            `json:"imported,omitempty"`
	Created       *int64            `json:"created,omitempty"`
	Deleted       *int64            `json:"deleted,omitempty"`
	Absent        *int64            `json:"absent,omitempty"`
	Rejected      int64             `json:"rejected"`
	Reasons       []importer.Reason `json:"reasons"`
	RejectsFiles  []string          `json:"rejects_files"`
	Retries       int64             `json:"retries"`
	Seconds       float64           `json:"seconds"`
	RowsPerSecond float64           `json:"rows_per_second"`
	Verification  *verification     `json:"verification,omitempty"`
}

type verification struct {
	Checked int64    `json:"checked"`
	Missing int64    `json:"missing"`
	First   []string `json:"first_missing,omitempty"`
	File    string   `json:"missing_file,omitempty"`
}

// report prints the result. v is nil without a verification.
func (r *fileRun) report(s *importer.Summary, v *importer.Verification) error {
	if r.output == "json" {
		x := r.jsonReport(s)
		if v != nil {
			x.Verification = &verification{v.Checked, v.Missing, v.First, v.File}
		}
		return printJSON(r.env.stdout, x)
	}
	w := r.env.stdout
	if s.Before {
		fmt.Fprintf(r.env.stderr, "nothing to do: the journal %s says that the run is complete; --restart repeats it\n", r.job.Journal)
	}
	done := words[s.Operation].done + " " + progress.Count(s.Done)
	if s.Created >= 0 && s.Operation == importer.Import {
		done += " (" + counted(s.Created, "new account") + ")"
	}
	if s.Operation == importer.Delete {
		done += ", not there " + progress.Count(s.Absent)
	}
	fmt.Fprintf(w, "%s: %s, rejected %s; %s, %s rows/s\n", counted(s.Row, "row"), done, progress.Count(s.Rejected), shortTime(s.Took), progress.Count(int64(perSecond(s))))
	r.printReasons(s)
	if len(s.Rejects) > 0 && s.Rejected > 0 {
		fmt.Fprintf(w, "rejected rows are in %s; mend them there, and %s that file\n", clean(strings.Join(s.Rejects, ", ")), s.Operation)
	}
	switch {
	case v == nil:
	case v.Missing == 0:
		fmt.Fprintf(w, "verified: the ids of %s are there\n", counted(v.Checked, "row"))
	default:
		fmt.Fprintf(w, "missing: the ids of %s of %s, such as %s; all of them are in %s\n", progress.Count(v.Missing), counted(v.Checked, "row"), clean(strings.Join(v.First, ", ")), clean(v.File))
	}
	return nil
}

// shortTime returns a duration with as many digits as matter.
func shortTime(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func (r *fileRun) printReasons(s *importer.Summary) {
	for _, x := range s.Reasons {
		fmt.Fprintf(r.env.stdout, "  %s rejected: %s\n", progress.Count(x.Rows), clean(reasonOf(x)))
	}
}

// reasonOf returns a reason with its code.
func reasonOf(x importer.Reason) string {
	if x.Code == 0 {
		return x.Reason
	}
	return reason(x.Code, x.Reason)
}

// perSecond returns the rate of the run, or of all runs if this one did nothing.
func perSecond(s *importer.Summary) float64 {
	if s.RunRows == 0 {
		return float64(s.Row) / max(s.Took.Seconds(), 1e-3)
	}
	return float64(s.RunRows) / max(s.RunTook.Seconds(), 1e-3)
}

func (r *fileRun) jsonReport(s *importer.Summary) *runReport {
	x := &runReport{
		State: s.State, Target: r.job.Target, SDKAppID: r.job.App, Way: s.Way, Rows: s.Row, Rejected: s.Rejected, Reasons: s.Reasons,
		RejectsFiles: s.Rejects, Retries: s.Retries, Seconds: s.Took.Seconds(), RowsPerSecond: perSecond(s),
	}
	if x.Reasons == nil {
		x.Reasons = []importer.Reason{}
	}
	if x.RejectsFiles == nil {
		x.RejectsFiles = []string{}
	}
	if s.Operation == importer.Delete {
		x.Deleted, x.Absent = &s.Done, &s.Absent
		return x
	}
	x.Imported = &s.Done
	if s.Created >= 0 {
		x.Created = &s.Created
	}
	return x
}
