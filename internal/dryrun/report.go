package dryrun

import (
	"bytes"
	"cmp"

	"rollcall/internal/account"
	"rollcall/internal/source"
)

// A Report says what an import would do.
type Report struct {
	Target       string   `json:"target,omitempty"`
	Files        []string `json:"files"`
	Stopped      string   `json:"stopped,omitempty"` // why the files were not read to their end
	Rows         int64    `json:"rows"`
	Accepted     int64    `json:"accepted"` // rows that would be imported
	Rejected     int64    `json:"rejected"` // rows that would not
	Accounts     int64    `json:"accounts"` // different ids of the accepted rows
	Duplicates   int64    `json:"duplicates"`
	CaseVariants int64    `json:"case_variants"`
	Tagged       int64    `json:"tagged"` // accepted rows with tags

	Unchecked string `json:"unchecked,omitempty"` // which rules are unknown, and why

	Rejections []Problem `json:"rejections"` // those of most rows first
	Warnings   []Problem `json:"warnings"`   // about accepted rows

	Quota     int64 `json:"quota,omitzero"`      // of the app, if it is known
	Count     int64 `json:"count,omitzero"`      // accounts that the app has
	OverQuota int64 `json:"over_quota,omitzero"` // accounts that the quota refuses, if all are new

	Calls      int64   `json:"calls"`                // of 100 accounts
	TagCalls   int64   `json:"tag_calls,omitzero"`   // one for each row with tags
	ETASeconds float64 `json:"eta_seconds,omitzero"` // at the rates of Pace; absent without one
	Pace       Pace    `json:"pace"`
}

// A Pace says how fast the target may be called. 0 is no limit, or an unknown one.
type Pace struct {
	Calls    float64 `json:"calls_per_second,omitzero"`     // of 100 accounts
	TagCalls float64 `json:"tag_calls_per_second,omitzero"` // of the tags of one account
	By       string  `json:"limited_by,omitempty"`          // who limits the calls, such as "by the app"
}

// A Problem is something that is wrong with rows, or suspicious.
type Problem struct {
	Kind     string    `json:"kind"` // of a rejection: rejected
	What     string    `json:"what"` // one sentence with the remedy
	Rows     int64     `json:"rows"`
	Examples []Example `json:"examples"` // the first ones
}

// An Example is a row with a problem.
type Example struct {
	File   string   `json:"file"`
	Line   int      `json:"line"`
	UserID string   `json:"userid,omitempty"` // its first bytes; absent if it is unknown
	Value  string   `json:"value,omitempty"`  // its first bytes, if another value than the id is wrong
	Later  *Example `json:"later,omitempty"`  // the row that collides with it

	hash entry
}

// maxProblems limits the different reasons of rejections.
const maxProblems = 50

// maxShown is the longest value of an example, in bytes.
const maxShown = 40

// shown returns the beginning of a value as UTF-8.
func shown(value []byte) string {
	if len(value) > maxShown {
		return string(bytes.ToValidUTF8(value[:maxShown], nil)) + "…"
	}
	return string(bytes.ToValidUTF8(value, []byte("\ufffd")))
}

// exampleOf returns a row as an example, of which value is wrong.
func exampleOf(r *source.Row, value []byte) Example {
	x := Example{File: r.File.Name, Line: r.Line, UserID: shown(r.UserID)}
	if value != nil && !bytes.Equal(value, r.UserID) {
		x.Value = shown(value)
	}
	return x
}

// add counts a row.
func (p *Problem) add(r *source.Row, value []byte) {
	p.Rows++
	if len(p.Examples) < maxExamples {
		p.Examples = append(p.Examples, exampleOf(r, value))
	}
}

// heavier sorts by the number of rows.
func heavier(a, b Problem) int { return cmp.Compare(b.Rows, a.Rows) }

// reject counts a rejected row.
func (p *Report) reject(reason string, r *source.Row) {
	p.Rejected++
	for i := range p.Rejections {
		if x := &p.Rejections[i]; x.What == reason || i == maxProblems-1 {
			x.add(r, nil)
			return
		}
	}
	if len(p.Rejections) == maxProblems-1 {
		reason = "other reasons"
	}
	p.Rejections = append(p.Rejections, Problem{Kind: "rejected", What: reason})
	p.Rejections[len(p.Rejections)-1].add(r, nil)
}

func (p *Report) warn(w Problem) {
	if w.Rows > 0 {
		p.Warnings = append(p.Warnings, w)
	}
}

// unknownApp is what a report says without the settings of an app, before the reason.
const unknownApp = "the tags, words, quota and strict ids of the app, because "

// quota sets what the quota refuses.
func (p *Report) quota(app *account.App, count int64) {
	if app == nil || app.Quota() == 0 {
		return
	}
	p.Quota, p.Count = app.Quota(), max(count, 0)
	p.OverQuota = max(0, p.Count+p.Accounts-p.Quota)
}

// batch is the number of accounts in a call.
const batch = 100

// plan sets how long an import takes. Both kinds of calls are made side by side.
func (p *Report) plan(pace Pace) {
	p.Pace = pace
	p.Calls, p.TagCalls = (p.Accepted+batch-1)/batch, p.Tagged
	if pace.Calls > 0 {
		p.ETASeconds = float64(p.Calls) / pace.Calls
	}
	if pace.TagCalls > 0 {
		p.ETASeconds = max(p.ETASeconds, float64(p.TagCalls)/pace.TagCalls)
	}
}
