package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"rollcall/internal/account"
)

// Limits of the time of a call. A caller's deadline that is closer wins.
const (
	callTime = 10 * time.Second // of a call of ordinary size
	longTime = 10 * time.Minute // of a change of a whole space
)

// Pauses between two attempts of a transaction. Each is twice as long as the one before.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// errBusy means that no connection of the pool became free in time.
var errBusy = errors.New("all connections of the pool are in use")

// errUnreplicated means that the server ended the wait for its synchronous standby. The
// commit is then only on the server itself.
var errUnreplicated = errors.New("the commit did not wait for the synchronous standby")

// A tx is one attempt of a transaction. It collects statements and sends them together.
type tx struct {
	s    *Store
	ctx  context.Context
	pool *pgxpool.Pool
	conn *pgxpool.Conn

	// doubt says that an earlier attempt may have been committed.
	doubt bool

	batch      pgx.Batch
	touched    []int16 // kinds of touch
	committing bool    // the commit may have reached the server
}

// queue adds a statement to those that send sends.
func (t *tx) queue(sql string, args ...any) *pgx.QueuedQuery { return t.batch.Queue(sql, args...) }

// send sends the statements of queue in one round trip, and calls their functions.
func (t *tx) send() error {
	if t.batch.Len() == 0 {
		return nil
	}
	err := t.conn.SendBatch(t.ctx, &t.batch).Close()
	t.batch = pgx.Batch{}
	return err
}

// commit sends the rest of the statements and commits.
func (t *tx) commit() error {
	if err := t.s.hook(false); err != nil {
		return err
	}
	t.queueTouched()
	unreplicated := false
	watchNotices(t.conn, func() { unreplicated = true })
	defer watchNotices(t.conn, nil)
	t.queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("the transaction ended with %s", tag)
		}
		return nil
	})
	t.committing = true
	err := t.send()
	t.committing = err == nil || !aborted(err)
	if err == nil && unreplicated {
		err = errUnreplicated
	}
	if err == nil {
		err = t.s.hook(true)
	}
	return err
}

// aborted reports whether err, which ended a commit, means that nothing was committed. An
// error that leaves the session alive is one of the transaction.
func aborted(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.SeverityUnlocalized == "ERROR" && e.Code != stateUnknownCommit && !strings.HasPrefix(e.Code, "08")
}

// noticeKey is the key of the function of watchNotices in the data of a connection.
const noticeKey = "rollcall.unreplicated"

// watchNotices makes fn the function to call when the server warns that it has ended the
// wait for its synchronous standby. A nil fn ends that.
func watchNotices(conn *pgxpool.Conn, fn func()) { conn.Conn().PgConn().CustomData()[noticeKey] = fn }

// onNotice receives the notices of a server. The warning has no SQLSTATE of its own, and
// its text can be translated, so every warning during a commit counts.
func onNotice(conn *pgconn.PgConn, n *pgconn.Notice) {
	if fn, _ := conn.CustomData()[noticeKey].(func()); fn != nil && n.SeverityUnlocalized == "WARNING" {
		fn()
	}
}

// run runs fn in t, and rolls back if it fails.
func (t *tx) run(fn func(*tx) error) (err error) {
	if t.conn, err = t.s.acquire(t.ctx, t.pool); err != nil {
		return err
	}
	defer t.s.release(t.conn)
	t.queue("begin")
	if err = fn(t); err == nil {
		err = t.commit()
	}
	if conn := t.conn.Conn(); err != nil && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		t.rollback()
	}
	return err
}

// rollback ends the transaction. If that takes long, the connection is closed.
func (t *tx) rollback() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), time.Second)
	defer cancel()
	_, _ = t.conn.Exec(ctx, "rollback") // an error closes the connection, which also rolls back
}

// acquire returns a connection of pool, which the caller releases.
func (s *Store) acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil && pool.Stat().AcquiredConns() >= pool.Config().MaxConns {
			return nil, errBusy
		}
		return nil, err
	}
	s.busyMu.Lock()
	defer s.busyMu.Unlock()
	s.busy[conn] = conn.Conn().PgConn().Conn()
	return conn, nil
}

// release returns a connection to its pool. A broken one leaves the pool at once: pgx asks
// the server to end its statement, and a server that hangs would keep the place in the pool
// for 15 seconds.
func (s *Store) release(conn *pgxpool.Conn) {
	s.busyMu.Lock()
	delete(s.busy, conn)
	s.busyMu.Unlock()
	if conn.Conn().IsClosed() {
		conn.Hijack()
		return
	}
	conn.Release()
}

// moved ends all connections, because they lead to a server that is no longer the primary.
// It may hang. Calls that use them try again. The internal ids of that server go: if it was
// ahead of the new one, the new one can assign them again.
func (s *Store) moved() {
	s.pool.Reset()
	s.closeBusy()
	s.ids.drop() // a call that holds its lock has lost its connection
}

// closeBusy closes the connections of calls.
func (s *Store) closeBusy() {
	s.busyMu.Lock()
	defer s.busyMu.Unlock()
	for _, conn := range s.busy {
		_ = conn.Close() // it may be closed
	}
}

// transact runs fn in a transaction of pool until it is committed. fn can run several
// times. It returns an error if fn returns an [account.Error], if the database cannot do
// it, or when ctx ends.
func (s *Store) transact(ctx context.Context, pool *pgxpool.Pool, fn func(*tx) error) error {
	return s.repeat(ctx, pool, false, fn)
}

// repeat is transact after earlier attempts. doubt says that one of them may have been
// committed.
func (s *Store) repeat(ctx context.Context, pool *pgxpool.Pool, doubt bool, fn func(*tx) error) error {
	err := s.attempts(ctx, pool, func() error {
		t := &tx{s: s, ctx: ctx, pool: pool, doubt: doubt}
		err := t.run(fn)
		doubt = doubt || t.committing && err != nil
		return err
	})
	return errorOf(err, doubt)
}

// reading runs fn, which only reads, until it succeeds.
func (s *Store) reading(ctx context.Context, pool *pgxpool.Pool, fn func(*pgxpool.Conn) error) error {
	err := s.attempts(ctx, pool, func() error {
		conn, err := s.acquire(ctx, pool)
		if err != nil {
			return err
		}
		defer s.release(conn)
		return fn(conn)
	})
	return errorOf(err, false)
}

// attempts calls try until it succeeds, fails for good, or ctx ends. It then returns the
// error that says most.
func (s *Store) attempts(ctx context.Context, pool *pgxpool.Pool, try func() error) (why error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := try()
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[*account.Error](err); ok {
			return err
		}
		f := faultOf(err)
		if vague := f.detail == outOfTime || f.detail == lost; why == nil || !vague {
			why = err
		}
		if !f.transient || ctx.Err() != nil {
			return why
		}
		if f.moved {
			pool.Reset()
		}
		s.retries.Add(1)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return why
		}
	}
}
