// Package importer reads files of accounts and imports them in batches, as
// "rollcall account import" does.
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
	Line   int         `json:"line"` // of the file, from 1; or which argument
	UserID string      `json:"userid"`
	Code   client.Code `json:"code,omitzero"` // 0: the line cannot be read
	Reason string      `json:"reason"`
}

// An Importer sends accounts in batches, several at once, and tells what was
// rejected in the order of the lines. It is for one import.
type Importer struct {
	// Import imports one batch and returns a result for each account, in order.
	Import func(context.Context, []client.Account) ([]client.Result, error)

	// InFlight is how many batches are under way at once, 1 at least.
	InFlight int

	// Judged is called after each batch, by who iterates. Optional.
	Judged func()

	// Done and Failed count the rows so far, for who iterates.
	Done, Failed int
}

// A batch is some lines and, when its call has ended, what became of them.
type batch struct {
	rows    []Row
	results []client.Result // of the rows without a fault, in their order
	err     error           // of the call, or of reading on after rows
	ended   chan struct{}
}

// Rejections imports rows and iterates over what was rejected. It ends after an
// error, which names the line to begin again at, and when ctx ends, with its
// cause. A read from a terminal or a pipe cannot be interrupted: when ctx ends,
// Rejections does not wait for a row that is being read.
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
		last := 0 // line that was judged
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
			last = b.rows[len(b.rows)-1].Line
		}
		if ctx.Err() != nil {
			yield(Rejection{}, interrupted(ctx, last))
		}
	}
}

// interrupted says at which line ctx ended an import that was not calling.
func interrupted(ctx context.Context, last int) error {
	if last == 0 {
		return fmt.Errorf("stopped before the first account: %w", context.Cause(ctx))
	}
	return fmt.Errorf("stopped after line %d: %w", last, context.Cause(ctx))
}

// handed iterates over batches until it is closed, or ctx ends and none is there.
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

// receive returns the next batch. One that is there comes before the end of ctx.
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

// stopped says at which line to begin again.
func stopped(b *batch) error {
	if len(b.rows) == 0 {
		return b.err
	}
	return fmt.Errorf("stopped: begin again at line %d: %w", b.rows[0].Line, b.err)
}

// send cuts rows into batches, starts their calls, and hands them over in order.
// That batches is full holds it back.
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
		rejected := Rejection{Line: r.Line, UserID: r.Account.UserID, Reason: r.Fault}
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

// whyRejected says why an account was not imported. The server of a batch tells
// codes alone, and one of them stands for all that can be wrong with an id.
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
