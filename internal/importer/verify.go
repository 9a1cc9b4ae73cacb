package importer

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rollcall/client"
)

// A Verification is the result of Verify.
type Verification struct {
	Checked int64    // rows whose id was asked for
	Missing int64    // of them, rows whose id does not exist
	First   []string // the first missing ids, at most Shown
	File    string   // with all missing ids, one a line; "" if there are none
}

// A verifier asks for the ids of a complete run.
type verifier struct {
	*caller
	l    *ledger
	name string // of the file of missing ids

	mu     sync.Mutex
	result Verification
	rows   int64
	keep   bool     // missing ids, in a file
	out    *os.File // nil before the first missing id
	w      *bufio.Writer
}

// Verify asks for the id of every row that was not rejected, with account_check, and writes
// the missing ones to a file beside the journal. The journal must be complete.
func (j *Job) Verify(ctx context.Context) (*Verification, error) {
	l, err := j.openLedger()
	if err != nil {
		return nil, err
	}
	defer l.close()
	if l.doc.State != Complete {
		return nil, refused("the run of the journal %s is not complete: repeat the command to finish it first", j.Journal)
	}
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	v := &verifier{caller: newCaller(ctx, calls, j), l: l, name: strings.TrimSuffix(j.Journal, ".rollcall-journal") + ".missing.txt", keep: true}
	defer v.stop()
	l.state.TotalBytes = totalSize(j.Files)
	err = v.run(calls)
	if closed := v.close(); err == nil {
		err = closed
	}
	if err == errStopped {
		err = context.Cause(ctx)
	}
	return &v.result, err
}

// run asks for all rows.
func (v *verifier) run(ctx context.Context) error {
	rejected, stop := iter.Pull2(rejectedRows(v.job.Journal, v.l.doc.RejectedRows))
	defer stop()
	next, err, _ := rejected()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(v.job.Wire.InFlight)
	var ids []string
	ask := func() {
		batch := ids
		ids = nil
		group.Go(func() error { return v.check(batch) })
	}
	var fileErr error
	ended := false
	for c := range v.job.read(ctx, 0) {
		for i := range c.rows {
			r := &c.rows[i]
			if r.number == next {
				if next, err, _ = rejected(); err != nil {
					return err
				}
				continue
			}
			if r.faulty { // of a dry run, which has no list
				v.l.doc.Rejected++
				v.l.count(r)
				continue
			}
			if ids = append(ids, r.id); len(ids) == client.MaxBatch {
				ask()
			}
		}
		v.show(c)
		fileErr, ended = c.err, c.end
	}
	if len(ids) > 0 {
		ask()
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if !ended {
		return errStopped
	}
	return fileErr
}

// check asks for a batch of ids.
func (v *verifier) check(ids []string) error {
	var results []client.CheckResult
	err := v.ask(new(batch), "account_check", func(ctx context.Context) (err error) {
		results, err = v.job.Wire.Client.CheckAccounts(ctx, ids)
		return err
	})
	if err == nil && len(results) != len(ids) {
		err = fmt.Errorf("account_check: the answer has %d results for %d ids", len(results), len(ids))
	}
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.result.Checked += int64(len(ids))
	for i, r := range results {
		if !r.Imported {
			if err := v.miss(ids[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// miss writes a missing id.
func (v *verifier) miss(id string) error {
	v.result.Missing++
	if !v.keep {
		return nil
	}
	if len(v.result.First) < Shown {
		v.result.First = append(v.result.First, id)
		slices.Sort(v.result.First)
	}
	if v.out == nil {
		var err error
		if v.out, err = os.OpenFile(v.name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil {
			return fmt.Errorf("the file of missing ids: %w", err)
		}
		v.w, v.result.File = bufio.NewWriter(v.out), v.name
	}
	_, err := v.w.WriteString(id + "\n")
	return err
}

// DryRun asks for the id of every row and changes nothing. The summary counts the rows that
// would be deleted as done.
func (j *Job) DryRun(ctx context.Context) (*Summary, error) {
	l := &ledger{job: j, began: time.Now(), doc: j.newDocument(nil)}
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	v := &verifier{caller: newCaller(ctx, calls, j), l: l}
	defer v.stop()
	l.state.TotalBytes = totalSize(j.Files)
	err := v.run(calls)
	if err == errStopped {
		err = context.Cause(ctx)
	}
	l.doc.Row, l.doc.Absent = v.rows, v.result.Missing
	l.doc.Done = v.result.Checked - v.result.Missing
	return l.summary(), err
}

// Count returns the number of rows, and how many of them no server would accept.
func (j *Job) Count(ctx context.Context) (rows, faulty int64, err error) {
	ended := false
	for c := range j.read(ctx, 0) {
		for i := range c.rows {
			if rows++; c.rows[i].faulty {
				faulty++
			}
		}
		ended, err = c.end, c.err
	}
	if !ended {
		err = context.Cause(ctx)
	}
	return rows, faulty, err
}

// close closes the file of missing ids. Without any it removes that of an earlier run.
func (v *verifier) close() error {
	if v.out == nil {
		if err := os.Remove(v.name); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	err := v.w.Flush()
	if closed := v.out.Close(); err == nil {
		err = closed
	}
	return err
}

// show tells the progress.
func (v *verifier) show(c *chunk) {
	v.rows += int64(len(c.rows))
	if v.job.Progress == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.l.state
	s.Bytes, s.Rows, s.Failed, s.Note = c.at, v.rows, v.result.Missing, v.awayNote()
	v.job.Progress(s)
}
