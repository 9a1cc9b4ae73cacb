package session

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// joinTime limits a commit of joined changes. It is that of a call of the admin API.
const joinTime = 10 * time.Second

// A joiner joins changes of single accounts that come at the same time, so that they share a
// commit. Each app has a queue. While one commit of an app is under way, further changes wait
// for the next one. The zero value is ready to use.
type joiner struct {
	mu     sync.Mutex
	queues map[account.AppID][]*joined // an app has one while its changes are being made
}

// A joined is a change that waits for its commit.
type joined struct {
	change
	done chan struct{} // closed after the commit; err is that of the change then
}

// changeJointly makes a change in one commit with others. If ctx ends during the commit, the outcome is
// not known.
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
	if s.joiner.drop(j) {
		return account.Ended(ctx)
	}
	return account.Undecided(ctx)
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

// drop removes j from its queue. It returns false if j is being made, or is made.
func (q *joiner) drop(j *joined) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.queues[j.app.ID]
	for i := range waiting {
		if waiting[i] == j {
			q.queues[j.app.ID] = append(waiting[:i:i], waiting[i+1:]...)
			return true
		}
	}
	return false
}

// take returns the next changes of an app, of different accounts. It returns none and removes
// the queue when there are no more.
func (q *joiner) take(app account.AppID) (next []*joined) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var rest []*joined
	users := map[account.UserID]bool{}
	for _, j := range q.queues[app] {
		if users[j.user] || len(next) == records.MaxPresences {
			rest = append(rest, j)
			continue
		}
		users[j.user] = true
		next = append(next, j)
	}
	if len(next) == 0 {
		delete(q.queues, app)
	} else {
		q.queues[app] = rest
	}
	return next
}

// makeJoined makes the changes of the queue of an app until there are no more.
func (s *Sessions) makeJoined(app account.AppID) {
	for all := s.joiner.take(app); len(all) > 0; all = s.joiner.take(app) {
		s.commitJoined(all)
	}
}

// commitJoined makes changes in one commit, or one by one if another change of one of the
// accounts comes first.
func (s *Sessions) commitJoined(all []*joined) {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	changes := make([]change, len(all))
	for i, j := range all {
		changes[i] = j.change
	}
	err := guarded(func() error { return s.try(ctx, all[0].app, changes) })
	for i, j := range all {
		if account.CodeOf(err) == account.Stale {
			j.err = guarded(func() error { return s.changeOne(ctx, changes[i]) })
		} else {
			j.err = cmp.Or(err, changes[i].err)
		}
		close(j.done)
	}
}

// guarded calls fn and returns its panic as an error, because the goroutine of a queue serves
// many calls.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn()
}
