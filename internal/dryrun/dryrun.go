// Package dryrun reads files of accounts as an import does, and reports what would become of
// them. It needs no server. Its memory does not grow with the files; the ids of large files
// go to a temporary file.
package dryrun

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/source"
)

// Options for [Run]. The zero value applies the rules that every app has.
type Options struct {
	App     *account.App // with its edition and settings; nil if they are unknown
	Unknown string       // why App is nil, as the end of a sentence; "" for a general reason
	Count   int64        // accounts that the app has; -1 if it is unknown
	Pace    Pace

	Target string // of the import, for the report; "" if there is none

	// Again says that the rows can be iterated a second time. Otherwise the report has no
	// ids for the rows that collide with others.
	Again bool

	Dir    string // for the temporary file; "" for that of the system
	Memory int    // bytes of ids beyond which there is a temporary file; 0 for a good value

	// Progress, if not nil, is called every few thousand rows by one goroutine.
	Progress func(f *source.File, rows, rejected int64)
}

// progressRows is the number of rows between two calls of Progress, and between two looks
// at the context.
const progressRows = 4096

// Run reads rows, and judges them as a server does. After an error of rows, such as a file
// that is cut off, the report is about the rows before it. There is no report if ctx ends.
// Run does not wait for a read that blocks when ctx ends.
func Run(ctx context.Context, rows iter.Seq2[*source.Row, error], o Options) (*Report, error) {
	type outcome struct {
		report *Report
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		r := newRun(ctx, o)
		defer r.ids.close()
		report, err := r.all(rows)
		done <- outcome{report, err}
	}()
	select {
	case out := <-done:
		return out.report, out.err
	case <-ctx.Done():
	}
	select { // so that the temporary file is removed, unless a read blocks
	case <-done:
	case <-time.After(time.Second):
	}
	return nil, context.Cause(ctx)
}

// A run is one look at the rows.
type run struct {
	o      Options
	ctx    context.Context
	report *Report
	check  *checker
	id     foldedID
	ids    *ids
	digits digitIDs
	seen   [numKinds]Problem
	last   [numKinds]int64 // the last row of each
	found  func(kind int, value []byte)
	files  []*source.File
	now    *source.Row
}

func newRun(ctx context.Context, o Options) *run {
	r := &run{o: o, ctx: ctx, report: &Report{Target: o.Target, Rejections: []Problem{}, Warnings: []Problem{}}, check: newChecker(o.App), ids: newIDs(o.Dir, o.Memory), seen: suspicions}
	r.found = func(kind int, value []byte) {
		if r.last[kind] != r.report.Rows { // one row counts once
			r.last[kind] = r.report.Rows
			r.seen[kind].add(r.now, value)
		}
	}
	return r
}

func (r *run) all(rows iter.Seq2[*source.Row, error]) (*Report, error) {
	for row, err := range rows {
		if err != nil {
			return r.finish(rows, err)
		}
		if r.report.Rows%progressRows == 0 {
			if r.ctx.Err() != nil {
				return nil, context.Cause(r.ctx)
			}
			if r.o.Progress != nil {
				r.o.Progress(row.File, r.report.Rows, r.report.Rejected)
			}
		}
		if err := r.row(row); err != nil {
			return nil, err
		}
	}
	return r.finish(rows, nil)
}

// row judges a row.
func (r *run) row(row *source.Row) error {
	r.report.Rows++
	if len(r.files) == 0 || r.files[len(r.files)-1] != row.File {
		r.files = append(r.files, row.File)
		r.report.Files = append(r.report.Files, row.File.Name)
	}
	shape := r.id.fold(row.UserID)
	if reason := r.check.reason(row, shape); reason != "" {
		r.report.reject(reason, row)
		return nil
	}
	if len(row.Tags) > 0 {
		r.report.Tagged++
	}
	r.now = row
	suspicious(row, shape, r.found)
	if shape == digit {
		r.digits.add(row.UserID, func() Example { return exampleOf(row, row.UserID) })
	}
	return r.ids.add(r.ids.hash(row.UserID, r.id.bytes[:r.id.n]), placeOf(len(r.files), row.Line))
}

// finish completes the report after the last row. failed is what ended the rows before
// their end, or nil.
func (r *run) finish(rows iter.Seq2[*source.Row, error], failed error) (*Report, error) {
	t, err := r.ids.tally(func() error {
		if r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := r.report
	if failed != nil {
		p.Stopped = failed.Error()
	}
	if r.o.App == nil {
		p.Unchecked = unknownApp + cmp.Or(r.o.Unknown, "no app was given or its settings cannot be read")
	}
	p.Accepted, p.Accounts = p.Rows-p.Rejected, t.different
	p.Duplicates, p.CaseVariants = t.same.rows, t.folded.rows
	same := r.problem(t.same, "duplicates", "followed by a later row of the same id, which wins: remove those that are not meant")
	folded := r.problem(t.folded, "case", "with an id that differs from an earlier one only in case, so that both are accounts: make them equal if they mean the same")
	if r.o.Again {
		r.identify(rows, same, folded)
	}
	p.warn(*same)
	p.warn(*folded)
	if usual, n, first := r.digits.lost(); n > 0 {
		p.warn(Problem{"zeros", fmt.Sprintf("with an id of digits that is shorter than the usual %d, as when a spreadsheet drops the zeros in front: format the column as text and export again", usual), n, first})
	}
	for _, s := range r.seen {
		p.warn(s)
	}
	slices.SortStableFunc(p.Rejections, heavier)
	slices.SortStableFunc(p.Warnings, heavier)
	p.quota(r.o.App, r.o.Count)
	p.plan(r.o.Pace)
	return p, failed
}

// problem returns the problem of collisions.
func (r *run) problem(c count, kind, what string) *Problem {
	p := &Problem{Kind: kind, What: what, Rows: c.rows}
	for _, e := range c.first {
		x := r.example(e.earlier.at)
		x.Later = new(Example)
		*x.Later = r.example(e.later.at)
		x.hash, x.Later.hash = e.earlier, e.later
		p.Examples = append(p.Examples, x)
	}
	return p
}

func (r *run) example(at place) Example {
	return Example{File: r.files[at.file()-1].Name, Line: at.line()}
}

// identify reads the rows again, as far as needed, and sets the ids of examples.
func (r *run) identify(rows iter.Seq2[*source.Row, error], problems ...*Problem) {
	wanted := map[entry][]*Example{}
	for _, p := range problems {
		for i := range p.Examples {
			x := &p.Examples[i]
			wanted[x.hash] = append(wanted[x.hash], x)
			wanted[x.Later.hash] = append(wanted[x.Later.hash], x.Later)
		}
	}
	places := map[place]bool{}
	for e := range wanted {
		places[e.at] = true
	}
	file, name, n := 0, (*source.File)(nil), 0
	if len(wanted) == 0 {
		return
	}
	for row, err := range rows {
		if err != nil {
			return // the report is complete without the ids
		}
		if n++; n%progressRows == 0 && r.ctx.Err() != nil {
			return
		}
		if row.File != name {
			file, name = file+1, row.File
		}
		at := placeOf(file, row.Line)
		if !places[at] || row.Fault != "" {
			continue
		}
		r.id.fold(row.UserID)
		e := entry{r.ids.hash(row.UserID, r.id.bytes[:r.id.n]), at}
		for _, x := range wanted[e] {
			x.UserID = shown(row.UserID)
		}
		if delete(wanted, e); len(wanted) == 0 {
			return
		}
	}
}
