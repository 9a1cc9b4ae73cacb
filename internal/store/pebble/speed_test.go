package pebble

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/account"
)

// cpuTime returns the CPU time that the process has used.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// importMany imports the accounts of batch whose numbers are at least from and below to.
func importMany(b *testing.B, s *Store, from, to int, nick string) {
	for i := from; i < to; i += 100 {
		if _, err := s.Upsert(b.Context(), app, batch(i, nick), free); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlush flushes 300,000 accounts, which are new or changed. It reports the time
// and the CPU time of the process per 100 accounts.
func BenchmarkFlush(b *testing.B) {
	const n = 300_000
	for _, what := range []string{"new", "existing"} {
		b.Run(what, func(b *testing.B) {
			s := open(b, Options{Dir: b.TempDir(), flushBytes: 1 << 30, idleTick: time.Hour})
			defer func() { _ = s.Close() }()
			var spent, walked time.Duration
			from, nick := 0, "a"
			if what == "existing" {
				importMany(b, s, 0, n, nick)
				flushNow(b, s)
			}
			for i := range b.N {
				b.StopTimer()
				if what == "new" {
					from = i * n
				} else {
					nick = fmt.Sprint(i, " ")
				}
				importMany(b, s, from, from+n, nick)
				b.StartTimer()
				cpu, start := cpuTime(b), time.Now()
				flushNow(b, s)
				spent, walked = spent+cpuTime(b)-cpu, walked+time.Since(start)
			}
			per := float64(b.N) * n / 100
			b.ReportMetric(float64(spent.Microseconds())/per, "cpu-µs/100")
			b.ReportMetric(float64(walked.Microseconds())/per, "µs/100")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// flushNow flushes the whole journal.
func flushNow(b *testing.B, s *Store) {
	b.Helper()
	if err := s.flusher.guarded(nil); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLookup reads 100 random accounts of a million: after an import, after a change
// of all accounts, and after a compaction. It reports the CPU time.
func BenchmarkLookup(b *testing.B) {
	const n = 1_000_000
	s := open(b, Options{Dir: b.TempDir(), noSync: true})
	defer func() { _ = s.Close() }()
	importMany(b, s, 0, n, "a")
	flushNow(b, s)
	b.Run("loaded", func(b *testing.B) { lookup(b, s, n) })
	importMany(b, s, 0, n, "b")
	flushNow(b, s)
	b.Run("changed", func(b *testing.B) { lookup(b, s, n) })
	if err := newIdler(s.flusher).compact(nil); err != nil {
		b.Fatal(err)
	}
	b.Run("settled", func(b *testing.B) { lookup(b, s, n) })
}

func lookup(b *testing.B, s *Store, n int) {
	ids := make([]account.UserID, 100)
	rng := rand.New(rand.NewPCG(1, 2))
	cpu := cpuTime(b)
	for b.Loop() {
		for i := range ids {
			ids[i] = account.UserID(fmt.Sprintf("%016x", uint64(rng.IntN(n))*0x9e3779b97f4a7c15))
		}
		as, err := s.Lookup(context.Background(), app, ids)
		if err != nil || as[7].InternalID == 0 {
			b.Fatalf("%+v, %v", as[7], err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
	m := s.db.Metrics()
	b.Logf("L0 %d sublevels, %d files; cache %d MB, hits %d misses %d", m.Levels[0].Sublevels, m.Levels[0].TablesCount, m.BlockCache.Size>>20, m.BlockCache.Hits, m.BlockCache.Misses)
}
