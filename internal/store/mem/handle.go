package mem

import (
	"slices"
	"time"

	"rollcall/internal/account"
)

// Handle returns another handle of the engine, as another process would have one. What
// other handles do, Changes and Watermark of the new handle tell lag later: up to
// [account.MaxStale], as the contract allows.
func (s *Store) Handle(lag time.Duration) *Store {
	s.enter()
	h := &Store{lag: lag, state: s.state}
	h.enter()
	return h
}

// enter makes s a handle of its state before the first use.
func (s *Store) enter() { s.once.Do(func() { s.join(s.state) }) }

// join makes s a handle of st, of a new state if that is nil.
func (s *Store) join(st *state) {
	if st == nil {
		st = &state{spaces: map[account.AppID]*space{}, records: map[account.Kind]map[string]account.Record{}}
	}
	s.state, s.changes = st, map[account.Kind]uint64{}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.handles = append(st.handles, s)
}

// An event is what other handles may learn late: a commit of records of a kind, or a kick.
type event struct {
	at   time.Time
	kind account.Kind

	app    account.AppID // of the kick; 0 if it is none
	id     account.UserID
	before int64 // the watermark before it
}

// tell lets every handle know of what s did.
func (s *Store) tell(e event) {
	e.at = time.Now()
	s.forget(func(late event) bool { return e.app != 0 && late.app == e.app && late.id == e.id })
	for _, h := range s.state.handles {
		if h == s || h.lag == 0 {
			h.learn(e)
		} else {
			h.late = append(h.late, e)
		}
	}
}

// learn makes s know of e. A kick is known when it is not late any more.
func (s *Store) learn(e event) {
	if e.app == 0 {
		s.changes[e.kind]++
	}
}

// settle makes s know of what it may not know any longer.
func (s *Store) settle() {
	for len(s.late) > 0 && time.Since(s.late[0].at) >= s.lag {
		s.learn(s.late[0])
		s.late = s.late[1:]
	}
}

// forget drops late events, about which s knows better now.
func (s *Store) forget(known func(event) bool) { s.late = slices.DeleteFunc(s.late, known) }

// watermark returns the watermark of an id as s knows it.
func (s *Store) watermark(d *space, id account.UserID) int64 {
	s.settle()
	for _, e := range s.late {
		if e.app == d.app && e.id == id {
			return e.before
		}
	}
	return d.kick[id]
}
