package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rollcall/internal/httpx"
)

// A series caches newValue(k) for each key k. A cached value is read without a
// lock and without allocating. Keys must come from a small set, because entries
// are never removed.
type series[K comparable, V any] struct {
	newValue func(K) V
	mu       sync.Mutex // locked to add an entry
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

// add copies the map and adds the value of k.
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

// ended counts the events with one outcome, and how long they took.
type ended struct {
	total   prometheus.Counter
	latency prometheus.Observer
}

// count counts an event. The id of its trace, if it has one, is an exemplar of the
// histogram: a dashboard leads from a slow bucket to a trace.
func (e ended) count(took time.Duration, trace string) {
	e.total.Inc()
	if x, ok := e.latency.(prometheus.ExemplarObserver); ok && trace != "" {
		x.ObserveWithExemplar(took.Seconds(), prometheus.Labels{httpx.TraceAttr: trace})
		return
	}
	e.latency.Observe(took.Seconds())
}
