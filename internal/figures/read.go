package figures

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/adminapi"
	"rollcall/internal/records"
)

// A Span is a span of time that ends now.
type Span struct {
	Name string
	Step time.Duration // between two points
	N    int           // number of points
}

// Spans returns the spans that can be read. Every series of points has a bounded size: at
// most 169 points with at most 65 codes each.
func Spans() []Span {
	return []Span{
		{"1h", time.Minute, 61},
		{"7d", time.Hour, 7*24 + 1},
		{"14d", 2 * time.Hour, 7*24 + 1},
		{"30d", 6 * time.Hour, 30*4 + 1},
	}
}

// SpanOf returns the span of that name. The empty name is that of the first one.
func SpanOf(name string) (Span, bool) {
	spans := Spans()
	i := slices.IndexFunc(spans, func(s Span) bool { return s.Name == cmp.Or(name, spans[0].Name) })
	if i < 0 {
		return Span{}, false
	}
	return spans[i], true
}

// Read returns the figures of an app in a span, summed up over all nodes. App 0 means all
// apps, with calls that named no app that exists.
func (f *Figures) Read(ctx context.Context, app account.AppID, span Span) (adminapi.Figures, error) {
	now := f.o.Now().UTC()
	s := newSeries(span, now)
	if err := f.fill(ctx, app, s); err != nil {
		return adminapi.Figures{}, err
	}
	n, err := f.count(ctx, app)
	if err != nil {
		return adminapi.Figures{}, err
	}
	s.counts = append(s.counts, records.FigureCount{At: minuteOf(now), N: n})
	return s.figures(), nil
}

// fill adds the slots of the store and of the memory to s.
func (f *Figures) fill(ctx context.Context, app account.AppID, s *series) error {
	f.stored.RLock()
	defer f.stored.RUnlock()
	minutes := s.span.Step < time.Hour
	err := f.o.Records.FigureHours(ctx, app, minuteOf(s.from)-dayMinutes, func(slot *records.FigureSlot) {
		s.counted(slot)
		if !minutes {
			s.add(slot)
		}
	})
	if err == nil && minutes {
		err = f.o.Records.FigureMinutes(ctx, app, func(slot *records.FigureSlot) {
			s.counted(slot)
			s.add(slot)
		})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, slot := range f.slots[app] {
		s.add(&slot.FigureSlot)
	}
	return err
}

// count returns the present number of accounts.
func (f *Figures) count(ctx context.Context, app account.AppID) (sum int64, err error) {
	if app != all {
		return f.o.Apps.Count(ctx, app)
	}
	apps, err := f.o.Apps.Apps(ctx)
	if err != nil {
		return 0, err
	}
	for _, a := range apps {
		n, err := f.o.Apps.Count(ctx, a.ID)
		if err != nil && account.CodeOf(err) != account.NoApp { // deleted meanwhile
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// A series collects the slots of a span.
type series struct {
	span   Span
	from   time.Time
	to     time.Time
	points []*records.FigureSlot
	counts []records.FigureCount
}

func newSeries(span Span, now time.Time) *series {
	s := &series{span: span, to: now, from: now.Truncate(span.Step).Add(-time.Duration(span.N-1) * span.Step)}
	for i := range span.N {
		s.points = append(s.points, &records.FigureSlot{Start: minuteOf(s.from.Add(time.Duration(i) * span.Step))})
	}
	return s
}

// add adds a slot to its point, if the span contains it.
func (s *series) add(slot *records.FigureSlot) {
	since := time.Duration(slot.Start-minuteOf(s.from)) * time.Minute
	if i := int(since / s.span.Step); since >= 0 && i < len(s.points) {
		s.points[i].Add(slot)
	}
}

// counted keeps the number of accounts in a slot.
func (s *series) counted(slot *records.FigureSlot) {
	if slot.Accounts != nil {
		s.counts = append(s.counts, *slot.Accounts)
	}
}

// figures returns what s has collected.
func (s *series) figures() adminapi.Figures {
	step := int64(s.span.Step / time.Second)
	r := adminapi.Figures{From: s.from, To: s.to, StepS: step, Points: make([]adminapi.FigurePoint, len(s.points))}
	slices.SortStableFunc(s.counts, func(a, b records.FigureCount) int { return cmp.Compare(a.At, b.At) })
	total, known := new(records.FigureSlot), s.counts
	for _, p := range s.points {
		total.Add(p)
	}
	var accounts *int64
	for i, p := range s.points {
		for end := p.Start + step/60; len(known) > 0 && known[0].At < end; known = known[1:] {
			accounts = &known[0].N
		}
		start := time.Unix(p.Start*60, 0).UTC()
		r.Points[i] = adminapi.FigurePoint{
			Time: start, Seconds: min(step, max(1, int64(s.to.Sub(start)/time.Second))), Accounts: accounts, FigureCounts: counts(p, total),
		}
	}
	r.Total = counts(total, total)
	return r
}

// counts returns the figures of s. All points have the codes of total, which bounds their
// number.
func counts(s, total *records.FigureSlot) adminapi.FigureCounts {
	c := adminapi.FigureCounts{
		Calls: s.Calls, Failed: s.Failed, Limited: s.Limited, Shadowed: s.Shadowed, Created: s.Created, Deleted: s.Deleted,
		MaxUS: s.MaxUS, Codes: make(map[string]int64, len(s.Codes)),
	}
	if s.Calls > 0 {
		c.MeanUS = s.TookUS / s.Calls
	}
	for code, n := range s.Codes {
		if _, ok := total.Codes[code]; !ok {
			code = records.OtherCode
		}
		c.Codes[codeName(code)] += n
	}
	return c
}

func codeName(code int) string {
	if code == records.OtherCode {
		return "other"
	}
	return strconv.Itoa(code)
}

// WriteCSV writes the points of figures as CSV with a header. After the other columns there
// is one for each code that occurs.
func WriteCSV(w io.Writer, r *adminapi.Figures) error {
	codes := slices.Sorted(maps.Keys(r.Total.Codes))
	head := []string{"time", "seconds", "calls", "failed", "limited", "shadowed", "created", "deleted", "accounts", "mean_us", "max_us"}
	for _, code := range codes {
		head = append(head, "code_"+code)
	}
	out := csv.NewWriter(w)
	_ = out.Write(head) // Error returns the error of every write
	for i := range r.Points {
		p := &r.Points[i]
		accounts := ""
		if p.Accounts != nil {
			accounts = strconv.FormatInt(*p.Accounts, 10)
		}
		row := []string{p.Time.UTC().Format(time.RFC3339)}
		for _, n := range []any{p.Seconds, p.Calls, p.Failed, p.Limited, p.Shadowed, p.Created, p.Deleted, accounts, p.MeanUS, p.MaxUS} {
			row = append(row, fmt.Sprint(n))
		}
		for _, code := range codes {
			row = append(row, strconv.FormatInt(p.Codes[code], 10))
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}
