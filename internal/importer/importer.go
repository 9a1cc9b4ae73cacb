// Package importer imports accounts from files in batches, as "rollcall account import"
// does.
package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"rollcall/client"
	"rollcall/internal/account"
)

// A Rejection is an account that was not imported.
type Rejection struct {
	File   string      `json:"file,omitempty"` // empty for an argument
	Line   int         `json:"line"`           // of the file, from 1; or which argument
	UserID string      `json:"userid"`
	Code   client.Code `json:"code,omitzero"` // 0: the line cannot be read
	Reason string      `json:"reason"`
}

// An Importer sends accounts in batches, several at once, and returns the rejected ones
// in the order of the lines. It is for one import.
type Importer struct {
	// Import imports one batch and returns a result for each account, in order.
	Import func(context.Context, []client.Account) ([]client.Result, error)

	// InFlight is the number of batches in flight at once, at least 1.
	InFlight int

	// Judged is called after each batch, by the goroutine that iterates. Optional.
	Judged func()

	// Done and Failed count the rows so far. Only the goroutine that iterates may read
	// them.
	Done, Failed int
}

// A batch contains some lines and, after its call has ended, their results.
type batch struct {
	rows    []Row
	results []client.Result // of the rows without a fault, in their order
	err     error           // of the call, or of reading on after rows
	ended   chan struct{}
}

// Rejections imports rows and iterates over the rejected ones. It ends after an error,
// which names the line to restart from, and when ctx ends, with its cause. A read from a
// terminal or a pipe cannot be interrupted, so Rejections does not wait for such a read
// when ctx ends.
func (im *Importer) Rejections(ctx context.Context, rows iter.Seq2[Row, error]) iter.Seq2[Rejection, error] {
	return func(yield func(Rejection, error) bool) {
		sending, cancel := context.WithCancel(ctx)
		batches := make(chan *batch, im.InFlight-1)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			im.send(sending, rows, batches)
		}()
		defer func() {
			cancel()
			select {
			case <-sent:
			case <-ctx.Done():
			}
		}()
		var last Row // that was judged
		for b := range handed(ctx, batches) {
			<-b.ended
			if b.err != nil && b.results == nil {
				yield(Rejection{}, stopped(b))
				return
			}
			if !im.judge(b, yield) {
				return
			}
			if b.err != nil {
				yield(Rejection{}, b.err)
				return
			}
			last = b.rows[len(b.rows)-1]
		}
		if ctx.Err() != nil {
			yield(Rejection{}, interrupted(ctx, last))
		}
	}
}

// place returns where r comes from.
func (r Row) place() string {
	if r.File == "" {
		return fmt.Sprintf("line %d", r.Line)
	}
	return fmt.Sprintf("line %d of %s", r.Line, r.File)
}

// interrupted returns the error of an import that ctx ended between calls, with the line.
func interrupted(ctx context.Context, last Row) error {
	if last.Line == 0 {
		return fmt.Errorf("stopped before the first account: %w", context.Cause(ctx))
	}
	return fmt.Errorf("stopped after %s: %w", last.place(), context.Cause(ctx))
}

// handed iterates over batches until the channel is closed, or until ctx ends and no
// batch is waiting.
func handed(ctx context.Context, batches <-chan *batch) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		for {
			b, ok := receive(ctx, batches)
			if !ok || !yield(b) {
				return
			}
		}
	}
}

// receive returns the next batch. It prefers a waiting batch to the end of ctx.
func receive(ctx context.Context, batches <-chan *batch) (b *batch, ok bool) {
	select {
	case b, ok = <-batches:
		return b, ok
	default:
	}
	select {
	case b, ok = <-batches:
	case <-ctx.Done():
	}
	return b, ok
}

// stopped returns the error of b with the line to restart from.
func stopped(b *batch) error {
	if len(b.rows) == 0 {
		return b.err
	}
	return fmt.Errorf("stopped: begin again at %s: %w", b.rows[0].place(), b.err)
}

// send splits rows into batches, starts their calls, and sends the batches in order. It
// waits while the channel is full.
func (im *Importer) send(ctx context.Context, rows iter.Seq2[Row, error], batches chan<- *batch) {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(batches)
	next := &batch{ended: make(chan struct{})}
	start := func() bool {
		b := next
		next = &batch{ended: make(chan struct{})}
		select {
		case batches <- b:
			wg.Go(func() { im.call(ctx, b) })
			return true
		case <-ctx.Done():
			return false
		}
	}
	for r, err := range rows {
		if err != nil {
			next.err = err
			break
		}
		next.rows = append(next.rows, r)
		if len(next.rows) == client.MaxBatch && !start() {
			return
		}
	}
	if len(next.rows) > 0 || next.err != nil {
		start()
	}
}

// call imports the rows of b.
func (im *Importer) call(ctx context.Context, b *batch) {
	defer close(b.ended)
	accounts := make([]client.Account, 0, len(b.rows))
	for _, r := range b.rows {
		if r.Fault == "" {
			accounts = append(accounts, r.Account)
		}
	}
	b.results = []client.Result{}
	if len(accounts) == 0 {
		return
	}
	results, err := im.Import(ctx, accounts)
	if err != nil {
		b.results, b.err = nil, err
		return
	}
	b.results = results
}

// judge counts the rows of b and yields the rejected ones.
func (im *Importer) judge(b *batch, yield func(Rejection, error) bool) bool {
	sent := 0
	for _, r := range b.rows {
		rejected := Rejection{File: r.File, Line: r.Line, UserID: r.Account.UserID, Reason: r.Fault}
		if r.Fault == "" {
			result := b.results[sent]
			sent++
			rejected.Code, rejected.Reason = result.Code, whyRejected(result)
		}
		if rejected.Reason == "" && rejected.Code == 0 {
			im.Done++
			continue
		}
		im.Failed++
		if !yield(rejected, nil) {
			return false
		}
	}
	if im.Judged != nil {
		im.Judged()
	}
	return true
}

// whyRejected returns why an account was not imported. A server returns only codes for
// the items of a batch, and one code covers every error of an ID.
func whyRejected(r client.Result) string {
	if r.Code != client.CodeBadParameter {
		return r.Info
	}
	for _, strict := range []bool{false, true} {
		if e, ok := errors.AsType[*account.Error](account.UserID(r.UserID).Validate(strict)); ok {
			return e.Detail
		}
	}
	return r.Info
}
