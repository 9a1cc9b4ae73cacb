package bulk_test

import (
	"context"
	"math/rand/v2"

	"rollcall/internal/account"
)

// faults lets calls of an engine fail at random.
type faults struct {
	rnd *rand.Rand // nil: no faults yet
	off bool
}

func (f *faults) engine(e account.Engine) account.Engine { return &faultyEngine{e, f} }

// A faultyEngine divides batches into several commits, and returns Unavailable without a
// change and Unknown with one or without. Its calls are made by one goroutine at a time.
type faultyEngine struct {
	account.Engine
	f *faults
}

func (e *faultyEngine) Unwrap() account.Engine { return e.Engine }

func (f *faults) now(oneOf int) bool { return f.rnd != nil && !f.off && f.rnd.IntN(oneOf) == 0 }

var (
	errUnavailable = &account.Error{Code: account.Unavailable, Detail: "a fault"}
	errUnknown     = &account.Error{Code: account.Unknown, Detail: "a fault"}
)

func (e *faultyEngine) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	return batch(e.f, items, p.Outbox, func(items []account.Upsert, outbox func([]account.UpsertResult) []account.Write) ([]account.UpsertResult, error) {
		p.Outbox = outbox
		return e.Engine.Upsert(ctx, app, items, p)
	})
}

func (e *faultyEngine) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	return batch(e.f, patches, p.Outbox, func(patches []account.Patch, outbox func([]account.Code) []account.Write) ([]account.Code, error) {
		p.Outbox = outbox
		return e.Engine.Update(ctx, app, patches, p)
	})
}

func (e *faultyEngine) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	if e.f.now(30) {
		return 0, errUnknown
	}
	n, err := e.Engine.Commit(ctx, c)
	if e.f.now(30) {
		return 0, errUnknown
	}
	return n, err
}

// batch divides items into commits. Outbox gets zero values for the items of the others.
func batch[I, R any](f *faults, items []I, outbox func([]R) []account.Write, call func([]I, func([]R) []account.Write) ([]R, error)) ([]R, error) {
	if f.now(20) {
		return nil, errUnavailable
	}
	if f.now(30) {
		return nil, errUnknown
	}
	all := make([]R, len(items))
	for from := 0; from < len(items); {
		to := len(items)
		if f.now(2) {
			to = from + 1 + f.rnd.IntN(to-from)
		}
		var part func([]R) []account.Write
		if outbox != nil {
			part = func(rs []R) []account.Write {
				padded := make([]R, len(items))
				copy(padded[from:], rs)
				return outbox(padded)
			}
		}
		rs, err := call(items[from:to], part)
		if err != nil {
			return nil, err
		}
		copy(all[from:], rs)
		if f.now(20) {
			return nil, errUnknown
		}
		from = to
	}
	return all, nil
}
