package ratelimit

import (
	"sync"
	"testing"
)

// TestTotalsAreUnique counts two keys from many goroutines across a change of
// second. Each total must be returned exactly once.
func TestTotalsAreUnique(t *testing.T) {
	const workers, perWorker = 16, 500
	l := New()
	keys := []Key{{App: 1, Command: "kick"}, {App: 1}}
	totals := make(chan [3]int64, workers*perWorker*len(keys))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range perWorker {
				second := int64(1000 + i%2)
				for k, key := range keys {
					totals <- [3]int64{int64(k), second, l.count(key, second)}
				}
			}
		})
	}
	wg.Wait()
	close(totals)
	seen := map[[3]int64]bool{}
	for total := range totals {
		if seen[total] {
			t.Fatalf("key %d, second %d: total %d returned twice", total[0], total[1], total[2])
		}
		seen[total] = true
	}
	for k := range keys {
		for second := range int64(2) {
			last := [3]int64{int64(k), 1000 + second, workers * perWorker / 2}
			if !seen[last] {
				t.Errorf("key %d, second %d: total %d never returned", k, last[1], last[2])
			}
		}
	}
}

func TestForgets(t *testing.T) {
	l := New()
	held := func() int {
		var n int
		for i := range l.shards {
			n += len(l.shards[i].counts) + len(l.shards[i].before)
		}
		return n
	}
	add := func(second int64, apps int) {
		for app := range apps {
			l.count(Key{App: uint32(app)}, second)
		}
	}
	const apps = 100_000 // more than keepKeys in each shard
	for second := range int64(5) {
		add(second, apps)
	}
	if got := held(); got != 2*apps {
		t.Errorf("after 5 seconds of %d keys: %d counts held, want those of 2 seconds", apps, got)
	}
	// 1000 keys reach each of the 64 shards.
	add(100, 1000)
	if got := held(); got != 1000 {
		t.Errorf("long after: %d counts held, want 1000", got)
	}
}

// TestForget forgets the counts of one app, of its commands and of both seconds.
func TestForget(t *testing.T) {
	l := New()
	mine := []Key{{App: 1}, {App: 1, Command: "kick"}}
	other := Key{App: 2, Command: "kick"}
	for second := range int64(2) {
		for _, key := range append(mine, other) {
			l.count(key, second)
		}
	}
	l.Forget(1)
	for second := range int64(2) {
		for _, key := range mine {
			if n := l.count(key, second); n != 1 {
				t.Errorf("%+v, second %d: total %d after Forget, want 1", key, second, n)
			}
		}
		if n := l.count(other, second); n != 2 {
			t.Errorf("the other app, second %d: total %d, want 2", second, n)
		}
	}
}

func BenchmarkLimiter(b *testing.B) {
	keys := map[string]int{"one key": 1, "many keys": 1000}
	for name, n := range keys {
		b.Run(name, func(b *testing.B) {
			l := New()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					key := Key{App: uint32(i % n), Command: "multiaccount_import"}
					l.count(key, int64(i>>16))
				}
			})
		})
	}
}
