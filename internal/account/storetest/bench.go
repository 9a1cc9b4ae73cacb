package storetest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/account"
)

// benchCallers is the number of concurrent callers of a benchmark, on any machine.
const benchCallers = 64

// benchBatch is the number of items of a call.
const benchBatch = 100

// Benchmark measures calls of 100 accounts from 64 concurrent callers: importing new
// accounts, importing existing accounts whose nick changes, and reading their status. It
// also measures the replacement of 10,000 accounts by one caller.
// It reports calls per second and CPU time per call in addition to the time of a call.
func Benchmark(b *testing.B, open Open) {
	b.Run("UpsertNew", func(b *testing.B) {
		e := openApp(b, open)
		var calls atomic.Int64
		benchmark(b, func() error {
			_, err := e.Upsert(b.Context(), app, benchItems(calls.Add(1), "nick"), free)
			return err
		})
		closeEngine(b, e)
	})
	b.Run("UpsertChanged", func(b *testing.B) {
		e := openApp(b, open)
		fill(b, e)
		var calls atomic.Int64
		benchmark(b, func() error {
			n := calls.Add(1)
			_, err := e.Upsert(b.Context(), app, benchItems(n%benchCalls, "nick"+strconv.FormatInt(n, 10)), free)
			return err
		})
		closeEngine(b, e)
	})
	b.Run("Status", func(b *testing.B) {
		e := openApp(b, open)
		fill(b, e)
		var calls atomic.Int64
		benchmark(b, func() error {
			us := benchItems(calls.Add(1)%benchCalls, "")
			ids := make([]account.UserID, len(us))
			for i, u := range us {
				ids[i] = u.ID
			}
			_, err := e.Status(b.Context(), app, ids)
			return err
		})
		closeEngine(b, e)
	})
	b.Run("Replace10k", func(b *testing.B) { benchReplace(b, open) })
}

// benchReplaced is the number of accounts that a replacement removes or restores.
const benchReplaced = 10_000

// benchReplace measures the restoration of the accounts of an app, and then their removal.
// There are as many accounts in another app.
func benchReplace(b *testing.B, open Open) {
	e := openApp(b, open)
	if _, err := e.Commit(b.Context(), account.Commit{Spaces: []account.Space{{App: otherApp, Now: now}}}); err != nil {
		b.Fatal(err)
	}
	for n := range int64(benchReplaced / benchBatch) {
		for _, id := range []account.AppID{app, otherApp} {
			if _, err := e.Upsert(b.Context(), id, benchItems(n, "nick"), free); err != nil {
				b.Fatal(err)
			}
		}
	}
	dumper, ok := account.Find[account.Dumper](e)
	if !ok {
		b.Skip("the engine is no account.Dumper")
	}
	full, err := dumper.Dump(b.Context(), app, account.MaxReplaced)
	if err != nil {
		b.Fatal(err)
	}
	var spent [2]time.Duration
	for b.Loop() {
		for i, d := range []*account.Dump{full, new(account.Dump)} {
			start := time.Now()
			if _, err := e.Commit(b.Context(), replacing(d)); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(start)
		}
	}
	for i, unit := range []string{"restore-ms", "reset-ms"} {
		b.ReportMetric(float64(spent[i].Microseconds())/1000/float64(b.N), unit)
	}
	closeEngine(b, e)
}

// benchCalls is the number of calls that fill an engine with 200,000 accounts.
const benchCalls = 2000

// openApp opens an engine with the space of an app.
func openApp(b *testing.B, open Open) account.Engine {
	b.Helper()
	e := open(b)
	if _, err := e.Commit(b.Context(), account.Commit{Spaces: []account.Space{{App: app, Now: now}}}); err != nil {
		b.Fatal(err)
	}
	return e
}

func fill(b *testing.B, e account.Engine) {
	b.Helper()
	for n := range int64(benchCalls) {
		if _, err := e.Upsert(b.Context(), app, benchItems(n, "nick"), free); err != nil {
			b.Fatal(err)
		}
	}
}

// benchItems returns the items of call n. The ids of a call are far apart in the order
// of keys, as in real calls.
func benchItems(n int64, nick string) []account.Upsert {
	us := make([]account.Upsert, benchBatch)
	for i := range us {
		x := uint64(n*benchBatch+int64(i)) * 0x9e3779b97f4a7c15
		id := "user_" + strconv.FormatUint(x, 16)
		us[i] = account.Upsert{ID: account.UserID(id), Nick: nick, FaceURL: "https://example.com/f.png"}
	}
	return us
}

func benchmark(b *testing.B, call func() error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	work := make(chan struct{})
	done := make(chan error, benchCallers)
	for range benchCallers {
		go func() { done <- worker(work, call) }()
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	for range benchCallers {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	if used := cpuTime() - cpu; used > 0 {
		b.ReportMetric(float64(used)/float64(time.Microsecond)/float64(b.N), "cpu-µs/call")
	}
}

// worker calls call for each element of work and returns the first error. It continues
// after an error, because the sender would otherwise block.
func worker(work <-chan struct{}, call func() error) (first error) {
	for range work {
		if err := call(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func closeEngine(b *testing.B, e account.Engine) {
	b.Helper()
	b.StopTimer()
	if err := e.Close(); err != nil {
		b.Error(err)
	}
}
