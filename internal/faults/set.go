package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// An ActiveFault is a fault of an app, with its counts.
type ActiveFault struct {
	ID     string `json:"id"`
	Fault  Fault  `json:"fault"`
	Passed uint64 `json:"passed"` // number of calls that it considered and let pass
	Hit    uint64 `json:"hit"`    // number of calls that it changed
}

// An armed is an ActiveFault with the source of its chances.
type armed struct {
	ActiveFault
	chance *rand.Rand // nil if every call fails
}

// A Set holds the faults of apps. It is safe for concurrent use.
type Set struct {
	total  atomic.Int64 // number of all faults, so that a server without faults takes no lock
	mu     sync.Mutex
	apps   map[uint32][]*armed
	lastID uint64
}

// NewSet returns an empty Set.
func NewSet() *Set { return &Set{apps: map[uint32][]*armed{}} }

// Add adds a valid fault to an app, after those that it has. If the app has too many,
// the error says so.
func (s *Set) Add(app uint32, f Fault) (ActiveFault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.apps[app]) >= MaxFaults {
		return ActiveFault{}, fmt.Errorf("the app has %d faults, as many as it may have; clear some first", MaxFaults)
	}
	s.lastID++
	f.FailUserIDs = slices.Clone(f.FailUserIDs)
	a := &armed{ActiveFault: ActiveFault{ID: strconv.FormatUint(s.lastID, 10), Fault: f}}
	if f.Probability > 0 && f.Probability < 1 {
		a.chance = rand.New(rand.NewPCG(f.Seed, 0))
	}
	s.apps[app] = append(s.apps[app], a)
	s.total.Add(1)
	return a.ActiveFault, nil
}

// List returns the faults of an app in their order.
func (s *Set) List(app uint32) []ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]ActiveFault, 0, len(s.apps[app]))
	for _, a := range s.apps[app] {
		list = append(list, a.ActiveFault)
	}
	return list
}

// Remove removes one fault of an app and reports whether it was there.
func (s *Set) Remove(app uint32, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.apps[app], func(a *armed) bool { return a.ID == id })
	if i < 0 {
		return false
	}
	s.apps[app] = slices.Delete(s.apps[app], i, i+1)
	s.total.Add(-1)
	return true
}

// Clear removes the faults of an app and returns their number.
func (s *Set) Clear(app uint32) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.apps[app])
	delete(s.apps, app)
	s.total.Add(int64(-n))
	return n
}

// Next returns the fault of the next call of a command, or nil. That is the first fault
// in the order of [Set.Add] that changes the call. Faults after it do not count the call,
// so that faults with times are steps of a script.
func (s *Set) Next(app uint32, command string) *Injection {
	if s.total.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.apps[app] {
		if a.Fault.Command != "" && a.Fault.Command != command {
			continue
		}
		if a.hits() {
			return &Injection{Fault: a.Fault, ID: a.ID, nth: a.Hit}
		}
	}
	return nil
}

// hits decides whether the fault changes the next call, and counts the call.
func (a *armed) hits() bool {
	f := &a.Fault
	switch {
	case a.Passed < uint64(f.After), f.Times > 0 && a.Hit >= uint64(f.Times), a.chance != nil && a.chance.Float64() >= f.Probability:
		a.Passed++
		return false
	}
	a.Hit++
	return true
}
