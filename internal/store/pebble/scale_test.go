package pebble

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall/internal/account"
)

// BenchmarkList lists the first and the ten-thousandth page of a million accounts, and
// counts the accounts.
func BenchmarkList(b *testing.B) {
	const n, limit = 1_000_000, 100
	s := open(b, Options{Dir: b.TempDir()})
	defer func() { _ = s.Close() }()
	us := make([]account.Upsert, 1000)
	for i := 0; i < n; i += len(us) {
		for k := range us {
			us[k] = account.Upsert{ID: account.UserID(fmt.Sprintf("user-%08d", (i+k)*7919%n)), Nick: "nick", FaceURL: "https://example.com/a.png"}
		}
		if _, err := s.Upsert(b.Context(), app, us, free); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.flusher.guarded(nil); err != nil {
		b.Fatal(err)
	}
	for _, page := range []int{1, 10_000} {
		q := account.ListQuery{Limit: limit}
		if page > 1 {
			q.After = account.UserID(fmt.Sprintf("user-%08d", (page-1)*limit-1))
		}
		b.Run(fmt.Sprint("page-", page), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				p, err := s.List(b.Context(), app, q)
				if err != nil || len(p.Accounts) != limit {
					b.Fatalf("%d accounts, %v", len(p.Accounts), err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
		})
	}
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			if c, err := s.Count(b.Context(), app); err != nil || c != n {
				b.Fatalf("%d, %v", c, err)
			}
		}
	})
}
