package faults

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const app = 1400000001

// TestScripts adds faults and makes calls. Each call of a script is "." if it passes,
// otherwise the code of the fault.
func TestScripts(t *testing.T) {
	for name, test := range map[string]struct {
		faults []Fault
		want   string
	}{
		"for ever":                    {[]Fault{{Code: 1}}, "1 1 1 1 1 1"},
		"fail twice, then succeed":    {[]Fault{{Code: 1, Times: 2}}, "1 1 . . . ."},
		"succeed twice, then fail":    {[]Fault{{Code: 1, After: 2}}, ". . 1 1 1 1"},
		"only the third":              {[]Fault{{Code: 1, After: 2, Times: 1}}, ". . 1 . . ."},
		"steps":                       {[]Fault{{Code: 1, Times: 2}, {Code: 2, Times: 1}, {Code: 3, After: 1, Times: 1}}, "1 1 2 . 3 ."},
		"another command":             {[]Fault{{Code: 1, Command: "account_check"}}, ". . . . . ."},
		"a certainty":                 {[]Fault{{Code: 1, Probability: 1}}, "1 1 1 1 1 1"},
		"half of the calls":           {[]Fault{{Code: 1, Probability: 0.5, Seed: 1}}, "1 . 1 1 . ."},
		"half of them, another seed":  {[]Fault{{Code: 1, Probability: 0.5, Seed: 2}}, ". . 1 1 1 1"},
		"half of them, at most twice": {[]Fault{{Code: 1, Probability: 0.5, Seed: 2, Times: 2}}, ". . 1 1 . ."},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSet()
			for _, f := range test.faults {
				if _, err := s.Add(app, f); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for range 6 {
				step := "."
				if x := s.Next(app, "kick"); x != nil {
					step = fmt.Sprint(x.Code)
				}
				got = append(got, step)
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("calls: %s, want %s", got, test.want)
			}
			if x := s.Next(app+1, "kick"); x != nil {
				t.Errorf("another app has the fault %+v", x)
			}
		})
	}
}

func TestSet(t *testing.T) {
	s := NewSet()
	ids := []string{"a"}
	first, _ := s.Add(app, Fault{FailUserIDs: ids, Times: 1})
	second, _ := s.Add(app, Fault{Code: 2})
	ids[0] = "b" // must not reach the fault
	s.Next(app, "kick")
	s.Next(app, "kick")
	want := []ActiveFault{
		{ID: first.ID, Fault: Fault{FailUserIDs: []string{"a"}, Times: 1}, Passed: 1, Hit: 1},
		{ID: second.ID, Fault: Fault{Code: 2}, Hit: 1},
	}
	if diff := cmp.Diff(want, s.List(app)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if !s.Remove(app, first.ID) || s.Remove(app, first.ID) || s.Remove(app+1, second.ID) {
		t.Error("a removal is wrong")
	}
	if n := s.Clear(app); n != 1 || s.total.Load() != 0 || s.Next(app, "kick") != nil {
		t.Errorf("cleared %d; %d are left", n, s.total.Load())
	}
	for range MaxFaults {
		if _, err := s.Add(app, Fault{Code: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Add(app, Fault{Code: 1}); err == nil {
		t.Error("too many faults were accepted")
	}
}

func TestItems(t *testing.T) {
	id := func(i int) string { return fmt.Sprint("u", i) }
	for name, test := range map[string]struct {
		fault Fault
		nth   uint64
		want  []int
	}{
		"the first":         {Fault{FailItems: 2}, 1, []int{0, 1}},
		"more than there":   {Fault{FailItems: 9}, 1, []int{0, 1, 2, 3, 4, 5}},
		"random":            {Fault{FailItems: 2, Seed: 8}, 1, []int{4, 5}},
		"random, once more": {Fault{FailItems: 2, Seed: 8}, 1, []int{4, 5}},
		"random, next call": {Fault{FailItems: 2, Seed: 8}, 2, []int{1, 2}},
		"named":             {Fault{FailUserIDs: []string{"u4", "u1", "x"}}, 1, []int{1, 4}},
		"none":              {Fault{Code: 1}, 1, nil},
	} {
		x := &Injection{Fault: test.fault, nth: test.nth}
		if got := x.Items(6, id); !cmp.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestCheck checks that each mistake is refused in a sentence that names its field.
func TestCheck(t *testing.T) {
	const imports = "multiaccount_import"
	for _, f := range []Fault{
		{Code: 70500},
		{Status: 502},
		{DelayMS: MaxDelayMS},
		{Cut: CutBefore},
		{Cut: CutMiddle, Code: 60007},
		{Cut: CutBefore, Run: true},
		{FailItems: 3, ItemCode: 70398, Seed: 1, Command: imports},
		{FailUserIDs: []string{"a"}, DelayMS: 1, Command: imports},
		{Code: 70500, Status: 500, Info: "text", Run: true, Probability: 0.25, After: 1, Times: 2},
		{FailItems: 1, Cut: CutBefore, Run: true, Command: imports},
		{Code: 1, Command: "kick"},
	} {
		if err := f.Check([]string{"kick", "multiaccount_import"}); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, test := range []struct {
		fault Fault
		names string
	}{
		{Fault{}, "does nothing"},
		{Fault{Times: 3}, "does nothing"},
		{Fault{Code: -1}, "code"},
		{Fault{Code: 1_000_000}, "code"},
		{Fault{FailItems: 1, ItemCode: -1, Command: imports}, "item_code"},
		{Fault{Code: 1, ItemCode: 1}, "item_code"},
		{Fault{Status: 200}, "status"},
		{Fault{Status: 600}, "status"},
		{Fault{DelayMS: -1}, "delay_ms"},
		{Fault{DelayMS: MaxDelayMS + 1}, "delay_ms"},
		{Fault{Cut: "end"}, "cut"},
		{Fault{Cut: CutBefore, Code: 1}, "cut"},
		{Fault{Status: 500, Info: "x"}, "info"},
		{Fault{Code: 1, Info: strings.Repeat("x", maxInfo+1)}, "info"},
		{Fault{DelayMS: 1, Run: true}, "run"},
		{Fault{FailItems: -1, Code: 1}, "fail_items"},
		{Fault{FailItems: 1, FailUserIDs: []string{"a"}, Command: imports}, "fail_userids"},
		{Fault{FailUserIDs: make([]string, maxUserIDs+1), Command: imports}, "fail_userids"},
		{Fault{FailItems: 1, Code: 1, Command: imports}, "fail_items"},
		{Fault{FailItems: 1}, "command"},
		{Fault{FailUserIDs: []string{"a"}, Command: "kick"}, "command"},
		{Fault{Code: 1, Command: "kik"}, "command"},
		{Fault{Code: 1, After: -1}, "after"},
		{Fault{Code: 1, Times: -1}, "times"},
		{Fault{Code: 1, Probability: -0.1}, "probability"},
		{Fault{Code: 1, Probability: 1.1}, "probability"},
		{Fault{Code: 1, Probability: math.NaN()}, "probability"},
	} {
		if err := test.fault.Check([]string{"kick", "multiaccount_import"}); err == nil || !strings.Contains(err.Error(), test.names) {
			t.Errorf("%+v: %v, want an error about %s", test.fault, err, test.names)
		}
	}
}
