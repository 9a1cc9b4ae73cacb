package importer

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"rollcall/internal/progress"
	"rollcall/internal/source"
)

// saveEvery is the shortest time between two writes of the journal.
const saveEvery = 500 * time.Millisecond

// maxReasons is the number of reasons that are counted apart.
const maxReasons = 50

// A ledger takes the verdicts of all rows in their order. Only one goroutine uses it.
type ledger struct {
	job    *Job
	doc    *document
	lock   *lock // nil without a journal
	from   int64 // row after which the run began
	killed bool  // the run before ended without a word

	rejects *rejects
	rows    *appendFile // numbers of rejected rows, as differences; nil without a journal
	last    int64       // rejected row
	failed  error       // of taking a verdict
	shown   int

	began  time.Time
	before float64 // seconds of earlier runs
	saved  time.Time

	state progress.State
}

// openLedger opens the journal, or begins one. The caller closes the ledger.
func (j *Job) openLedger() (*ledger, error) {
	l := &ledger{job: j, began: time.Now()}
	if j.Journal == "" {
		l.doc = j.newDocument(nil)
		l.rejects = newRejects(l)
		return l, nil
	}
	marks, err := marksOf(j.Files)
	if err != nil {
		return nil, err
	}
	if l.lock, err = lockJournal(j.Journal); err != nil {
		return nil, err
	}
	if err := l.openDocument(j.newDocument(marks)); err != nil {
		l.close()
		return nil, err
	}
	l.rejects = newRejects(l)
	l.from, l.before = l.doc.Row, l.doc.Seconds
	return l, nil
}

// openDocument sets l.doc to the document of the journal or, without one, to begun.
func (l *ledger) openDocument(begun *document) error {
	d, err := readDocument(l.job.Journal)
	if l.job.Restart && (err == nil || d != nil) { // anything else may be a file that somebody needs
		l.doc = begun
		return nil
	}
	if err != nil {
		return err
	}
	if d == nil {
		l.doc = begun
		return nil
	}
	if err := d.differs(l.job.Journal, begun); err != nil {
		if d.Row == 0 && d.State != Complete {
			l.doc = begun // a run that was refused before its first row
			return nil
		}
		return err
	}
	l.killed = d.State == Running
	l.doc = d
	return nil
}

// begin makes the files ready for rows after l.from. What a killed run has written after its
// last journal is cut off.
func (l *ledger) begin() error {
	if err := l.rejects.begin(); err != nil {
		return err
	}
	l.doc.State = Running
	if l.job.Journal == "" {
		return nil
	}
	var err error
	if l.rows, err = openAppend(rowsName(l.job.Journal), l.doc.RejectedRows); err != nil {
		return err
	}
	if l.last, err = lastRejected(l.job.Journal, l.doc.RejectedRows); err != nil {
		return err
	}
	return l.save()
}

// rowsName returns the name of the list of rejected rows beside a journal.
func rowsName(journal string) string { return journal + ".rejected" }

// take takes the verdict of the row after the last one. After an error nothing is saved any
// more: the journal must not cover a row whose rejection is not written.
func (l *ledger) take(r *row) error {
	if l.failed == nil {
		l.failed = l.add(r)
	}
	return l.failed
}

func (l *ledger) add(r *row) error {
	l.doc.Row = r.number
	switch {
	case r.reason != "":
		return l.reject(r)
	case r.absent:
		l.doc.Absent++
	default:
		l.doc.Done++
	}
	return nil
}

func (l *ledger) reject(r *row) error {
	l.doc.Rejected++
	l.count(r)
	if l.shown < Shown && l.job.Rejected != nil {
		l.shown++
		l.job.Rejected(Rejection{Row: r.number, File: r.file.Name, Line: r.line, UserID: r.id, Code: r.code, Reason: r.reason})
	}
	if err := l.rejects.write(r); err != nil {
		return err
	}
	if l.rows == nil {
		return nil
	}
	_, err := l.rows.Write(binary.AppendUvarint(nil, uint64(r.number-l.last)))
	l.last = r.number
	return err
}

// count counts the reason of r.
func (l *ledger) count(r *row) {
	reasons := l.doc.Reasons
	same := func(x Reason) bool { return x.Code == r.code && x.Reason == r.reason }
	i := slices.IndexFunc(reasons, same)
	switch {
	case i >= 0:
		reasons[i].Rows++
	case len(reasons) < maxReasons:
		l.doc.Reasons = append(reasons, Reason{r.code, r.reason, 1})
	default:
		reasons[maxReasons-1].Reason = "other reasons"
		reasons[maxReasons-1].Code = 0
		reasons[maxReasons-1].Rows++
	}
}

// saveSometimes saves if enough time has passed.
func (l *ledger) saveSometimes() error {
	if time.Since(l.saved) < saveEvery {
		return nil
	}
	return l.save()
}

// save makes the verdicts so far durable: first the rejects, then the journal that covers
// them.
func (l *ledger) save() error {
	if l.failed != nil {
		return l.failed
	}
	l.saved = time.Now()
	if l.failed = l.rejects.sync(); l.failed != nil { // a second sync would succeed without the bytes
		return l.failed
	}
	if l.job.Journal == "" {
		return nil
	}
	if l.rows != nil {
		if l.failed = l.rows.sync(); l.failed != nil {
			return l.failed
		}
		l.doc.RejectedRows = l.rows.length
	}
	l.doc.Seconds = l.before + time.Since(l.began).Seconds()
	l.doc.UpdatedAt = time.Now().UTC()
	return l.doc.write(l.job.Journal)
}

// end saves the state in which the run ends.
func (l *ledger) end(state string) error {
	l.doc.State = state
	return l.save()
}

// close closes the files.
func (l *ledger) close() {
	if l.rejects != nil {
		l.rejects.close()
	}
	if l.rows != nil {
		_ = l.rows.close()
	}
	if l.lock != nil {
		l.lock.release()
	}
}

// show tells the progress.
func (l *ledger) show() {
	if l.job.Progress == nil {
		return
	}
	l.state.Rows, l.state.Failed, l.state.Retries = l.doc.Row, l.doc.Rejected, l.doc.Retries
	l.job.Progress(l.state)
}

func (l *ledger) summary() *Summary {
	d := l.doc
	s := &Summary{
		Operation: d.Operation, State: d.State, From: l.from, Way: d.Way, Row: d.Row, Done: d.Done, Created: d.Created, Absent: d.Absent, Rejected: d.Rejected,
		Reasons: slices.Clone(d.Reasons), Retries: d.Retries, RunRows: d.Row - l.from, RunTook: time.Since(l.began),
	}
	if d.Way != ByStream {
		s.Created = -1
	}
	s.Took = time.Duration(d.Seconds * float64(time.Second))
	if l.job.Journal == "" {
		s.Took = s.RunTook
	}
	slices.SortStableFunc(s.Reasons, func(a, b Reason) int { return cmp.Compare(b.Rows, a.Rows) })
	for _, f := range d.Rejects {
		s.Rejects = append(s.Rejects, f.Name)
	}
	return s
}

// A position is how far the files are read.
type position struct {
	sizes map[*source.File]int64
	files []*source.File
}

func (p *position) see(f *source.File) {
	if n := len(p.files); n == 0 || p.files[n-1] != f {
		p.files = append(p.files, f)
	}
}

// total returns the bytes that were read.
func (p *position) total() (n int64) {
	for _, f := range p.files {
		n += f.Offset()
	}
	return n
}

// done returns how many bytes of the files have a verdict, if at bytes with the rows up to
// last are read. Rows that are read ahead do not count.
func (l *ledger) done(at, last int64) int64 {
	if last <= 0 {
		return 0
	}
	return int64(float64(at) * min(1, float64(l.doc.Row)/float64(last)))
}

// totalSize returns the size of files in bytes, or 0 if it is unknown.
func totalSize(files []string) (n int64) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		n += info.Size()
	}
	return n
}

// lastRejected returns the last row in the list of rejected rows.
func lastRejected(journal string, length int64) (last int64, err error) {
	for number, err := range rejectedRows(journal, length) {
		if err != nil {
			return 0, err
		}
		last = number
	}
	return last, nil
}

// rejectedRows iterates over the numbers of rejected rows, as far as the journal covers them.
func rejectedRows(journal string, length int64) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		if length == 0 {
			return
		}
		f, err := os.Open(rowsName(journal))
		if err != nil {
			yield(0, err)
			return
		}
		defer f.Close() // it was only read
		in := bufio.NewReader(io.LimitReader(f, length))
		for number := int64(0); ; {
			n, err := binary.ReadUvarint(in)
			if err == io.EOF {
				return
			}
			if err != nil || n == 0 {
				yield(0, refused("%s is damaged: begin anew with --restart", f.Name()))
				return
			}
			number += int64(n)
			if !yield(number, nil) {
				return
			}
		}
	}
}

// An appendFile is a file that only grows. It is cut to a length when it is opened.
type appendFile struct {
	f      *os.File
	w      *bufio.Writer
	length int64 // with what is buffered
	dirty  bool
}

// openAppend opens or creates a file and cuts it to a length.
func openAppend(name string, length int64) (*appendFile, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < length {
		err = refused("%s is shorter than it was when the journal was written: put it back, or begin anew with --restart", name)
	}
	if err == nil {
		err = f.Truncate(length)
	}
	if err == nil {
		_, err = f.Seek(length, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &appendFile{f: f, w: bufio.NewWriterSize(f, 32<<10), length: length}, nil
}

// Write implements [io.Writer].
func (a *appendFile) Write(p []byte) (int, error) {
	a.dirty = true
	a.length += int64(len(p))
	n, err := a.w.Write(p)
	return n, a.explain(err)
}

// explain adds the remedy to an error.
func (a *appendFile) explain(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: free some space, and repeat the command to go on", err)
}

func (a *appendFile) sync() error {
	if !a.dirty {
		return nil
	}
	err := a.w.Flush()
	if err == nil {
		err = a.f.Sync()
	}
	if err == nil {
		a.dirty = false
	}
	return a.explain(err)
}

func (a *appendFile) close() error { return a.f.Close() }
