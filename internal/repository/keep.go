package repository

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Keep says which backups stay when a repository is pruned. A backup stays if one of
// the rules keeps it. Days, weeks and months are those of UTC; a week begins on Monday.
type Keep struct {
	Last    int // the newest ones
	Daily   int // the newest of each of the last days that have backups
	Weekly  int // the newest of each of the last weeks that have backups
	Monthly int // the newest of each of the last months that have backups
}

// maxKeep is the largest number of a rule.
const maxKeep = 10_000

// A rule is a number of a Keep.
type rule struct {
	name string
	n    *int
}

// rules returns the rules of k in the order of their text.
func (k *Keep) rules() []rule {
	return []rule{{"last", &k.Last}, {"daily", &k.Daily}, {"weekly", &k.Weekly}, {"monthly", &k.Monthly}}
}

// ParseKeep parses a text such as "last=3,daily=7,weekly=4,monthly=12".
func ParseKeep(text string) (Keep, error) {
	var k Keep
	rules := k.rules()
	for part := range strings.SplitSeq(text, ",") {
		name, number, ok := strings.Cut(part, "=")
		i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
		n, err := strconv.Atoi(number)
		switch {
		case !ok || i < 0:
			return Keep{}, fmt.Errorf("%q is no rule: write last=N, daily=N, weekly=N or monthly=N, with commas between them", part)
		case err != nil || n < 1 || n > maxKeep:
			return Keep{}, fmt.Errorf("%s is %q: give a number from 1 to %d", name, number, maxKeep)
		case *rules[i].n > 0:
			return Keep{}, fmt.Errorf("%s is there twice: give it once", name)
		}
		*rules[i].n = n
	}
	return k, nil
}

// String returns k in the form of [ParseKeep].
func (k Keep) String() string {
	var parts []string
	for _, r := range k.rules() {
		if *r.n > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", r.name, *r.n))
		}
	}
	return strings.Join(parts, ",")
}

// check returns an error if k keeps nothing.
func (k Keep) check() error {
	for _, r := range k.rules() {
		if *r.n < 0 || *r.n > maxKeep {
			return fmt.Errorf("%s is %d: give a number from 1 to %d", r.name, *r.n, maxKeep)
		}
	}
	if k == (Keep{}) {
		return errors.New("no rule says which backups stay: give at least one")
	}
	return nil
}

// keeps returns which of the backups at some times stay, newest first.
func (k Keep) keeps(times []time.Time) []bool {
	kept := make([]bool, len(times))
	rule := func(n int, period func(time.Time) string) {
		seen := map[string]bool{}
		for i, at := range times {
			if p := period(at.UTC()); !seen[p] && len(seen) < n {
				seen[p], kept[i] = true, true
			}
		}
	}
	rule(k.Last, func(at time.Time) string { return at.Format(idLayout) })
	rule(k.Daily, func(at time.Time) string { return at.Format(time.DateOnly) })
	rule(k.Weekly, func(at time.Time) string {
		year, week := at.ISOWeek()
		return fmt.Sprint(year, week)
	})
	rule(k.Monthly, func(at time.Time) string { return at.Format("2006-01") })
	return kept
}
