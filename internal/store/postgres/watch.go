package postgres

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// Times of the poll.
const (
	pollEvery = 300 * time.Millisecond
	pollTime  = 2 * time.Second // after which a poll has failed

	// overlap is how far a poll looks back for kicks. A transaction that is longer than that
	// could commit a kick that the poll does not see, so it must exceed [callTime].
	overlap = callTime + 5*time.Second
)

// A watch knows what other processes change: it polls the database. A process learns of its
// own changes at once.
type watch struct {
	s *Store

	kinds [256]atomic.Uint64 // see [Store.Changes]

	mu          sync.RWMutex
	kicks       map[account.AppID]map[account.UserID]kick
	generations map[account.AppID]int64
	renewals    int           // calls of renew
	fresh       time.Time     // when the last successful poll began
	next        chan struct{} // closed by the next successful poll
	err         error         // of the last poll

	// Only the poll uses these.
	conn   *pgx.Conn
	server string          // address of the server of conn
	counts map[int16]int64 // commits by kind
	placed time.Time       // when the placement of shards was read
	since  int64           // the clock of the database at the last poll, in microseconds
}

// A kick is the watermark of an id.
type kick struct{ seconds, changed int64 }

func newWatch(s *Store) *watch {
	return &watch{s: s, kicks: map[account.AppID]map[account.UserID]kick{}, generations: map[account.AppID]int64{}, next: make(chan struct{}), counts: map[int16]int64{}}
}

// run polls until ctx ends.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := w.poll(ctx)
		if err != nil && w.conn != nil { // a new connection tells more
			w.disconnect()
			err = w.poll(ctx)
		}
		if err != nil && ctx.Err() == nil {
			w.failed(ctx, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
	w.disconnect()
}

// failed notes that a poll has failed. The next one uses a new connection.
func (w *watch) failed(ctx context.Context, err error) {
	w.disconnect()
	w.mu.Lock()
	first := w.err == nil
	w.err = err
	w.mu.Unlock()
	if first {
		w.s.lg.LogAttrs(ctx, slog.LevelError, "the database does not serve", slog.String("detail", account.DetailOf(errorOf(err, false))), slog.Any("err", err))
	}
	if faultOf(err).moved {
		w.s.moved()
	}
}

func (w *watch) disconnect() {
	if w.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = w.conn.Close(ctx) // of no further use
		w.conn = nil
	}
}

const (
	pollSQL   = `SELECT ` + clockSQL + `, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool`
	countsSQL = `SELECT kind, sum(n)::bigint FROM changes GROUP BY kind`
	kicksSQL  = `SELECT sdkappid, userid, coalesce(kicked_s, 0), kicked_us FROM accounts WHERE kicked_us >= $1`
	spacesSQL = `SELECT sdkappid, generation FROM spaces WHERE bucket = 0`
)

// errReadOnly is the error of a poll of a server that accepts no writes.
var errReadOnly = &account.Error{Code: account.Unavailable, Detail: readOnly}

// poll reads what has changed.
func (w *watch) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	if w.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, w.s.config.ConnConfig.Copy())
		if err != nil {
			return err
		}
		// The clock of another server can be behind, so its kicks are all read again.
		w.conn, w.since = conn, overlap.Microseconds()
		server := conn.PgConn().Conn().RemoteAddr().String()
		if w.server != server && w.server != "" {
			w.s.moved()
		}
		w.server = server
	}
	w.mu.RLock()
	p := polled{began: time.Now(), renewals: w.renewals, counts: map[int16]int64{}}
	w.mu.RUnlock()
	if err := p.read(ctx, w.conn, w.since-overlap.Microseconds()); err != nil {
		return err
	}
	if p.readOnly {
		return errReadOnly
	}
	if p.counts[spacesKind] != w.counts[spacesKind] || w.fresh.IsZero() {
		if err := p.readSpaces(ctx, w.conn); err != nil {
			return err
		}
	}
	if _, err := w.conn.Exec(ctx, "commit"); err != nil {
		return err
	}
	w.apply(&p)
	if w.s.distributed && time.Since(w.placed) > placeEvery {
		w.placed = time.Now()
		return w.s.place(ctx, w.conn)
	}
	return nil
}

// A polled is what a poll has read.
type polled struct {
	began       time.Time
	renewals    int
	clock       int64
	readOnly    bool
	counts      map[int16]int64
	kicks       []kicked
	generations map[account.AppID]int64 // nil if no space has changed
}

// A kicked is an id with a watermark.
type kicked struct {
	app account.AppID
	id  account.UserID
	kick
}

func (p *polled) read(ctx context.Context, conn *pgx.Conn, since int64) error {
	var b pgx.Batch
	b.Queue("begin isolation level repeatable read") // everything is of one moment
	b.Queue(pollSQL).QueryRow(func(r pgx.Row) error { return r.Scan(&p.clock, &p.readOnly) })
	b.Queue(countsSQL).Query(func(rows pgx.Rows) error {
		var kind int16
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&kind, &n}, func() error { p.counts[kind] = n; return nil })
		return err
	})
	b.Queue(kicksSQL, since).Query(func(rows pgx.Rows) error {
		var k kicked
		var app int64
		var id string
		_, err := pgx.ForEachRow(rows, []any{&app, &id, &k.seconds, &k.changed}, func() error {
			k.app, k.id = account.AppID(app), account.UserID(id)
			p.kicks = append(p.kicks, k)
			return nil
		})
		return err
	})
	return conn.SendBatch(ctx, &b).Close()
}

func (p *polled) readSpaces(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, spacesSQL)
	if err != nil {
		return err
	}
	p.generations = map[account.AppID]int64{}
	var app, generation int64
	_, err = pgx.ForEachRow(rows, []any{&app, &generation}, func() error {
		p.generations[account.AppID(app)] = generation
		return nil
	})
	return err
}

// apply makes what a poll has read known. It drops a poll that overlaps with a change of a
// space by the process itself: its kicks may be of the space before.
func (w *watch) apply(p *polled) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.renewals != p.renewals {
		return
	}
	w.since = p.clock
	for kind, n := range p.counts {
		if w.counts[kind] != n && kind >= 0 {
			w.kinds[kind].Add(1)
		}
	}
	w.counts = p.counts
	if p.generations != nil {
		maps.DeleteFunc(w.kicks, func(app account.AppID, _ map[account.UserID]kick) bool {
			return w.generations[app] != p.generations[app]
		})
		w.generations = p.generations
	}
	for _, k := range p.kicks {
		w.learn(k)
	}
	if w.err != nil {
		w.s.lg.Info("the database serves again")
	}
	w.fresh, w.err = p.began, nil
	close(w.next)
	w.next = make(chan struct{})
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
	for _, r := range rows {
		w.learn(kicked{app, r.ID, kick{r.Kicked, r.kickedUS}})
	}
}

// A renewal contains the spaces that a commit has created, removed or replaced.
type renewal struct {
	number uint64                 // of the commit: the generation of the spaces
	spaces map[account.AppID]bool // whether the space exists now
	kicks  []kicked               // that they begin with
}

// note adds the watermarks of rows of a space.
func (r *renewal) note(app account.AppID, rows []*row) {
	for _, row := range rows {
		if row.Kicked != 0 {
			r.kicks = append(r.kicks, kicked{app, row.ID, kick{row.Kicked, row.kickedUS}})
		}
	}
}

// renew replaces the watermarks of spaces that the process itself has changed.
func (w *watch) renew(r *renewal) {
	if r == nil || len(r.spaces) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.renewals++
	for app, exists := range r.spaces {
		delete(w.kicks, app)
		delete(w.generations, app)
		if exists {
			w.generations[app] = int64(r.number)
		}
	}
	for _, k := range r.kicks {
		w.learn(k)
	}
}

// wrote notes records that the process itself has written.
func (w *watch) wrote(o *outbox) {
	for _, kind := range o.kinds {
		w.kinds[kind].Add(1)
	}
}

// changes returns the number of changes of a kind.
func (w *watch) changes(kind account.Kind) uint64 { return w.kinds[kind].Load() }

// current returns nil if the last poll is recent enough for [account.MaxStale]. Otherwise it
// waits for the next one.
func (w *watch) current(ctx context.Context) error {
	for {
		w.mu.RLock()
		fresh, next, err := time.Since(w.fresh) < account.MaxStale, w.next, w.err
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
