package postgres

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"

	"rollcall/internal/account"
)

// Times of the poll.
const (
	pollEvery = 300 * time.Millisecond
	pollTime  = 2 * time.Second // after which a poll has failed

	// rereadTime is the same for a poll that reads all watermarks of an app, or that follows
	// one which had no time for all new ones: a snapshot that is restored has many.
	rereadTime = time.Minute

	// overlap is how far a poll looks back for kicks. It must exceed [callTime], the usual
	// limit of a transaction. For one that is longer, see openSQL.
	overlap = callTime + 5*time.Second
)

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
	if first && faultOf(err).moved {
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
	// openSQL returns when the oldest transaction began that writes, or waits for a lock, as
	// far as the role can see it. Its kicks are older than its commit. Without the time-outs
	// of a session, as behind a pooler, it can take any time.
	openSQL = `SELECT coalesce(min((extract(epoch FROM xact_start) * 1000000)::bigint), 0) FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND (backend_xid IS NOT NULL OR wait_event_type = 'Lock')`

	pollSQL     = `SELECT ` + clockSQL + `, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool`
	countsSQL   = `SELECT kind, sum(n)::bigint FROM changes GROUP BY kind`
	spacesSQL   = `SELECT sdkappid, generation FROM spaces WHERE bucket = 0`
	kickNames   = `SELECT sdkappid, userid, coalesce(kicked_s, 0), kicked_us FROM accounts`
	kicksSQL    = kickNames + ` WHERE kicked_us >= $1`
	appKicksSQL = kickNames + ` WHERE sdkappid = ANY ($1) AND coalesce(kicked_us, 0) > 0` // the index of kicks is that of all apps
)

// errReadOnly is the error of a poll of a server that accepts no writes.
var errReadOnly = &account.Error{Code: account.Unavailable, Detail: readOnly}

// poll reads what has changed.
func (w *watch) poll(ctx context.Context) error {
	p, err := w.look(ctx)
	if err != nil {
		return err
	}
	limit := w.limit
	if p.first || len(p.changed) > 0 || w.slow {
		limit = rereadTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = p.readKicks(ctx, w.conn, w.lookBack(p))
	w.slow = err != nil && ctx.Err() != nil
	if err != nil {
		return err
	}
	w.apply(p)
	if w.s.distributed && time.Since(w.placed) > placeEvery {
		w.placed = time.Now()
		return w.s.place(ctx, w.conn)
	}
	return nil
}

// look begins a poll. It reads the state of the server and which spaces have changed.
func (w *watch) look(ctx context.Context) (*polled, error) {
	if w.conn == nil {
		// This takes as long as the attempts for all servers of the URL: the first ones can hang.
		if err := w.connect(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	p := w.begin()
	if err := p.read(ctx, w.conn); err != nil {
		return nil, err
	}
	if p.readOnly {
		return nil, errReadOnly
	}
	if p.first || p.again || p.counts[spacesKind] != w.counts[spacesKind] {
		if err := p.readSpaces(ctx, w.conn); err != nil {
			return nil, err
		}
		p.changed = w.unknown(p.generations)
	}
	return p, nil
}

// connect connects to the database.
func (w *watch) connect(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, w.s.config.ConnConfig.Copy())
	if err != nil {
		return err
	}
	w.conn = conn
	server := conn.PgConn().Conn().RemoteAddr().String()
	if w.server != server && w.server != "" {
		w.s.moved()
	}
	w.server = server
	return nil
}

// A polled is what a poll has read.
type polled struct {
	began       time.Time
	first       bool // of the store
	again       bool // reads the spaces in any case
	clock       int64
	open        int64 // see openSQL; 0 if there is none
	readOnly    bool
	counts      map[int16]int64
	generations map[account.AppID]int64 // nil if no space has changed
	changed     []int64                 // apps with a new generation, whose watermarks are all read
	kicks       []kicked
}

// A kicked is an id with a watermark.
type kicked struct {
	app account.AppID
	id  account.UserID
	kick
}

// begin begins a poll.
func (w *watch) begin() *polled {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &polled{began: time.Now(), first: w.fresh.IsZero(), again: w.again, counts: map[int16]int64{}}
	clear(w.renewed)
	clear(w.own)
	return p
}

// lookBack returns the time from which on p looks for kicks, in microseconds of the
// database's clock. That clock can be set, and the clock of another server can be behind, so
// the time since the last poll counts, too. So does the oldest transaction that was under way
// then.
func (w *watch) lookBack(p *polled) int64 {
	if p.first {
		return 0
	}
	from := min(w.since, p.clock-p.began.Sub(w.fresh).Microseconds())
	if w.open != 0 {
		from = min(from, w.open)
	}
	return from - overlap.Microseconds()
}

func (p *polled) read(ctx context.Context, conn *pgx.Conn) error {
	if err := conn.QueryRow(ctx, openSQL).Scan(&p.open); err != nil { // before the moment of the rest
		return err
	}
	var b pgx.Batch
	b.Queue("begin isolation level repeatable read") // on PostgreSQL everything is of one moment
	b.Queue("set local statement_timeout = 0")       // ctx ends it
	b.Queue(pollSQL).QueryRow(func(r pgx.Row) error { return r.Scan(&p.clock, &p.readOnly) })
	b.Queue(countsSQL).Query(func(rows pgx.Rows) error {
		var kind int16
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&kind, &n}, func() error { p.counts[kind] = n; return nil })
		return err
	})
	return conn.SendBatch(ctx, &b).Close()
}

// unknown returns the apps whose generation is not the known one.
func (w *watch) unknown(generations map[account.AppID]int64) (apps []int64) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for app, n := range generations {
		if w.generations[app] != n {
			apps = append(apps, int64(app))
		}
	}
	return apps
}

// readSpaces reads the generations of all spaces.
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

// readKicks reads the kicks since a time, and all of the spaces that have changed. On Citus
// they are newer than the spaces, so none of an earlier generation is left.
func (p *polled) readKicks(ctx context.Context, conn *pgx.Conn, since int64) error {
	read := func(rows pgx.Rows) error {
		var k kicked
		var app int64
		var id string
		_, err := pgx.ForEachRow(rows, []any{&app, &id, &k.seconds, &k.changed}, func() error {
			k.app, k.id = account.AppID(app), account.UserID(id)
			p.kicks = append(p.kicks, k)
			return nil
		})
		return err
	}
	var b pgx.Batch
	b.Queue(kicksSQL, since).Query(read)
	if len(p.changed) > 0 && !p.first {
		b.Queue(appKicksSQL, p.changed).Query(read)
	}
	b.Queue("commit")
	return conn.SendBatch(ctx, &b).Close()
}

// apply makes what a poll has read known. The process knows more about the spaces that it
// has changed since the poll began. The next poll reads them.
func (w *watch) apply(p *polled) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.open = p.clock, p.open
	for kind, n := range p.counts {
		if w.counts[kind] != n && kind >= 0 {
			w.kinds[kind].Add(1)
		}
	}
	w.counts = p.counts
	w.again = len(w.renewed) > 0
	if p.generations != nil {
		w.applySpaces(p.generations)
	}
	for _, k := range p.kicks {
		if !w.renewed[k.app] {
			w.learn(k)
		}
	}
	if w.err != nil {
		w.s.lg.Info("the database serves again")
	}
	w.fresh, w.err = p.began, nil
	close(w.next)
	w.next = make(chan struct{})
}

// applySpaces makes the generations of spaces known, and forgets the watermarks of those
// that have changed. It keeps those of own kicks since the poll began, which the poll may not
// have seen. They can be of the generation before, so the next poll reads the space again.
func (w *watch) applySpaces(generations map[account.AppID]int64) {
	for app := range w.renewed {
		delete(generations, app)
		if own, ok := w.generations[app]; ok {
			generations[app] = own
		}
	}
	maps.DeleteFunc(w.kicks, func(app account.AppID, of map[account.UserID]kick) bool {
		if w.generations[app] == generations[app] {
			return false
		}
		own := w.own[app]
		maps.DeleteFunc(of, func(id account.UserID, _ kick) bool { return !own[id] })
		if len(of) > 0 {
			delete(generations, app)
			w.again = true
		}
		return len(of) == 0
	})
	w.generations = generations
}
