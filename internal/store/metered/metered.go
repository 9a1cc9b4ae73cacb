// Package metered wraps an [account.Engine] and reports the method, size, latency and
// outcome of each call.
package metered

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"rollcall/internal/account"
)

// A Recorder receives reports of calls. It is safe for concurrent use.
type Recorder interface {
	// Observe reports a call of a method of the engine.
	//
	//   - ctx is that of the call, for the values in it.
	//   - items is the size of the batch, the number of returned accounts or records for
	//     List, Records and Export, the number of writes and spaces for Commit, and 0 for
	//     all other methods.
	//   - took is the duration of the call.
	//   - code is the Code of its error. A batch without an error has Code OK, regardless
	//     of its results.
	Observe(ctx context.Context, method string, items int, took time.Duration, code account.Code)
}

// New returns e with its calls reported to r. It does not report Close, Watermark and
// Changes, which are look-ups in memory, and calls whose context was canceled.
func New(e account.Engine, r Recorder) account.Engine {
	m := &engine{Engine: e, r: r}
	if below, ok := account.Find[account.Exporter](e); ok {
		return &exporter{m, below}
	}
	return m
}

type engine struct {
	account.Engine
	r      Recorder
	active atomic.Int64
}

// InFlight returns the number of calls that have begun and not ended. The result of [New]
// has this method.
func (m *engine) InFlight() int { return int(m.active.Load()) }

// begin counts a call that begins, and returns the time.
func (m *engine) begin() time.Time {
	m.active.Add(1)
	return time.Now()
}

// Unwrap returns the engine whose calls are reported.
func (m *engine) Unwrap() account.Engine { return m.Engine }

// observe reports a call that began at start and returned err. It skips a call whose
// context was canceled, because its outcome says nothing about the store.
func (m *engine) observe(ctx context.Context, method string, start time.Time, items int, err error) {
	m.active.Add(-1)
	if errors.Is(err, context.Canceled) {
		return
	}
	m.r.Observe(ctx, method, items, time.Since(start), account.CodeOf(err))
}

// Upsert implements [account.Store].
func (m *engine) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	start := m.begin()
	rs, err := m.Engine.Upsert(ctx, app, items, p)
	m.observe(ctx, "Upsert", start, len(items), err)
	return rs, err
}

// Status implements [account.Store].
func (m *engine) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	start := m.begin()
	rs, err := m.Engine.Status(ctx, app, ids)
	m.observe(ctx, "Status", start, len(ids), err)
	return rs, err
}

// Lookup implements [account.Store].
func (m *engine) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	start := m.begin()
	as, err := m.Engine.Lookup(ctx, app, ids)
	m.observe(ctx, "Lookup", start, len(ids), err)
	return as, err
}

// Update implements [account.Store].
func (m *engine) Update(ctx context.Context, app account.AppID, patches []account.Patch, p account.ChangePolicy) ([]account.Code, error) {
	start := m.begin()
	cs, err := m.Engine.Update(ctx, app, patches, p)
	m.observe(ctx, "Update", start, len(patches), err)
	return cs, err
}

// Delete implements [account.Store].
func (m *engine) Delete(ctx context.Context, app account.AppID, ids []account.UserID, p account.ChangePolicy) ([]account.Code, error) {
	start := m.begin()
	cs, err := m.Engine.Delete(ctx, app, ids, p)
	m.observe(ctx, "Delete", start, len(ids), err)
	return cs, err
}

// List implements [account.Store].
func (m *engine) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	start := m.begin()
	page, err := m.Engine.List(ctx, app, q)
	m.observe(ctx, "List", start, len(page.Accounts), err)
	return page, err
}

// Count implements [account.Store].
func (m *engine) Count(ctx context.Context, app account.AppID) (int64, error) {
	start := m.begin()
	n, err := m.Engine.Count(ctx, app)
	m.observe(ctx, "Count", start, 0, err)
	return n, err
}

// Ready implements [account.Store].
func (m *engine) Ready(ctx context.Context) error {
	start := m.begin()
	err := m.Engine.Ready(ctx)
	m.observe(ctx, "Ready", start, 0, err)
	return err
}

// Record implements [account.Records].
func (m *engine) Record(ctx context.Context, kind account.Kind, key string) (account.Record, error) {
	start := m.begin()
	got, err := m.Engine.Record(ctx, kind, key)
	m.observe(ctx, "Record", start, 0, err)
	return got, err
}

// RecordsAt implements [account.Records].
func (m *engine) RecordsAt(ctx context.Context, kind account.Kind, keys []string) ([]account.Record, error) {
	start := m.begin()
	rs, err := m.Engine.RecordsAt(ctx, kind, keys)
	m.observe(ctx, "RecordsAt", start, len(keys), err)
	return rs, err
}

// Records implements [account.Records].
func (m *engine) Records(ctx context.Context, q account.RecordQuery) (account.RecordPage, error) {
	start := m.begin()
	page, err := m.Engine.Records(ctx, q)
	m.observe(ctx, "Records", start, len(page.Records), err)
	return page, err
}

// Commit implements [account.Records].
func (m *engine) Commit(ctx context.Context, c account.Commit) (uint64, error) {
	start := m.begin()
	number, err := m.Engine.Commit(ctx, c)
	m.observe(ctx, "Commit", start, len(c.Writes)+len(c.Spaces), err)
	return number, err
}
