package records

import (
	"context"
	"slices"
	"sync"

	"rollcall/internal/account"
)

// presenceLocks let a change of the login sessions of accounts wait for others of the same
// accounts. The zero value is ready to use.
type presenceLocks struct {
	mu   sync.Mutex // protects of, free, and users of each lock
	of   map[presenceID]*presenceLock
	free []*presenceLock // without users, for the next accounts
}

// maxFree is the largest number of locks that are kept without users.
const maxFree = 256

type presenceLock struct {
	held  chan struct{} // a semaphore
	users int           // changes that have the lock or wait for it
}

// lock locks accounts, which are all different, and returns a function that unlocks them. It
// locks them in the order of their ids, so two changes never wait for each other. The error
// is that of a ctx that ends first.
func (l *presenceLocks) lock(ctx context.Context, app account.AppID, users []account.UserID) (unlock func(), err error) {
	users = slices.Clone(users)
	slices.Sort(users)
	locks := l.use(app, users)
	for i, lock := range locks {
		select {
		case lock.held <- struct{}{}:
		case <-ctx.Done():
			l.unlock(app, users, locks[:i])
			return nil, account.Ended(ctx)
		}
	}
	return func() { l.unlock(app, users, locks) }, nil
}

// use returns the locks of accounts. They stay until unlock.
func (l *presenceLocks) use(app account.AppID, users []account.UserID) []*presenceLock {
	locks := make([]*presenceLock, len(users))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[presenceID]*presenceLock{}
	}
	for i, user := range users {
		id := presenceID{app, user}
		if l.of[id] == nil {
			l.of[id] = l.unused()
		}
		locks[i] = l.of[id]
		locks[i].users++
	}
	return locks
}

// unused returns a lock without users. The caller holds mu.
func (l *presenceLocks) unused() *presenceLock {
	last := len(l.free) - 1
	if last < 0 {
		return &presenceLock{held: make(chan struct{}, 1)}
	}
	lock := l.free[last]
	l.free = l.free[:last]
	return lock
}

// unlock unlocks the locks that are held, and ends the use of those of all users.
func (l *presenceLocks) unlock(app account.AppID, users []account.UserID, held []*presenceLock) {
	for _, lock := range held {
		<-lock.held
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, user := range users {
		id := presenceID{app, user}
		lock := l.of[id]
		if lock.users--; lock.users == 0 {
			delete(l.of, id)
			if len(l.free) < maxFree {
				l.free = append(l.free, lock)
			}
		}
	}
}
