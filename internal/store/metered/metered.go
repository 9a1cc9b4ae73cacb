// Package metered wraps an [account.Engine] and reports each call: its method,
// size, latency and outcome.
package metered

import (
	"context"
	"errors"
	"time"

	"rollcall/internal/account"
)

// A Recorder is told of calls. It is called from many goroutines.
type Recorder interface {
	// Observe reports one call of the engine's method named method: how many
	// items it had (0 for methods that take no batch; the accounts, entries or
	// tokens returned for List, Apps, Audit and Tokens), how long it took, and the
	// Code of its error. A batch without an error has Code OK whatever its
	// results say.
	Observe(method string, items int, took time.Duration, code account.Code)
}

// New returns e with every call reported to r, but Close and calls whose caller
// has gone.
func New(e account.Engine, r Recorder) account.Engine { return &engine{Engine: e, r: r} }

type engine struct {
	account.Engine
	r Recorder
}

// Unwrap returns the engine whose calls are reported.
func (m *engine) Unwrap() account.Engine { return m.Engine }

// observe reports a call that began at start and returned err, unless it broke off
// because its caller had gone: that says nothing of the store.
func (m *engine) observe(method string, start time.Time, items int, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	m.r.Observe(method, items, time.Since(start), account.CodeOf(err))
}

// Upsert implements [account.Store].
func (m *engine) Upsert(ctx context.Context, app account.AppID, items []account.Upsert, p account.UpsertPolicy) ([]account.UpsertResult, error) {
	start := time.Now()
	rs, err := m.Engine.Upsert(ctx, app, items, p)
	m.observe("Upsert", start, len(items), err)
	return rs, err
}

// Status implements [account.Store].
func (m *engine) Status(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Status, error) {
	start := time.Now()
	rs, err := m.Engine.Status(ctx, app, ids)
	m.observe("Status", start, len(ids), err)
	return rs, err
}

// Lookup implements [account.Store].
func (m *engine) Lookup(ctx context.Context, app account.AppID, ids []account.UserID) ([]account.Account, error) {
	start := time.Now()
	as, err := m.Engine.Lookup(ctx, app, ids)
	m.observe("Lookup", start, len(ids), err)
	return as, err
}

// Update implements [account.Store].
func (m *engine) Update(ctx context.Context, app account.AppID, patches []account.Patch, now time.Time) ([]account.Code, error) {
	start := time.Now()
	cs, err := m.Engine.Update(ctx, app, patches, now)
	m.observe("Update", start, len(patches), err)
	return cs, err
}

// Delete implements [account.Store].
func (m *engine) Delete(ctx context.Context, app account.AppID, ids []account.UserID, now time.Time) ([]account.Code, error) {
	start := time.Now()
	cs, err := m.Engine.Delete(ctx, app, ids, now)
	m.observe("Delete", start, len(ids), err)
	return cs, err
}

// List implements [account.Store].
func (m *engine) List(ctx context.Context, app account.AppID, q account.ListQuery) (account.ListPage, error) {
	start := time.Now()
	page, err := m.Engine.List(ctx, app, q)
	m.observe("List", start, len(page.Accounts), err)
	return page, err
}

// Count implements [account.Store].
func (m *engine) Count(ctx context.Context, app account.AppID) (int64, error) {
	start := time.Now()
	n, err := m.Engine.Count(ctx, app)
	m.observe("Count", start, 0, err)
	return n, err
}

// Ready implements [account.Store].
func (m *engine) Ready(ctx context.Context) error {
	start := time.Now()
	err := m.Engine.Ready(ctx)
	m.observe("Ready", start, 0, err)
	return err
}

// CreateApp implements [account.Apps].
func (m *engine) CreateApp(ctx context.Context, a account.App, by account.AuditEntry) (*account.App, error) {
	start := time.Now()
	got, err := m.Engine.CreateApp(ctx, a, by)
	m.observe("CreateApp", start, 0, err)
	return got, err
}

// App implements [account.Apps].
func (m *engine) App(ctx context.Context, id account.AppID) (*account.App, error) {
	start := time.Now()
	got, err := m.Engine.App(ctx, id)
	m.observe("App", start, 0, err)
	return got, err
}

// Apps implements [account.Apps].
func (m *engine) Apps(ctx context.Context) ([]*account.App, error) {
	start := time.Now()
	as, err := m.Engine.Apps(ctx)
	m.observe("Apps", start, len(as), err)
	return as, err
}

// UpdateApp implements [account.Apps].
func (m *engine) UpdateApp(ctx context.Context, id account.AppID, fn func(account.App) (account.App, error), by account.AuditEntry) (*account.App, error) {
	start := time.Now()
	got, err := m.Engine.UpdateApp(ctx, id, fn, by)
	m.observe("UpdateApp", start, 0, err)
	return got, err
}

// DeleteApp implements [account.Apps].
func (m *engine) DeleteApp(ctx context.Context, id account.AppID, by account.AuditEntry) error {
	start := time.Now()
	err := m.Engine.DeleteApp(ctx, id, by)
	m.observe("DeleteApp", start, 0, err)
	return err
}

// Record implements [account.Apps].
func (m *engine) Record(ctx context.Context, entry account.AuditEntry) error {
	start := time.Now()
	err := m.Engine.Record(ctx, entry)
	m.observe("Record", start, 0, err)
	return err
}

// Audit implements [account.Apps].
func (m *engine) Audit(ctx context.Context, q account.AuditQuery) ([]account.AuditEntry, error) {
	start := time.Now()
	es, err := m.Engine.Audit(ctx, q)
	m.observe("Audit", start, len(es), err)
	return es, err
}
