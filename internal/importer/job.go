// Package importer brings the accounts of files into an app, and deletes accounts that files
// name. It works with a Rollcall and with the service of the vendor.
//
//   - The lines of one id apply in the order of the files, although calls run in parallel.
//     A quota keeps the accounts of the first lines.
//   - A journal says up to which row every verdict is known. A killed run goes on from there.
//   - Rejected rows go to a file in the format of their source, with line and reason.
//   - Memory depends on the rows under way, not on the length of a file.
//
// A row has a number, its ordinal over all records of all files, from 1. Its line is for
// people.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"rollcall/client"
	"rollcall/internal/progress"
	"rollcall/internal/source"
)

// An Operation is what a run does with the ids of its rows.
type Operation string

// The operations.
const (
	Import Operation = "import"
	Delete Operation = "delete"
)

// A Way is how the rows reach the target.
type Way string

// The ways.
const (
	ByWire   Way = "wire"   // calls of the account API, of 100 accounts each
	ByStream Way = "stream" // one long request to the admin API of a Rollcall
)

// A Job describes a run. Operation, Target, App, Files, Way and the client of the way are
// required.
type Job struct {
	Operation Operation
	Target    string // address of the server
	App       uint32
	Strict    bool // the app accepts strict ids only

	Files  []string // names of files, as [source.Expand] returns them
	Stdin  io.Reader
	Source source.Options

	Journal string // name of the journal; "" for none, as with standard input
	Rejects string // name of the rejects file; "" for one beside the file of the row
	Restart bool   // begin anew, although there is a journal

	Way    Way
	Wire   *Wire // for ByWire
	Stream *Stream

	Wait time.Duration // how long to wait for a target that is away

	// Progress is called several times a second. Rejected is called for the first ten
	// rejected rows, and Notice for messages to a person. All three are optional, and called
	// from one goroutine.
	Progress func(progress.State)
	Rejected func(Rejection)
	Notice   func(string)

	// Pause is closed and replaced at each change of the pause; nil never pauses.
	Pause *Pause

	settle time.Duration // see settleTime; tests shorten both
	first  time.Duration // see firstPause
}

// Shown is the number of rejected rows for which Rejected is called.
const Shown = 10

// A Rejection is a row that was rejected.
type Rejection struct {
	Row    int64       `json:"row"`
	File   string      `json:"file"`
	Line   int         `json:"line"`
	UserID string      `json:"userid"`
	Code   client.Code `json:"code,omitzero"` // 0: the row is no account at all
	Reason string      `json:"reason"`
}

// settleTime is how long a call whose outcome is unknown can still take effect. Servers end
// a call after three seconds. Later rows of its ids wait that long, because otherwise the
// older row could win.
const settleTime = 3500 * time.Millisecond

// States of a Summary.
const (
	Running     = "running"
	Interrupted = "interrupted"
	Complete    = "complete"
)

// A Summary is the result of a run, together with that of earlier runs of the same journal.
type Summary struct {
	Operation Operation
	State     string // Interrupted or Complete
	Before    bool   // the run did nothing, because its journal was complete
	From      int64  // row after which the run began
	Way       Way
	Row       int64    // rows with a verdict
	Done      int64    // rows that were imported or deleted
	Created   int64    // new accounts of them; -1 if unknown
	Absent    int64    // rows of a deletion whose id did not exist
	Rejected  int64    // rows
	Reasons   []Reason // most rows first
	Rejects   []string // names of the rejects files
	Retries   int64
	Took      time.Duration // time under way, of all runs
	RunRows   int64         // rows of this run
	RunTook   time.Duration
}

// A Reason counts the rows that were rejected for it.
type Reason struct {
	Code   client.Code `json:"code,omitzero"`
	Reason string      `json:"reason"`
	Rows   int64       `json:"rows"`
}

// A RefusedError says why a run does not begin or cannot go on, and what to do.
type RefusedError struct{ text string }

func (e *RefusedError) Error() string { return e.text }

func refused(format string, args ...any) error {
	return &RefusedError{fmt.Sprintf(format, args...)}
}

// errStopped says that ctx ended. The rows without a verdict are for the next run.
var errStopped = errors.New("stopped")

// A StoppedError is the error of a run that ended before its last row. The journal has its
// progress, so the same command goes on.
type StoppedError struct{ Err error }

func (e *StoppedError) Error() string { return e.Err.Error() }
func (e *StoppedError) Unwrap() error { return e.Err }

// Run carries out the job. Ctx ends it cleanly: calls under way end first. A *StoppedError
// comes with the summary of the rows so far.
func (j *Job) Run(ctx context.Context) (*Summary, error) {
	l, err := j.openLedger()
	if err != nil {
		return nil, err
	}
	defer l.close()
	if l.doc.State == Complete {
		s := l.summary()
		s.Before = true
		return s, nil
	}
	if err := l.begin(); err != nil {
		return nil, err
	}
	if l.from > 0 && j.Notice != nil {
		j.Notice(fmt.Sprintf("resuming after row %d of %s", l.from, j.described()))
	}
	err = j.waitSettled(ctx, l)
	if err == nil {
		rows := j.read(ctx, l.from)
		if j.Way == ByStream {
			err = runStream(ctx, j, l, rows)
		} else {
			err = runWire(ctx, j, l, rows)
		}
	}
	if err == errStopped {
		err = context.Cause(ctx)
	}
	state := Complete
	if err != nil {
		state = Interrupted
	}
	if failed := l.end(state); failed != nil && err == nil {
		err = failed
	}
	if err != nil {
		err = &StoppedError{err}
	}
	return l.summary(), err
}

// waitSettled waits until the calls of a run that was killed can take no effect any more. They
// can have begun until the journal was due once more.
func (j *Job) waitSettled(ctx context.Context, l *ledger) error {
	if !l.killed || j.Way != ByWire {
		return nil
	}
	wait := j.settleTime() + saveEvery + lingerTime
	rest := time.Until(l.doc.UpdatedAt.Add(wait))
	if rest <= 0 {
		return nil
	}
	return sleep(ctx, min(rest, wait)) // the clock may have been set back
}

func (j *Job) settleTime() time.Duration {
	if j.settle != 0 {
		return j.settle
	}
	return settleTime
}

func (j *Job) firstPause() time.Duration {
	if j.first != 0 {
		return j.first
	}
	return firstPause
}

// described returns the names of the files for a message.
func (j *Job) described() string {
	name := j.Files[0]
	if name == source.Stdin {
		name = "standard input"
	}
	if len(j.Files) > 1 {
		return fmt.Sprintf("%s and %d more", name, len(j.Files)-1)
	}
	return name
}

// sleep waits for d. It returns errStopped at once when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}
