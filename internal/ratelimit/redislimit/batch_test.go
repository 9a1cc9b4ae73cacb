package redislimit

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rollcall/internal/ratelimit"
)

// TestBatch compares the decisions of batches with those of the same calls one by one.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(1_700_000_000, 5e8)
		want := ratelimit.New()
		var command, app int64 // what the script has counted
		c := ratelimit.Call{
			App: 1, Command: "kick",
			Limit: rapid.IntRange(0, 12).Draw(t, "limit"), Ceiling: rapid.IntRange(0, 12).Draw(t, "ceiling"),
		}
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 6), 1, 6).Draw(t, "batches") {
			r := reply{at: at}
			counted := int64(n)
			if c.Limit > 0 {
				command += int64(n)
				r.command = command
				counted -= min(max(command-int64(c.Limit), 0), counted)
			}
			if c.Ceiling > 0 && counted > 0 {
				app += counted
				r.app = app
			}
			for place := range n {
				if diff := cmp.Diff(want.Take(c, at), r.decisions(c, n, place)); diff != "" {
					t.Fatalf("call %d of %d (-want +got):\n%s", place, n, diff)
				}
			}
		}
	})
}

// TestGuesses lets calls wait for nothing, while Redis counts those of another node too.
func TestGuesses(t *testing.T) {
	g := guesses{seen: map[ratelimit.Key]guess{}}
	c := ratelimit.Call{App: 1, Command: "kick", Limit: 5, Ceiling: 20}
	now := time.Unix(1_700_000_000, 0)
	redis := now.Add(300 * time.Millisecond) // its clock is ahead
	left := func() [2]int {
		d := g.take(c, now)
		if d.Command.Over {
			return [2]int{-1, d.App.Remaining}
		}
		return [2]int{d.Command.Remaining, d.App.Remaining}
	}
	want := func(what string, w, got [2]int) {
		t.Helper()
		if got != w {
			t.Errorf("%s: remaining %v, want %v", what, got, w)
		}
	}
	want("first", [2]int{4, 19}, left())
	want("second, before any reply", [2]int{3, 18}, left())
	g.learn(c, 2, &reply{command: 4, app: 9, at: redis}, now)
	want("after a reply with two calls of another node", [2]int{0, 10}, left())
	want("over", [2]int{-1, 0}, left())
	if d := g.take(c, now); d.Command.Reset != 700*time.Millisecond {
		t.Errorf("reset after %v, want the rest of the second of Redis", d.Command.Reset)
	}
	g.learn(c, 3, &reply{command: 7, app: 10, at: redis}, now)
	want("still over", [2]int{-1, 0}, left())
	now = now.Add(700 * time.Millisecond) // a new second of Redis, with one call on its way
	want("a new second", [2]int{3, 18}, left())
	g.learn(c, 2, &reply{command: 8, app: 10, at: redis}, now.Add(-700*time.Millisecond)) // counted in the old second after all
	want("after a late reply", [2]int{4, 19}, left())
	g.learn(c, 1, &reply{command: 1, app: 1, at: redis.Add(10 * time.Second)}, now.Add(10*time.Second))
	g.learn(ratelimit.Call{App: 2, Command: "kick", Limit: 1}, 1, &reply{command: 1, at: redis.Add(20 * time.Second)}, now.Add(20*time.Second))
	if len(g.seen) != 1 {
		t.Errorf("%d totals are kept, want that of the newest second", len(g.seen))
	}
	g.forget(2)
	if len(g.seen) != 0 {
		t.Error("the totals of a forgotten app are kept")
	}
}

func TestRedact(t *testing.T) {
	for given, want := range map[string]string{
		"redis://:s3cret@h:1/2":     "redis://h:1/2",
		"redis://me:s3cret@h":       "redis://me@h",
		"redis://me@h?addr=b:1":     "redis://me@h?addr=b:1",
		"redis://h":                 "redis://h",
		"rediss://:s3%40cret@[::1]": "rediss://[::1]",
		"redis://:s3cret%zz@h":      "redis://…",
		"pebble:dir":                "pebble:dir",
	} {
		if got := Redact(given); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
		}
	}
}
