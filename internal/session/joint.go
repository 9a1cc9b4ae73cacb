package session

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

const (
	// joinTime limits a commit of joined changes. It is that of a call of the admin API.
	joinTime = 10 * time.Second

	// joinTries is how often joined changes are tried together before each is made alone.
	joinTries = 3
)

// A joiner joins changes of single accounts that come at the same time, so that they share a
// commit. Each app has a queue. While one commit of an app is under way, further changes wait
// for the next one, and that waits until no other change holds one of its accounts. The
// callers bound the queues. The zero value is ready to use.
type joiner struct {
	mu     sync.Mutex                  // protects everything below, and the marks of each change
	queues map[account.AppID][]*joined // an app has one while its changes are being made
}

// A joined is a change that waits for its commit.
type joined struct {
	change
	done  chan struct{} // closed after the commit; err is that of the change then
	taken bool          // it is being made, or is made
	gone  bool          // its caller waits no more
}

// changeJointly makes a change in one commit with others. If ctx ends during the commit, the
// outcome is not known.
func (s *Sessions) changeJointly(ctx context.Context, c change) error {
	if err := account.Ended(ctx); err != nil {
		return err
	}
	j := &joined{change: c, done: make(chan struct{})}
	if s.joiner.add(j) {
		go s.makeJoined(c.app.ID)
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	if s.joiner.leave(j) {
		return account.Ended(ctx)
	}
	select { // both may have happened
	case <-j.done:
		return j.err
	default:
		return account.Undecided(ctx)
	}
}

// add adds j to its queue. It returns true if the caller has to see that the changes of the
// queue are made.
func (q *joiner) add(j *joined) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, busy := q.queues[j.app.ID]
	if q.queues == nil {
		q.queues = map[account.AppID][]*joined{}
	}
	q.queues[j.app.ID] = append(waiting, j)
	return !busy
}

// leave takes j out of its queue. It returns false if j is being made, or is made.
func (q *joiner) leave(j *joined) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.gone = true
	return !j.taken
}

// take returns the next changes of an app, of different accounts. It returns none and removes
// the queue when there are no more.
func (q *joiner) take(app account.AppID) (next []*joined) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting, users := q.queues[app], map[account.UserID]bool{}
	var later []*joined // further changes of an account
	for len(waiting) > 0 && len(next) < records.MaxPresences {
		j := waiting[0]
		waiting = waiting[1:]
		switch {
		case j.gone:
		case users[j.user]:
			later = append(later, j)
		default:
			users[j.user], j.taken = true, true
			next = append(next, j)
		}
	}
	if len(later) > 0 {
		waiting = append(later, waiting...)
	}
	q.queues[app] = waiting
	if len(next) == 0 {
		delete(q.queues, app)
	}
	return next
}

// makeJoined makes the changes of the queue of an app until there are no more.
func (s *Sessions) makeJoined(app account.AppID) {
	for all := s.joiner.take(app); len(all) > 0; all = s.joiner.take(app) {
		s.commitJoined(all)
	}
}

// commitJoined makes changes in one commit. Sometimes it cannot, and then each is made alone,
// while the queue goes on.
func (s *Sessions) commitJoined(all []*joined) {
	changes := make([]change, len(all))
	for i, j := range all {
		changes[i] = j.change
	}
	together, err := s.tryJoined(changes)
	for i, j := range all {
		if !together {
			go s.commitAlone(j)
			continue
		}
		j.err = cmp.Or(err, changes[i].err)
		close(j.done)
	}
}

// tryJoined makes changes in one commit. It returns false if other changes of the accounts
// came first again and again, or if the login sessions could not be read: those of one
// account may be damaged.
func (s *Sessions) tryJoined(changes []change) (together bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	for range joinTries {
		read := true // also after a panic, which can come after the commit
		err = guarded(func() (err error) {
			read, err = s.try(ctx, changes[0].app, changes)
			return err
		})
		if account.CodeOf(err) != account.Stale {
			return read || ctx.Err() != nil, err
		}
	}
	return false, err
}

// commitAlone makes a change in a commit of its own.
func (s *Sessions) commitAlone(j *joined) {
	defer close(j.done)
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	j.err = guarded(func() error { return s.changeOne(ctx, j.change) })
}

// guarded calls fn and returns its panic as an error with the stack, because other callers
// depend on the goroutine.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}
