package ratelimit_test

import (
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
		limit int
		want  ratelimit.Decision
	}
	tests := map[string][]call{
		"up to the limit and over": {
			{check, at(0, 0), 2, ratelimit.Decision{Limit: 2, Remaining: 1, Reset: time.Second}},
			{check, at(0, 1e8), 2, ratelimit.Decision{Limit: 2, Remaining: 0, Reset: 900 * time.Millisecond}},
			{check, at(0, 999_999_999), 2, ratelimit.Decision{Limit: 2, Reset: 1, Over: true}},
		},
		"a new second starts at zero": {
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second, Over: true}},
			{check, at(1, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(2, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
		"apps and commands are counted apart": {
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{kick, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{other, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second, Over: true}},
		},
		"a refusal is counted": {
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 2, ratelimit.Decision{Limit: 2, Reset: time.Second}},
			{check, at(0, 0), 2, ratelimit.Decision{Limit: 2, Reset: time.Second, Over: true}},
			{check, at(0, 0), 4, ratelimit.Decision{Limit: 4, Reset: time.Second}},
		},
		"no limit counts nothing": {
			{check, at(0, 0), 0, ratelimit.Decision{}},
			{check, at(0, 0), -1, ratelimit.Decision{}},
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
		"a call that arrives late belongs to its own second": {
			{check, at(0, 0), 3, ratelimit.Decision{Limit: 3, Remaining: 2, Reset: time.Second}},
			{check, at(1, 0), 3, ratelimit.Decision{Limit: 3, Remaining: 2, Reset: time.Second}},
			{check, at(1, 0), 3, ratelimit.Decision{Limit: 3, Remaining: 1, Reset: time.Second}},
			{check, at(0, 9e8), 3, ratelimit.Decision{Limit: 3, Remaining: 1, Reset: 100 * time.Millisecond}},
			{check, at(1, 0), 3, ratelimit.Decision{Limit: 3, Reset: time.Second}},
		},
		"a clock set back does not share one long window": {
			{check, at(3600, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(0, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(1, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
			{check, at(2, 0), 1, ratelimit.Decision{Limit: 1, Reset: time.Second}},
		},
	}
	for name, calls := range tests {
		t.Run(name, func(t *testing.T) {
			type window struct {
				key    ratelimit.Key
				second int64
			}
			l, totals := ratelimit.New(), map[window]int64{}
			for i, c := range calls {
				got := l.Take(ratelimit.Call{App: c.key.App, Command: c.key.Command, Limit: c.limit}, c.now).Command
				if c.limit > 0 {
					w := window{c.key, c.now.Unix()}
					totals[w]++
					c.want.Total = totals[w]
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("call %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// TestCeiling counts for the command and for the whole app. A call over the limit of its
// command is not counted for the app.
func TestCeiling(t *testing.T) {
	l := ratelimit.New()
	kick := ratelimit.Call{App: 1, Command: "kick", Limit: 2, Ceiling: 3}
	check := ratelimit.Call{App: 1, Command: "account_check", Ceiling: 3} // without a limit of its own
	type remaining struct{ Command, App int }                             // -1 for over
	left := func(d ratelimit.Decision) int {
		if d.Over {
			return -1
		}
		return d.Remaining
	}
	var got []remaining
	for _, c := range []ratelimit.Call{kick, kick, kick, kick, check, check} {
		d := l.TakeLater(c, at(0, 0))
		got = append(got, remaining{left(d.Command), left(d.App)})
	}
	want := []remaining{{1, 2}, {0, 1}, {-1, 0}, {-1, 0}, {0, 0}, {0, -1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("remaining (-want +got):\n%s", diff)
	}
}
