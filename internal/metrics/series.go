package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A series keeps what newValue makes of each key. Reading it takes no lock and no
// memory. Keys must come from a small set: nothing is ever dropped.
type series[K comparable, V any] struct {
	newValue func(K) V
	mu       sync.Mutex // held by those who add
	m        atomic.Pointer[map[K]V]
}

func newSeries[K comparable, V any](newValue func(K) V) *series[K, V] {
	s := &series[K, V]{newValue: newValue}
	s.m.Store(&map[K]V{})
	return s
}

// of returns the value of k.
func (s *series[K, V]) of(k K) V {
	if v, ok := (*s.m.Load())[k]; ok {
		return v
	}
	return s.add(k)
}

// add adds the value of k to a copy.
func (s *series[K, V]) add(k K) V {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.m.Load()
	if v, ok := old[k]; ok {
		return v
	}
	m := maps.Clone(old)
	m[k] = s.newValue(k)
	s.m.Store(&m)
	return m[k]
}

// ended counts what ended in one way, and how long it took.
type ended struct {
	total   prometheus.Counter
	latency prometheus.Observer
}

func (e ended) count(took time.Duration) {
	e.total.Inc()
	e.latency.Observe(took.Seconds())
}
