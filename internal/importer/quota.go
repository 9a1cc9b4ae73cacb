package importer

import (
	"context"

	"rollcall/client"
)

// NoQuota says that any number of accounts can be created.
const NoQuota = int64(-1)

// trialRows is a number of different ids after which the app of the vendor cannot be one of
// the trial edition, which has 100 accounts.
const trialRows = 201

// A quota keeps parallel calls from creating accounts in another order than that of the
// rows.
//
// If the target tells how many accounts can still be created, calls run in parallel as far
// as every row of them fits, whatever their results are. Then the run asks again. If nothing
// can be created, the order does not matter.
//
// If the quota is unknown, rows go in their order, in one call at a time.
type quota struct {
	wire   *Wire
	delete bool

	known   bool
	horizon int64 // rows up to it fit; -1: all
	full    bool  // a row met the quota
	through int   // rows that were accepted
}

// strict reports whether rows must be sent in their order, in one call at a time.
func (q *quota) strict() bool {
	return !q.delete && q.wire.Left == nil && (q.full || !q.wire.Vendor || q.through < trialRows)
}

// reaches reports whether r may be sent.
func (q *quota) reaches(r *row) bool { return q.horizon < 0 || r.number <= q.horizon }

// learn learns how many accounts can be created, at a time without calls under way. The
// window contains the rows without a verdict.
func (q *quota) learn(left int64, window []*row) {
	q.known, q.full = true, left == 0
	switch {
	case left == NoQuota:
		q.horizon = -1
	case left == 0:
		q.horizon = window[len(window)-1].number
	default:
		q.horizon = window[0].number + left - 1
	}
}

// judged learns from a verdict.
func (q *quota) judged(r *row) {
	switch {
	case r.code == client.CodeQuotaExceeded:
		q.full = true
	case r.reason == "":
		q.through++
	}
}

// note says how the quota holds the run back, or "".
func (q *quota) note() string {
	switch {
	case q.delete:
		return ""
	case q.full:
		return "the quota of the app is full"
	case !q.strict():
		return ""
	case q.wire.Vendor:
		return "a slow start, because the app may have the quota of the trial edition"
	}
	return "one call at a time, because the quota is unknown without an admin token"
}

// allowed returns how many rows the next call may have, or 0 if none may begin now. It asks
// the target for its quota if need be.
func (w *wireRun) allowed() int {
	q := &w.quota
	switch {
	case q.delete:
		return client.MaxBatch
	case q.strict() && w.inFlight > 0:
		return 0
	case q.strict() && q.wire.Vendor && !q.full:
		return 1 // a retry of one row must not come after the other rows of its call
	case q.wire.Left == nil:
		return client.MaxBatch
	case q.known && (len(w.ready) == 0 || q.reaches(w.ready[0])):
		return client.MaxBatch
	}
	if w.inFlight == 0 && len(w.window) > 0 {
		w.call(new(batch), w.askLeft)
	}
	return 0
}

// askLeft asks how many accounts can still be created.
func (w *wireRun) askLeft(b *batch) {
	var left int64
	b.err = w.caller.ask(b, "", func(ctx context.Context) (err error) {
		left, err = w.job.Wire.Left(ctx)
		return err
	})
	b.left = &left
}
