// Package copying copies a whole store into an empty one of any engine, and compares two
// stores. It copies accounts with their InternalIDs, times, profiles and watermarks,
// deleted ids, apps with their keys, tokens, the audit trail, the outbox, and the records
// of imports.
//
// The first record of a copy marks the destination as unfinished; see [records.Copy]. No
// server serves such a store. The mark is removed when both stores have been read and
// contain the same. Each commit of accounts contains how far the copy is, so a copy that
// was killed goes on where it was. Of several runs into one destination only the newest goes
// on; see claim.go.
//
// One goroutine reads and the others write: see pipeline.go.
package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
	"rollcall/internal/seal"
)

// Options describe a copy or a comparison.
type Options struct {
	From, To         account.Engine // To must be an [account.Loader]
	FromName, ToName string         // of the stores, for people; without passwords

	// FromKeys opens the sealed secrets of apps. If it is nil, secrets are copied as they
	// are stored, without a check.
	FromKeys *seal.Ring

	// ToKeys seals the secrets of the copy. If it is nil, they stay sealed as they are. It
	// needs FromKeys.
	ToKeys *seal.Ring

	Lanes    int           // writes at once, up to [MaxLanes]; 0 for [DefaultLanes]
	Wait     time.Duration // how long a store may be unavailable; 0 for [DefaultWait]
	Progress func(State)   // may be nil; it is called from several goroutines

	rows int // tests: rows of a batch; 0 for account.LoadBatch
}

// Defaults of [Options].
const (
	DefaultLanes = 4
	DefaultWait  = 2 * time.Minute
)

// MaxLanes is the largest number of lanes.
const MaxLanes = records.CopyLanes

// A State says how far a copy or a comparison is.
type State struct {
	Stage Stage
	Rows  int64  // accounts and deleted ids so far; of both stores for a comparison
	Total int64  // accounts; deleted ids are not known before
	Note  string // what the copy waits for, or ""
}

// A Stage is a part of a copy.
type Stage string

// The stages that take time.
const (
	Copying   Stage = "copying"
	Verifying Stage = "verifying"
)

// A Summary is the result of a copy.
type Summary struct {
	Apps     int   // number of apps
	Accounts int64 // of all apps
	Rows     int64 // accounts and deleted ids that this run has written
	Records  int64 // that this run has written
	Sealed   int   // secrets that are sealed in the copy
	Resumed  bool  // an earlier run has begun the copy
	Took     time.Duration
	Copied   time.Duration // of Took, until everything was written

	Contents *Contents // of both stores; nil if the run has not read them
}

// A Refusal is the error of a copy that cannot begin or go on. Its text says what to do.
type Refusal struct{ Text string }

func (e *Refusal) Error() string { return e.Text }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// ErrInterrupted is the error of a copy whose context has ended. The same copy goes on when
// it is run again.
var ErrInterrupted = errors.New("interrupted")

// A copier is one copy under way.
type copier struct {
	Options
	exporter account.Exporter // of From
	loader   account.Loader   // of To
	source   *source
	state    records.Copy
	claimed  string // name of this run in the destination; "" before it is there
	summary  Summary
	written  atomic.Int64 // rows
	tracker  tracker
}

// Run copies a store. If the destination contains a part of the same copy, Run goes on with
// it. After an error the destination stays marked as unfinished.
//
// A [Refusal] says that nothing was changed, or that the stores differ at the end. An
// error with [ErrInterrupted] says that ctx has ended.
func Run(ctx context.Context, o Options) (*Summary, error) {
	c, err := newCopier(ctx, o)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	err = c.run(ctx)
	c.summary.Took, c.summary.Rows = time.Since(start), c.written.Load()
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return &c.summary, err
}

// newCopier checks the options and looks into the source.
func newCopier(ctx context.Context, o Options) (*copier, error) {
	c := &copier{Options: o.withDefaults()}
	var ok bool
	if c.loader, ok = account.Find[account.Loader](o.To); !ok {
		return nil, refuse("a store like %s cannot be the destination of a copy", o.ToName)
	}
	if c.exporter, ok = account.Find[account.Exporter](o.From); !ok {
		return nil, refuse("a store like %s cannot be copied", o.FromName)
	}
	if o.ToKeys != nil && o.FromKeys == nil {
		return nil, refuse("sealing the secrets with other keys needs those that sealed them")
	}
	var err error
	c.source, err = survey(ctx, c.Options)
	return c, err
}

func (o Options) withDefaults() Options {
	if o.Lanes == 0 {
		o.Lanes = DefaultLanes
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.rows == 0 {
		o.rows = account.LoadBatch
	}
	if o.Progress == nil {
		o.Progress = func(State) {}
	}
	return o
}

// run copies, or goes on with an earlier run.
func (c *copier) run(ctx context.Context) error {
	c.summary.Apps, c.summary.Accounts = len(c.source.apps), c.source.accounts
	c.tracker = tracker{report: c.Progress, state: State{Stage: Copying, Total: c.source.accounts}}
	start := time.Now()
	for _, step := range []func(context.Context) error{c.begin, c.copyRecords, c.copyAccounts, c.copyApps} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c.summary.Copied = time.Since(start)
	if err := c.verify(ctx); err != nil {
		return err
	}
	return c.end(ctx)
}

// verify reads both stores and compares them.
func (c *copier) verify(ctx context.Context) error {
	d, err := Compare(ctx, c.Options)
	if err != nil {
		return err
	}
	if !d.Same() {
		if _, err := c.hold(ctx, 0); err != nil {
			return err // a server may have changed the copy since
		}
		return refuse("%s differs from %s: %s. The source was changed while it was copied, or a disk is faulty. Remove the copy, stop every server of the source, and copy again",
			c.ToName, c.FromName, d.First)
	}
	c.summary.Contents = d.From
	return nil
}

// end removes the parts, and then the mark.
func (c *copier) end(ctx context.Context) error {
	parts, err := c.allParts(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(parts, account.MaxWrites-1) {
		ws := make([]account.Write, len(some))
		for i, p := range some {
			ws[i] = p.Remove()
		}
		if err := c.load(ctx, ws); err != nil {
			return err
		}
	}
	return c.release(ctx)
}

// load writes records to the destination. No lane may be at work.
func (c *copier) load(ctx context.Context, ws []account.Write) error {
	return c.write(ctx, 0, func(ctx context.Context, held account.Write) error {
		return c.loader.LoadRecords(ctx, append(slices.Clip(ws), held), c.source.numbers)
	})
}
