package postgres

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// A watch knows what other processes change: it polls the database. A process learns of its
// own changes at once.
type watch struct {
	s *Store

	kinds [256]atomic.Uint64 // see [Store.Changes]

	mu          sync.RWMutex
	kicks       map[account.AppID]map[account.UserID]kick
	generations map[account.AppID]int64
	renewed     map[account.AppID]bool                    // apps of renew since the last poll began
	own         map[account.AppID]map[account.UserID]bool // ids of kicked since the last poll began
	again       bool                                      // the next poll reads all spaces, because of renew or own
	fresh       time.Time                                 // when the last successful poll began
	next        chan struct{}                             // closed by the next successful poll
	err         error                                     // of the last poll

	// Only the poll uses these.
	conn   *pgx.Conn
	server string          // address of the server of conn
	counts map[int16]int64 // commits by kind
	placed time.Time       // when the placement of shards was read
	since  int64           // the clock of the database at the last poll, in microseconds
	open   int64           // when the oldest transaction began that was under way then, or 0
	limit  time.Duration   // of reading kicks
	slow   bool            // the last poll could not read the kicks within limit
}

// A kick is the watermark of an id.
type kick struct{ seconds, changed int64 }

func newWatch(s *Store) *watch {
	return &watch{
		s: s, limit: pollTime, next: make(chan struct{}), counts: map[int16]int64{},
		kicks: map[account.AppID]map[account.UserID]kick{}, generations: map[account.AppID]int64{},
		renewed: map[account.AppID]bool{}, own: map[account.AppID]map[account.UserID]bool{},
	}
}

// learn stores a watermark, unless a newer one is known.
func (w *watch) learn(k kicked) {
	of := w.kicks[k.app]
	if of == nil {
		of = map[account.UserID]kick{}
		w.kicks[k.app] = of
	}
	if of[k.id].changed < k.changed {
		of[k.id] = k.kick
	}
}

// kicked notes watermarks that the process itself has changed.
func (w *watch) kicked(app account.AppID, rows []*row) {
	if len(rows) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	own := w.own[app]
	if own == nil {
		own = map[account.UserID]bool{}
		w.own[app] = own
	}
	for _, r := range rows {
		own[r.ID] = true
		w.learn(kicked{app, r.ID, kick{r.Kicked, r.kickedUS}})
	}
}

// A renewal contains the spaces that a commit has created, removed or replaced.
type renewal struct {
	number uint64                  // of the commit: the generation of the spaces
	spaces map[account.AppID]bool  // whether the space exists now
	clocks map[account.AppID]int64 // of the database, when the space was locked
	kicks  []kicked                // that they begin with
}

// queueClock notes the clock of the database for a space that t has locked.
func (r *renewal) queueClock(t *tx, app account.AppID) {
	t.queue(`SELECT ` + clockSQL).QueryRow(func(row pgx.Row) error {
		var clock int64
		err := row.Scan(&clock)
		r.clocks[app] = clock
		return err
	})
}

// note adds the watermarks of rows of a space.
func (r *renewal) note(app account.AppID, rows []*row) {
	for _, row := range rows {
		if row.Kicked != 0 {
			r.kicks = append(r.kicks, kicked{app, row.ID, kick{row.Kicked, row.kickedUS}})
		}
	}
}

// renew replaces the watermarks of spaces that the process itself has changed. Kicks can have
// followed meanwhile: those that are known of this generation, and those of a later time.
func (w *watch) renew(r *renewal) {
	if r == nil || len(r.spaces) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again = true
	known := map[account.AppID]bool{}
	for app, exists := range r.spaces {
		if known[app] = exists && w.generations[app] == int64(r.number); known[app] {
			continue
		}
		w.renewed[app] = true
		if !exists {
			delete(w.kicks, app)
			delete(w.generations, app)
			continue
		}
		maps.DeleteFunc(w.kicks[app], func(_ account.UserID, k kick) bool { return k.changed <= r.clocks[app] })
		w.generations[app] = int64(r.number)
	}
	for _, k := range r.kicks {
		if !known[k.app] {
			w.learn(k)
		}
	}
}

// wrote notes records that the process itself has written.
func (w *watch) wrote(o *outbox) {
	for _, kind := range o.kinds {
		w.kinds[kind].Add(1)
	}
}

// changes returns the number of changes of a kind. If the last poll is too old, it returns a
// new number each time, so that caches read the database.
func (w *watch) changes(kind account.Kind) uint64 {
	w.mu.RLock()
	fresh := w.isFresh()
	w.mu.RUnlock()
	if !fresh {
		return w.kinds[kind].Add(1)
	}
	return w.kinds[kind].Load()
}

// isFresh reports whether the last poll is recent enough for [account.MaxStale].
func (w *watch) isFresh() bool { return time.Since(w.fresh) < account.MaxStale }

// current returns nil if the last poll is recent enough. Otherwise it waits for the next one.
func (w *watch) current(ctx context.Context) error {
	for {
		w.mu.RLock()
		fresh, next, err := w.isFresh(), w.next, w.err
		w.mu.RUnlock()
		if fresh {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			if err != nil {
				return errorOf(err, false)
			}
			return account.Ended(ctx)
		}
	}
}

// ready returns the reason why the database does not serve, or nil.
func (w *watch) ready() error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	switch {
	case w.err != nil:
		return errorOf(w.err, false)
	case time.Since(w.fresh) > pollEvery+pollTime:
		return &account.Error{Code: account.Unavailable, Detail: outOfTime}
	}
	return nil
}

// Watermark implements [account.Store].
func (s *Store) Watermark(ctx context.Context, app account.AppID, id account.UserID) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := account.Ended(ctx); err != nil {
		return 0, err
	}
	if err := s.watch.current(ctx); err != nil {
		return 0, err
	}
	s.watch.mu.RLock()
	defer s.watch.mu.RUnlock()
	return s.watch.kicks[app][id].seconds, nil
}
