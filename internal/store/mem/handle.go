package mem

import (
	"slices"
	"time"

	"rollcall/internal/account"
)

// Handle returns another handle of the engine, as another process would have one. Its
// Changes and Watermark report commits and kicks of other handles with a delay of lag.
// The contract allows up to [account.MaxStale].
func (s *Store) Handle(lag time.Duration) *Store {
	s.enter()
	h := &Store{lag: lag, state: s.state}
	h.enter()
	return h
}

// enter makes s a handle of its state before the first use.
func (s *Store) enter() { s.once.Do(func() { s.join(s.state) }) }

// join makes s a handle of st. If st is nil, it creates a new state.
func (s *Store) join(st *state) {
	if st == nil {
		st = &state{spaces: map[account.AppID]*space{}, records: map[account.Kind]map[string]account.Record{}}
	}
	s.state, s.changes = st, map[account.Kind]uint64{}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.handles = append(st.handles, s)
}

// An event is a commit of records of a kind, or a kick. Other handles may learn of it
// late.
type event struct {
	at   time.Time
	kind account.Kind

	app    account.AppID // of a kick; 0 for a commit
	id     account.UserID
	before int64 // watermark before the kick
}

// publish reports e, an event of s, to every handle.
func (s *Store) publish(e event) {
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

// learn applies e to s. It does nothing for a kick, because watermark reports a kick that is
// no longer late.
func (s *Store) learn(e event) {
	if e.app == 0 {
		s.changes[e.kind]++
	}
}

// settle applies the late events whose delay is over.
func (s *Store) settle() {
	for len(s.late) > 0 && time.Since(s.late[0].at) >= s.lag {
		s.learn(s.late[0])
		s.late = s.late[1:]
	}
}

// forget removes the late events that are obsolete.
func (s *Store) forget(obsolete func(event) bool) { s.late = slices.DeleteFunc(s.late, obsolete) }

// watermark returns the watermark of an id as s sees it.
func (s *Store) watermark(d *space, id account.UserID) int64 {
	s.settle()
	for _, e := range s.late {
		if e.app == d.app && e.id == id {
			return e.before
		}
	}
	return d.kick[id]
}
