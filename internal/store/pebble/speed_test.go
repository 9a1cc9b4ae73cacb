package pebble

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
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

// A rowsReader makes batches like [batch], of any size, in a tenth of the time.
type rowsReader struct {
	text  []byte
	items []account.Upsert
}

// next returns n accounts, whose numbers begin with from. They are valid until the next
// call.
func (r *rowsReader) next(from, n int, nick string) []account.Upsert {
	r.text, r.items = r.text[:0], r.items[:0]
	var number [8]byte
	var digits [16]byte
	for i := range n {
		binary.BigEndian.PutUint64(number[:], uint64(from+i)*0x9e3779b97f4a7c15)
		hex.Encode(digits[:], number[:])
		r.text = append(append(append(r.text, digits[:]...), nick...), digits[:10]...)
		r.text = append(append(r.text, "https://example.com/"...), digits[1:11]...)
	}
	text, row := string(r.text), len(r.text)/n
	for i := range n {
		t := text[i*row : (i+1)*row]
		face := row - 30
		r.items = append(r.items, account.Upsert{ID: account.UserID(t[:16]), Nick: t[16:face], FaceURL: t[face:]})
	}
	return r.items
}

// loadBatch is the sizes of batches that the benchmarks of loads compare.
var loadBatch = []int{100, 1000, 4096, 8192, 16_384}

// BenchmarkLoad imports two million new accounts, and imports them again, in one caller.
// It reports the rate and the CPU time, which includes that of the last flush and of the
// rows.
func BenchmarkLoad(b *testing.B) {
	const n = 2_000_000
	for _, size := range loadBatch {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, Options{Dir: b.TempDir()})
			defer func() { _ = s.Close() }()
			b.Run("new", func(b *testing.B) { load(b, s, n, size, "a") })
			b.Run("existing", func(b *testing.B) { load(b, s, n, size, "b") })
		})
	}
}

func load(b *testing.B, s *Store, n, size int, nick string) {
	var r rowsReader
	cpu, start := cpuTime(b), time.Now()
	for range b.N {
		for i := 0; i < n; i += size {
			if _, err := s.Upsert(b.Context(), app, r.next(i, size, nick), free); err != nil {
				b.Fatal(err)
			}
		}
	}
	all := float64(n * b.N)
	b.ReportMetric(all/time.Since(start).Seconds(), "accounts/s")
	flushNow(b, s)
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/all, "cpu-ns/account")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBesideLoad imports one account at a time while another caller loads accounts in
// large batches. It reports how long the small calls take.
func BenchmarkBesideLoad(b *testing.B) {
	for _, size := range loadBatch {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, Options{Dir: b.TempDir()})
			defer func() { _ = s.Close() }()
			var wg sync.WaitGroup
			stop := make(chan struct{})
			wg.Go(func() {
				var r rowsReader
				for i := 0; ; i += size {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := s.Upsert(b.Context(), app, r.next(i, size, "a"), free); err != nil {
						b.Error(err)
						return
					}
				}
			})
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.Upsert(b.Context(), app, []account.Upsert{{ID: "small", Nick: fmt.Sprint(len(took))}}, free); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			close(stop)
			wg.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkLoadAccounts loads five million accounts as they are, from two callers, as a
// copy of a store does. It reports the accounts per second, the CPU time of an account, and
// the time of the next start.
func BenchmarkLoadAccounts(b *testing.B) {
	const n, callers = 5_000_000, 2
	for range b.N {
		b.StopTimer()
		o := Options{Dir: b.TempDir()}
		s := open(b, o)
		cpu, start := cpuTime(b), time.Now()
		b.StartTimer()
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() { loadMany(b, s, c*n/callers, (c+1)*n/callers) })
		}
		wg.Wait()
		must(b, s.flusher.guarded(nil))
		b.StopTimer()
		b.ReportMetric(n/time.Since(start).Seconds(), "accounts/s")
		b.ReportMetric(float64(cpuTime(b)-cpu)/n, "cpu-ns/account")
		b.ReportMetric(float64(s.flusher.renewals), "renewals")
		must(b, s.Close())
		start = time.Now()
		s = open(b, o)
		b.ReportMetric(time.Since(start).Seconds(), "start-s")
		must(b, s.Close())
		b.StartTimer()
	}
}

// loadMany loads the accounts with the numbers from from to before to. Their InternalIDs
// are not in their order.
func loadMany(b *testing.B, s *Store, from, to int) {
	at := time.UnixMilli(1_770_000_000_000)
	rows := make([]account.Exported, account.LoadBatch)
	for from < to {
		rows = rows[:min(len(rows), to-from)]
		for i := range rows {
			id := uint64(from + i)
			rows[i] = account.Exported{Account: account.Account{
				ID: account.UserID(fmt.Sprintf("user-%09d", id)), InternalID: id*2654435761%(1<<32) + 1,
				Nick: fmt.Sprintf("Nick of %d", id), FaceURL: fmt.Sprintf("https://example.com/%d.png", id), Created: at, Updated: at,
			}}
		}
		if err := s.LoadAccounts(b.Context(), app, rows, nil); err != nil {
			b.Error(err)
			return
		}
		from += len(rows)
	}
}

// BenchmarkRecordsAt reads 500 random keys at once among a million small records. Half of
// the keys are absent. It reads after the commits, and again after a compaction.
func BenchmarkRecordsAt(b *testing.B) {
	const n = 1_000_000
	s := open(b, Options{Dir: b.TempDir(), noSync: true})
	defer func() { _ = s.Close() }()
	for from := 0; from < n; from += account.MaxWrites {
		ws := make([]account.Write, account.MaxWrites)
		for i := range ws {
			value := fmt.Appendf(nil, `{"node":"n1","since":1770000000000,"device":%d}`, i)
			ws[i] = account.Write{Kind: kindState, Key: stateKey(from + i), Value: value, If: account.AnyVersion}
		}
		if _, err := s.Commit(b.Context(), account.Commit{Writes: ws}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("loaded", func(b *testing.B) { recordsAt(b, s, n) })
	if err := newIdler(s.flusher).compact(nil); err != nil {
		b.Fatal(err)
	}
	b.Run("settled", func(b *testing.B) { recordsAt(b, s, n) })
}

// stateKey returns the key of a record. The numbers are not in the order of keys.
func stateKey(n int) string { return fmt.Sprintf("1400000001/%016x", uint64(n)*0x9e3779b97f4a7c15) }

func recordsAt(b *testing.B, s *Store, n int) {
	keys := make([]string, 500)
	rng := rand.New(rand.NewPCG(1, 2))
	cpu := cpuTime(b)
	b.ReportAllocs()
	for b.Loop() {
		for i := range keys {
			keys[i] = stateKey(rng.IntN(n) + i%2*n)
		}
		rs, err := s.RecordsAt(b.Context(), kindState, keys)
		if err != nil || rs[0].Version == 0 || rs[1].Version != 0 {
			b.Fatalf("%+v, %v", rs, err)
		}
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "cpu-µs/op")
}
