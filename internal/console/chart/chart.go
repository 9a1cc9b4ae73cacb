// Package chart draws figures over time as SVG. A chart has no script and no inline style:
// its colours are those of the classes in console.css. Its texts keep their size in a
// narrow window, because only the lines are stretched.
package chart

//go:generate go tool -modfile=../../../tools/go.mod templ generate -log-level error -path .

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Options say what [Lines] draws.
type Options struct {
	ID       string         // of the element; it begins the other ids, too
	Title    string         // above the chart
	Times    []time.Time    // begins of the steps, in ascending order
	Step     time.Duration  // from one of them to the next
	Series   []Series       // at most six, of which each has a colour; further ones share that of the last
	Fit      bool           // the axis shows the range of the values; otherwise it begins at 0
	Whole    bool           // values are whole numbers
	Clock    string         // layout of a time of day; "15:04" if empty
	Day      string         // layout of a day; "Jan 2" if empty
	Location *time.Location // nil is UTC
	Empty    string         // shown if no series has a value
}

// A Series is one line.
type Series struct {
	Name   string
	Values []float64 // one for each step; NaN leaves a gap
}

// at returns the value of step i, or false if there is none.
func (s *Series) at(i int) (v float64, ok bool) {
	if i < 0 || i >= len(s.Values) || math.IsNaN(s.Values[i]) || math.IsInf(s.Values[i], 0) {
		return 0, false
	}
	return s.Values[i], true
}

// Sizes in pixels. A box with the lines is width wide and is stretched to the width of the
// page. Above it is room for half a label, and below it for the labels of times.
const width, top, height, total = 1000, 8, 150, 180

// A drawing is a chart with its grid.
type drawing struct {
	Options
	values []float64 // of the lines of the grid, in ascending order; none if no series has a value
	times  []time.Time
}

func draw(o Options) *drawing {
	o.Clock, o.Day, o.Location = cmp.Or(o.Clock, "15:04"), cmp.Or(o.Day, "Jan 2"), cmp.Or(o.Location, time.UTC)
	d := &drawing{Options: o}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range o.Series {
		for i := range o.Times {
			if v, ok := s.at(i); ok {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		return d
	}
	if !o.Fit {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	d.values, d.times = valueTicks(lo, hi, o.Whole), timeTicks(o.Times[0], d.end(), o.Location)
	return d
}

func (d *drawing) end() time.Time { return d.Times[len(d.Times)-1].Add(d.Step) }

// part returns the position of a time between the ends of the chart, from 0 to 1.
func (d *drawing) part(t time.Time) float64 {
	return float64(t.Sub(d.Times[0])) / float64(d.end().Sub(d.Times[0]))
}

// y returns the distance of a value from the top of the box.
func (d *drawing) y(v float64) float64 {
	lo, hi := d.values[0], d.values[len(d.values)-1]
	return height * (hi - v) / (hi - lo)
}

// paths returns the line of a series, the area below it, and dots for values that have no
// neighbour. A value stands in the middle of its step.
func (d *drawing) paths(s Series) (line, area, dots string) {
	var l, a, p strings.Builder
	for i, t := range d.Times {
		v, ok := s.at(i)
		if !ok {
			continue
		}
		_, before := s.at(i - 1)
		_, after := s.at(i + 1)
		x, y := decimal(width*d.part(t.Add(d.Step/2)), 1), decimal(d.y(v), 1)
		if before {
			fmt.Fprintf(&l, "L%s %s", x, y)
		} else {
			fmt.Fprintf(&l, "M%s %s", x, y)
			fmt.Fprintf(&a, "M%s %d", x, height)
		}
		fmt.Fprintf(&a, "L%s %s", x, y)
		if !after {
			fmt.Fprintf(&a, "L%s %dZ", x, height)
		}
		if !before && !after {
			fmt.Fprintf(&p, "M%s %sh0", x, y)
		}
	}
	return l.String(), a.String(), p.String()
}

// tip returns what stands beside the pointer over a step: its time and all values.
func (d *drawing) tip(i int) string {
	var text strings.Builder
	text.WriteString(d.Times[i].In(d.Location).Format(d.Day + " " + d.Clock))
	for _, s := range d.Series {
		if v, ok := s.at(i); ok {
			text.WriteString("\n" + s.Name + ": " + decimal(v, 2))
		}
	}
	return text.String()
}

// label returns the label of a time on the axis: a day, or a time of day.
func (d *drawing) label(t time.Time) (text string, day bool) {
	if t.Hour() == 0 && t.Minute() == 0 {
		return t.Format(d.Day), true
	}
	return t.Format(d.Clock), false
}

// valueTicks returns up to six round values with equal distances, which contain lo and hi.
// The distance is not less than a two thousandth of the values, so that labels are short.
func valueTicks(lo, hi float64, whole bool) (ticks []float64) {
	span := cmp.Or(max(hi-lo, 5e-4*max(math.Abs(lo), math.Abs(hi))), 1)
	power := math.Pow(10, math.Floor(math.Log10(span/4)))
	step := 10 * power
	for _, f := range []float64{5, 2, 1} {
		if span/4 <= f*power {
			step = f * power
		}
	}
	if whole {
		step = max(step, 1)
	}
	first := math.Floor(lo / step)
	for i := first; i <= max(math.Ceil(hi/step), first+1); i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// tick returns the label of a value of the grid, with a unit such as k and as many decimals
// as the distance of two values needs.
func (d *drawing) tick(v float64) string {
	unit := min(3*int(math.Log10(max(math.Abs(v), 1))/3+1e-9), 12)
	decimals := max(unit-int(math.Floor(math.Log10(d.values[1]-d.values[0])+1e-9)), 0)
	return decimal(v/math.Pow10(unit), decimals) + []string{"", "k", "M", "G", "T"}[unit/3]
}

// decimal returns v with at most n decimals.
func decimal(v float64, n int) string {
	return strconv.FormatFloat(math.Round(v*math.Pow10(n))/math.Pow10(n)+0, 'f', -1, 64) // +0 makes -0 to 0
}

// timeTicks returns about seven round times, or more for a span of more than half a year:
// parts of a day after midnight, or midnights.
func timeTicks(from, to time.Time, in *time.Location) (ticks []time.Time) {
	step := 0 // minutes
	for _, step = range []int{1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2 * 1440, 5 * 1440, 10 * 1440, 30 * 1440} {
		if to.Sub(from).Minutes() <= 7.5*float64(step) {
			break
		}
	}
	y, m, day := from.In(in).Date()
	for i := 0; ; i += step {
		switch t := time.Date(y, m, day, 0, i, 0, 0, in); {
		case t.After(to):
			return ticks
		case !t.Before(from):
			ticks = append(ticks, t)
		}
	}
}

// percent returns a position as a percentage of the width.
func percent(part float64) string { return decimal(100*part, 2) + "%" }

// class returns the class of the colour of series i.
func class(i int) string { return "c" + strconv.Itoa(min(i, 5)+1) }
