package view

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/chart"
	"rollcall/internal/console/text"
)

// An Overview is what the first page shows.
type Overview struct {
	Server  adminapi.Status
	All     adminapi.Figures    // of the app, or of all apps
	Apps    []AppRow            // if no app is chosen
	Days    adminapi.FigureDays // of the app, if one is chosen
	ByDay   admin.Request       // for Days
	Span    string
	Spans   []string
	Figures admin.Request
	Status  admin.Request
}

// An AppRow is an app in the list of apps.
type AppRow struct {
	App      *adminapi.App
	Accounts int64
}

// rate returns the calls per second at the end of f: of the newest step that has ended, or
// of the one that has not if it is the only one.
func (o *Overview) rate() float64 {
	points := o.All.Points
	if len(points) > 1 {
		points = points[:len(points)-1]
	}
	return perSecond(&points[len(points)-1])
}

func perSecond(p *adminapi.FigurePoint) float64 {
	if p.Seconds == 0 {
		return 0
	}
	return float64(p.Calls) / float64(p.Seconds)
}

// accounts returns the number of accounts now, for people. The newest point always has it.
func (o *Overview) accounts(p *Page) string {
	if n := o.All.Points[len(o.All.Points)-1].Accounts; n != nil {
		return p.Number(*n)
	}
	return "–"
}

// A refusal is a code and the number of calls that it ended.
type refusal struct {
	Code string
	N    int64
}

// rare reports whether r stands for codes that are counted together.
func (r refusal) rare() bool {
	_, err := strconv.Atoi(r.Code)
	return err != nil
}

// refusals returns the refused calls by code, the most frequent code first.
func (o *Overview) refusals() []refusal {
	var all []refusal
	for _, code := range slices.Sorted(maps.Keys(o.All.Total.Codes)) {
		all = append(all, refusal{code, o.All.Total.Codes[code]})
	}
	slices.SortStableFunc(all, func(a, b refusal) int { return int(b.N - a.N) })
	return all
}

// lines returns the options of a chart of the steps of o.
func (o *Overview) lines(p *Page, id, title string, series ...chart.Series) chart.Options {
	c := chart.Options{ID: id, Title: p.T(title), Step: time.Duration(o.All.StepS) * time.Second, Series: series, Empty: p.T("start.no-figures")}
	if p.Language == text.Chinese {
		c.Day = "1月2日"
	}
	for i := range o.All.Points {
		c.Times = append(c.Times, o.All.Points[i].Time)
	}
	return c
}

// series returns a line with a value of each point.
func (o *Overview) series(name string, value func(*adminapi.FigurePoint) float64) chart.Series {
	s := chart.Series{Name: name}
	for i := range o.All.Points {
		s.Values = append(s.Values, value(&o.All.Points[i]))
	}
	return s
}

// callsChart is the chart of calls per second.
func (o *Overview) callsChart(p *Page) chart.Options {
	each := func(n func(*adminapi.FigurePoint) int64) func(*adminapi.FigurePoint) float64 {
		return func(f *adminapi.FigurePoint) float64 {
			if f.Seconds == 0 {
				return math.NaN()
			}
			return float64(n(f)) / float64(f.Seconds)
		}
	}
	return o.lines(p, "calls-chart", "start.calls-chart",
		o.series(p.T("start.calls"), each(func(f *adminapi.FigurePoint) int64 { return f.Calls })),
		o.series(p.T("start.failed"), each(func(f *adminapi.FigurePoint) int64 { return f.Failed })),
		o.series(p.T("start.limited"), each(func(f *adminapi.FigurePoint) int64 { return f.Limited + f.Shadowed })))
}

// accountsChart is the chart of the number of accounts.
func (o *Overview) accountsChart(p *Page) chart.Options {
	c := o.lines(p, "accounts-chart", "start.accounts-chart", o.series(p.T("start.accounts"), func(f *adminapi.FigurePoint) float64 {
		if f.Accounts == nil {
			return math.NaN()
		}
		return float64(*f.Accounts)
	}))
	c.Fit, c.Whole = true, true
	return c
}

// changesChart is the chart of created and deleted accounts.
func (o *Overview) changesChart(p *Page) chart.Options {
	c := o.lines(p, "changes-chart", "start.changes-chart",
		o.series(p.T("start.created"), func(f *adminapi.FigurePoint) float64 { return float64(f.Created) }),
		o.series(p.T("start.deleted"), func(f *adminapi.FigurePoint) float64 { return float64(f.Deleted) }))
	c.Whole = true
	return c
}

// size returns a number of bytes for people.
func size(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// mean returns the mean duration of a call, for people.
func (o *Overview) mean() string {
	if m := millis(o.All.Total.Calls, o.All.Total.MeanUS); m != "" {
		return m
	}
	return "–"
}

// millis returns a duration of calls in microseconds as milliseconds; "" without a call.
func millis(calls, us int64) string {
	if calls == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(us)/1000, 'f', 2, 64) + " ms"
}

// decimal returns a rate with one digit after the point.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
