package ratelimit

import (
	"slices"
	"sync"
	"time"
)

// Limits of a Report.
const (
	maxRows = 600  // of one app
	maxApps = 1000 // further ones replace those whose newest row is oldest
)

// A Row counts the calls over one limit in one second.
type Row struct {
	Command string // "" for the ceiling of the whole app
	Second  int64  // Unix time
	Limit   int
	Over    int // number of calls over the limit
}

// A Report keeps which limits were exceeded, per app, in memory. It keeps the newest
// seconds of each app. It is safe for concurrent use.
type Report struct {
	mu   sync.Mutex
	apps map[uint32][]Row // oldest first
}

// NewReport returns an empty Report.
func NewReport() *Report { return &Report{apps: map[uint32][]Row{}} }

// Add counts a call of key over limit in the second of now.
func (r *Report) Add(key Key, limit int, now time.Time) {
	second := now.Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	rows, known := r.apps[key.App]
	for i := len(rows) - 1; i >= 0 && rows[i].Second >= second-1; i-- { // concurrent calls read their clocks in any order
		if rows[i].Second == second && rows[i].Command == key.Command {
			rows[i].Over++
			rows[i].Limit = limit
			return
		}
	}
	if !known && len(r.apps) >= maxApps {
		r.dropOldest()
	}
	if len(rows) >= maxRows {
		rows = slices.Delete(rows, 0, len(rows)-maxRows+1)
	}
	r.apps[key.App] = append(rows, Row{key.Command, second, limit, 1})
}

// dropOldest drops the app whose newest row is oldest. The caller has locked r.mu.
func (r *Report) dropOldest() {
	var oldest uint32
	first := true
	newest := func(app uint32) int64 { rows := r.apps[app]; return rows[len(rows)-1].Second }
	for app := range r.apps {
		if first || newest(app) < newest(oldest) {
			oldest, first = app, false
		}
	}
	delete(r.apps, oldest)
}

// Rows returns the rows of an app, newest first.
func (r *Report) Rows(app uint32) []Row {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := slices.Clone(r.apps[app])
	slices.Reverse(rows)
	return rows
}

// Drop removes the rows of an app.
func (r *Report) Drop(app uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.apps, app)
}
