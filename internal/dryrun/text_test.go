package dryrun

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/account"
)

func TestText(t *testing.T) {
	name := "users.csv"
	rows := func(n int64, kind, what string, lines ...int) Problem {
		p := Problem{Kind: kind, What: what, Rows: n}
		for _, l := range lines {
			p.Examples = append(p.Examples, Example{File: name, Line: l, UserID: fmt.Sprint("u", l)})
		}
		return p
	}
	r := &Report{
		Target: "http://127.0.0.1:7580, app 1400000001", Files: []string{name}, Rows: 1_234_567, Rejected: 4567, Accepted: 1_230_000, Accounts: 1_229_000,
		Rejections: []Problem{rows(4000, "rejected", "too long; shorten it", 7, 8, 9, 10)},
		Warnings:   []Problem{rows(1000, "duplicates", "rows follow each other: remove them", 2), rows(1, "control", "control characters: remove them", 5)},
	}
	for i := range 9 {
		r.Rejections = append(r.Rejections, rows(63, "rejected", fmt.Sprintf("reason %d; mend it", i), i+20))
	}
	r.Warnings[0].Examples[0].Later = &Example{File: "b.csv", Line: 3, UserID: "u2"}
	r.Warnings[1].Examples[0].Value = "a\nb"
	r.plan(Pace{Calls: 90, TagCalls: 180, By: "by the app"})
	r.quota(&account.App{Settings: account.Settings{Quota: 1_000_000}}, 5)
	const want = `    1,234,567  rows in users.csv
    1,230,000  would be imported, as 1,229,000 different accounts
        4,567  would be rejected

Rejected:
        4,000  too long; shorten it
               users.csv:7 "u7", line 8 "u8", line 9 "u9", and 3,997 more
           63  reason 0; mend it
               users.csv:20 "u20", and 62 more
           63  reason 1; mend it
               users.csv:21 "u21", and 62 more
           63  reason 2; mend it
               users.csv:22 "u22", and 62 more
           63  reason 3; mend it
               users.csv:23 "u23", and 62 more
           63  reason 4; mend it
               users.csv:24 "u24", and 62 more
          252  for 4 more reasons: --output json lists them

Suspicious, but imported:
        1,000  rows follow each other: remove them
               users.csv:2 "u2" and b.csv:3, and 999 more
            1  control characters: remove them
               users.csv:5 "u5" ("a\nb")

Quota: 1,000,000 accounts, of which 5 are used. It refuses up to 229,005 of the accounts; those that exist already are not refused.

Time: 2m16s, for 12,300 calls of 100 accounts at 90 a second, limited by the app, into http://127.0.0.1:7580, app 1400000001.
`
	if diff := cmp.Diff(want, r.Text()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	if n := strings.Count(r.Text(), "\n"); n > 40 {
		t.Errorf("%d lines are more than a screen", n)
	}
}

func TestTimeText(t *testing.T) {
	for name, tt := range map[string]struct {
		r    Report
		pace Pace
		want string
	}{
		"no target":      {Report{Accepted: 100}, Pace{Calls: 10}, ""},
		"no limit":       {Report{Accepted: 100, Target: "T"}, Pace{}, "\nTime: no limit is known, so as fast as T answers.\n"},
		"calls":          {Report{Accepted: 10_001, Target: "T"}, Pace{Calls: 22.5}, "\nTime: 4.5s, for 101 calls of 100 accounts at 22.5 a second, into T.\n"},
		"tags":           {Report{Accepted: 10_000, Tagged: 9000, Target: "T"}, Pace{Calls: 90, TagCalls: 180, By: "by the vendor"}, "\nTime: 50.0s, for 9,000 calls for the tags of one account at 180 a second, limited by the vendor, into T.\n"},
		"tags and calls": {Report{Accepted: 10_000, Tagged: 9, Target: "T"}, Pace{Calls: 10, TagCalls: 180}, "\nTime: 10.0s, for 100 calls of 100 accounts at 10 a second, into T.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.r.plan(tt.pace)
			if diff := cmp.Diff(tt.want, tt.r.timeText()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQuota(t *testing.T) {
	for _, tt := range []struct {
		app   *account.App
		count int64
		over  int64
		want  string
	}{
		{nil, -1, 0, ""},
		{&account.App{Edition: account.Development}, 5, 0, ""},
		{&account.App{Edition: account.Trial}, -1, 50, "\nQuota: 100 accounts, of which 0 are used. It refuses up to 50 of"},
		{&account.App{Settings: account.Settings{Quota: 200}}, 50, 0, "\nQuota: enough, 200 accounts, of which 50 are used.\n"},
		{&account.App{Settings: account.Settings{Quota: 200}}, 51, 1, "\nQuota: 200 accounts, of which 51 are used. It refuses up to 1 of"},
	} {
		r := &Report{Accounts: 150}
		r.quota(tt.app, tt.count)
		if r.OverQuota != tt.over || !strings.HasPrefix(r.quotaText(), tt.want) || tt.want == "" && r.quotaText() != "" {
			t.Errorf("quota of %+v with %d: %d, %q", tt.app, tt.count, r.OverQuota, r.quotaText())
		}
	}
}
