package dryrun

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/progress"
)

// What a terminal shows. JSON has the rest.
const (
	shownProblems = 6
	shownExamples = 3
	shownWidth    = 100 // of examples, about
)

// Text returns the report for a terminal: the counts, the problems with the most rows, and
// how long an import takes. It fits on a screen.
func (p *Report) Text() string {
	var b strings.Builder
	if p.Stopped != "" {
		fmt.Fprintf(&b, "Only the rows before this error were checked: %s\n\n", p.Stopped)
	}
	line(&b, p.Rows, "rows in "+files(p.Files))
	line(&b, p.Accepted, "would be imported, as "+accounts(p.Accounts))
	line(&b, p.Rejected, "would be rejected")
	section(&b, "Rejected", p.Rejections)
	section(&b, "Suspicious, but imported", p.Warnings)
	if p.Unchecked != "" {
		fmt.Fprintf(&b, "\nNot checked: %s.\n", p.Unchecked)
	}
	b.WriteString(p.quotaText() + p.timeText())
	return b.String()
}

func accounts(n int64) string {
	if n == 1 {
		return "1 account"
	}
	return progress.Count(n) + " different accounts"
}

func line(b *strings.Builder, n int64, text string) {
	fmt.Fprintf(b, "%13s  %s\n", progress.Count(n), text)
}

func files(names []string) string {
	switch len(names) {
	case 0:
		return "no file"
	case 1:
		return names[0]
	}
	return fmt.Sprintf("%d files, %s to %s", len(names), names[0], names[len(names)-1])
}

func section(b *strings.Builder, title string, problems []Problem) {
	if len(problems) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, p := range problems[:min(len(problems), shownProblems)] {
		line(b, p.Rows, p.What)
		fmt.Fprintf(b, "%15s%s\n", "", examples(p))
	}
	if more := problems[min(len(problems), shownProblems):]; len(more) > 0 {
		rows := int64(0)
		for _, p := range more {
			rows += p.Rows
		}
		line(b, rows, fmt.Sprintf("for %d more reasons: --output json lists them", len(more)))
	}
}

// examples names the first rows of a problem in one line.
func examples(p Problem) string {
	text, file, n := "", "", 0
	for _, x := range p.Examples[:min(len(p.Examples), shownExamples)] {
		next := x.text(&file)
		if n > 0 && len(text)+len(next) > shownWidth {
			break
		}
		if n++; n > 1 {
			text += ", "
		}
		text += next
	}
	if more := p.Rows - int64(n); more > 0 {
		text += fmt.Sprintf(", and %s more", progress.Count(more))
	}
	return text
}

// text returns the place and the values of x. It leaves out the name of the file if that is
// the one of the example before.
func (x *Example) text(file *string) string {
	text := fmt.Sprintf("line %d", x.Line)
	if x.File != *file {
		text = fmt.Sprintf("%s:%d", x.File, x.Line)
		*file = x.File
	}
	if x.UserID != "" {
		text += fmt.Sprintf(" %q", x.UserID)
	}
	if x.Value != "" {
		text += fmt.Sprintf(" (%q)", x.Value)
	}
	if x.Later == nil {
		return text
	}
	later := *x.Later
	if later.UserID == x.UserID {
		later.UserID = ""
	}
	return text + " and " + later.text(file)
}

func (p *Report) quotaText() string {
	if p.Quota == 0 {
		return ""
	}
	if p.OverQuota == 0 {
		return fmt.Sprintf("\nQuota: enough, %s accounts, of which %s are used.\n", progress.Count(p.Quota), progress.Count(p.Count))
	}
	return fmt.Sprintf("\nQuota: %s accounts, of which %s are used. It refuses up to %s of the accounts; those that exist already are not refused.\n",
		progress.Count(p.Quota), progress.Count(p.Count), progress.Count(p.OverQuota))
}

func (p *Report) timeText() string {
	switch {
	case p.Target == "":
		return ""
	case p.ETASeconds == 0:
		return fmt.Sprintf("\nTime: no limit is known, so as fast as %s answers.\n", p.Target)
	}
	calls, rate, what := p.Calls, p.Pace.Calls, "calls of 100 accounts"
	if p.Pace.TagCalls > 0 && float64(p.TagCalls)/p.Pace.TagCalls >= p.ETASeconds {
		calls, rate, what = p.TagCalls, p.Pace.TagCalls, "calls for the tags of one account"
	}
	by := "into " + p.Target
	if p.Pace.By != "" {
		by = "limited " + p.Pace.By + ", " + by
	}
	if calls == 1 {
		what = strings.Replace(what, "calls", "call", 1)
	}
	d := time.Duration(p.ETASeconds * float64(time.Second))
	return fmt.Sprintf("\nTime: %s, for %s %s at %.4g a second, %s.\n", progress.Duration(d), progress.Count(calls), what, rate, by)
}
