package progress

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

var english = message.NewPrinter(language.English)

// Count returns n with commas between thousands.
func Count(n int64) string { return english.Sprintf("%d", n) }

// Duration returns d for people: seconds below a minute with one decimal, then whole
// seconds, and whole minutes from an hour on.
func Duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return d.Truncate(time.Second).String()
	}
	h, m := d/time.Hour, d%time.Hour/time.Minute
	return fmt.Sprintf("%dh%02dm", h, m)
}

// percent returns how much of the input is done, 0 if its size is unknown.
func (s State) percent() float64 {
	if s.TotalBytes <= 0 {
		return 0
	}
	return 100 * min(1, float64(s.Bytes)/float64(s.TotalBytes))
}

// textBefore returns the text on the left of the bar.
func textBefore(o Options, s State) string {
	if s.TotalBytes <= 0 {
		return o.Verb + " "
	}
	return fmt.Sprintf("%s %3.0f%% ", o.Verb, math.Floor(s.percent()))
}

// textAfter returns the text on the right of the bar. What matters most comes first,
// because a narrow terminal cuts the end.
func textAfter(o Options, s State, r report) string {
	parts := []string{fmt.Sprintf(" %s %s", Count(s.Rows), o.Unit), Count(int64(r.rate)) + "/s"}
	if r.eta > 0 {
		parts = append(parts, "ETA "+Duration(r.eta))
	}
	if s.Failed > 0 {
		parts = append(parts, Count(s.Failed)+" rejected")
	}
	if s.Retries > 0 {
		parts = append(parts, Count(s.Retries)+" retries")
	}
	if s.Note != "" {
		parts = append(parts, s.Note)
	}
	return strings.Join(parts, "  ")
}

// A line is the JSON form of a progress. Absent fields are unknown.
type line struct {
	Progress string  `json:"progress"` // the verb
	Rows     int64   `json:"rows"`
	Rejected int64   `json:"rejected"`
	Retries  int64   `json:"retries"`
	Rate     int64   `json:"rows_per_second"`
	Percent  float64 `json:"percent,omitempty"`
	ETA      int64   `json:"eta_seconds,omitempty"`
	Elapsed  int64   `json:"elapsed_seconds"`
	Note     string  `json:"note,omitempty"`
}

func lineOf(o Options, s State, r report) []byte {
	b, err := json.Marshal(line{
		Progress: o.Verb, Rows: s.Rows, Rejected: s.Failed, Retries: s.Retries, Rate: int64(r.rate),
		Percent: math.Floor(10*s.percent()) / 10, ETA: int64(r.eta.Seconds()), Elapsed: int64(r.elapsed.Seconds()), Note: s.Note,
	})
	if err != nil {
		panic(err) // only numbers and texts
	}
	return append(b, '\n')
}
