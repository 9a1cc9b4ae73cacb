package ratelimit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/ratelimit"
)

// at returns a time in the given second after an arbitrary start.
func at(second int, nanos int) time.Time {
	return time.Unix(1_700_000_000+int64(second), int64(nanos))
}

func TestTake(t *testing.T) {
	check := ratelimit.Key{App: 1400000001, Command: "account_check"}
	kick := ratelimit.Key{App: 1400000001, Command: "kick"}
	other := ratelimit.Key{App: 1400000002, Command: "account_check"}
	type call struct {
		key   ratelimit.Key
		now   time.Time
		n     int
		limit int
		want  ratelimit.Decision
	}
	tests := map[string][]call{
		"up to the limit and over": {
			{check, at(0, 0), 1, 2, ratelimit.Decision{Limit: 2, Remaining: 1, Reset: time.Second}},
			{check, at(0, 1e8), 1, 2, ratelimit.Decision{Limit: 2, Remaining: 0, Reset: 900 * time.Millisecond}},
			{check, at(0, 999_999_999), 1, 2, ratelimit.Decision{Limit: 2, Reset: 1, Over: true}},
		},
		"a new second starts at zero": {
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second, Over: true}},
			{check, at(1, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(2, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
		"apps and commands are counted apart": {
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{kick, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{other, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second, Over: true}},
		},
		"several at once, and a refusal is counted": {
			{check, at(0, 0), 3, 5, ratelimit.Decision{Limit: 5, Remaining: 2, Reset: time.Second}},
			{check, at(0, 0), 3, 5, ratelimit.Decision{Limit: 5, Reset: time.Second, Over: true}},
			{check, at(0, 0), 1, 5, ratelimit.Decision{Limit: 5, Reset: time.Second, Over: true}},
		},
		"no limit counts nothing": {
			{check, at(0, 0), 9, 0, ratelimit.Decision{}},
			{check, at(0, 0), 9, -1, ratelimit.Decision{}},
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
		"a call that arrives late belongs to its own second": {
			{check, at(0, 0), 1, 2, ratelimit.Decision{Limit: 2, Remaining: 1, Reset: time.Second}},
			{check, at(1, 0), 1, 2, ratelimit.Decision{Limit: 2, Remaining: 1, Reset: time.Second}},
			{check, at(0, 9e8), 2, 2, ratelimit.Decision{Limit: 2, Reset: 100 * time.Millisecond, Over: true}},
			{check, at(1, 0), 1, 2, ratelimit.Decision{Limit: 2, Remaining: 0, Reset: time.Second}},
		},
		"a clock set back does not share one long window": {
			{check, at(3600, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(1, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(2, 0), 1, 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
	}
	for name, calls := range tests {
		t.Run(name, func(t *testing.T) {
			l := ratelimit.New(ratelimit.NewMemory())
			for i, c := range calls {
				got, err := l.Take(t.Context(), c.key, c.n, c.limit, c.now)
				if err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("call %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// brokenSource is a source that cannot be reached.
type brokenSource struct{ err error }

func (s brokenSource) Add(context.Context, ratelimit.Key, int64, int) (int64, error) {
	return 0, s.err
}

func TestTakeWithoutSource(t *testing.T) {
	cause := errors.New("connection refused")
	l := ratelimit.New(brokenSource{cause})
	got, err := l.Take(t.Context(), ratelimit.Key{App: 1}, 1, 10, at(0, 0))
	if !errors.Is(err, cause) {
		t.Errorf("err = %v, want %v", err, cause)
	}
	if got.Over {
		t.Errorf("got %+v, want a decision that is not over", got)
	}
}
