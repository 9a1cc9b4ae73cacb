package chart

import (
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/testutil"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// evening is the begin of the charts.
var evening = time.Date(2026, 11, 28, 22, 50, 0, 0, time.UTC)

// options returns a chart of steps of a length with one series of values.
func options(step time.Duration, values ...float64) Options {
	o := Options{ID: "calls", Title: "Calls", Step: step, Series: []Series{{"All", values}}, Empty: "There was no call."}
	for i := range values {
		o.Times = append(o.Times, evening.Add(time.Duration(i)*step))
	}
	return o
}

func render(t *testing.T, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Lines(o).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestGolden compares a whole chart with two series and gaps.
func TestGolden(t *testing.T) {
	o := options(10*time.Minute, 0, 1500, 900, math.NaN(), 2400, math.NaN(), 1200, 1300)
	o.Series = append(o.Series, Series{"Failed", []float64{0, 10, 20.126, 0, 0, 0, 300, 0}})
	o.Location = time.FixedZone("", 3600)
	testutil.Golden(t, "testdata/lines.svg", strings.ReplaceAll(render(t, o), "><", ">\n<")+"\n", *update)
}

// TestContentSecurityPolicy checks that a chart has nothing that a strict policy forbids.
func TestContentSecurityPolicy(t *testing.T) {
	svg := render(t, options(time.Minute, 1, 2, math.NaN(), 4))
	for _, forbidden := range []string{"style", "<script", "href", "url("} {
		if strings.Contains(svg, forbidden) {
			t.Errorf("the chart has %s", forbidden)
		}
	}
	if on := regexp.MustCompile(`\son[a-z]+=`).FindString(svg); on != "" {
		t.Errorf("the chart has %s", on)
	}
}

func TestEscapes(t *testing.T) {
	const evil = `</title><script>alert("1")</script>`
	o := options(time.Minute, 1, 2)
	o.ID, o.Title, o.Clock, o.Day = evil, evil, evil, evil
	o.Series = []Series{{evil, []float64{1, 2}}, {evil, nil}}
	svg := render(t, o)
	if strings.Contains(svg, "<script") || strings.Contains(svg, `"1"`) || !strings.Contains(svg, "&lt;script&gt;") {
		t.Error(svg)
	}
	o = options(time.Minute)
	o.Empty = evil
	if svg := render(t, o); strings.Contains(svg, "<script") || !strings.Contains(svg, "&lt;script&gt;") {
		t.Error(svg)
	}
}

// TestNoValues checks that a chart without values shows a text instead of axes.
func TestNoValues(t *testing.T) {
	nothing := math.NaN()
	for name, o := range map[string]Options{
		"no steps": options(time.Minute), "gaps": options(time.Minute, nothing, nothing), "infinite": options(time.Minute, math.Inf(1)),
		"no series": {ID: "calls", Times: []time.Time{evening}, Step: time.Minute, Empty: "There was no call."},
	} {
		if svg := render(t, o); !strings.Contains(svg, `<p class="empty">There was no call.</p>`) || strings.Contains(svg, "<svg") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

// TestPaths checks the lines, areas and dots of series with gaps.
func TestPaths(t *testing.T) {
	gap := math.NaN()
	for _, test := range []struct {
		values           []float64
		line, area, dots string
	}{
		{[]float64{10}, "M500 0", "M500 150L500 0L500 150Z", "M500 0h0"},
		{[]float64{0}, "M500 150", "M500 150L500 150L500 150Z", "M500 150h0"},
		{[]float64{5, 10}, "M250 75L750 0", "M250 150L250 75L750 0L750 150Z", ""},
		{[]float64{5, gap, 10, 0, gap}, "M100 75M500 0L700 150", "M100 150L100 75L100 150ZM500 150L500 0L700 150L700 150Z", "M100 75h0"},
	} {
		o := options(time.Minute, test.values...)
		if o.Whole = true; slices.Equal(test.values, []float64{0}) {
			o.Fit = true
		}
		d := draw(o)
		line, area, dots := d.paths(o.Series[0])
		if line != test.line || area != test.area || dots != test.dots {
			t.Errorf("%v: line %s, area %s, dots %s", test.values, line, area, dots)
		}
	}
	short := options(time.Minute, 1, 2, 3)
	short.Series = []Series{{"short", []float64{3}}, {"long", []float64{3, 3, 3, 9}}}
	if line, _, _ := draw(short).paths(short.Series[1]); strings.Count(line, "L") != 2 {
		t.Errorf("more values than steps: %s", line)
	}
	if strings.Count(render(t, short), `<rect class="step"`) != 3 {
		t.Error("not one place for the pointer in each step")
	}
}

// TestValueTicks checks the labels of the axis of values.
func TestValueTicks(t *testing.T) {
	for _, test := range []struct {
		lo, hi     float64
		fit, whole bool
		want       string
	}{
		{0, 0, false, true, "0 1"},
		{0, 0, false, false, "0 0.5"},
		{1, 1, false, true, "0 1"},
		{3, 3, true, true, "3 4"},
		{0, 0.034, false, false, "0 0.01 0.02 0.03 0.04"},
		{2, 7, false, false, "0 2 4 6 8"},
		{0, 999, false, true, "0 500 1k"},
		{0, 1001, false, true, "0 500 1k 1.5k"},
		{0, 1_200_000, false, true, "0 500k 1M 1.5M"},
		{0, 87_654_321_000, false, true, "0 50G 100G"},
		{0, 3e15, false, true, "0 1000T 2000T 3000T"},
		{10_203_400, 10_203_401, true, true, "10.202M 10.204M"},
		{10_200_000, 10_450_000, true, true, "10.2M 10.3M 10.4M 10.5M"},
		{1_000_000_000, 1_000_000_000, true, true, "1G 1.0002G"},
		{-5, 5, true, true, "-5 0 5"},
	} {
		o := options(time.Minute, test.lo, test.hi)
		o.Fit, o.Whole = test.fit, test.whole
		d := draw(o)
		var labels []string
		for _, v := range d.values {
			labels = append(labels, d.tick(v))
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("%v to %v: %s, want %s", test.lo, test.hi, got, test.want)
		}
	}
}

// TestTicksContainValues checks any ranges: values are between the first and the last line
// of the grid, there are 2 to 6 lines, and their labels differ.
func TestTicksContainValues(t *testing.T) {
	for e := -3; e < 13; e++ {
		for i := range 200 {
			lo := math.Pow(10, float64(e)) * float64(i%17)
			hi := lo + math.Pow(10, float64(e))*float64(i)/7
			o := options(time.Minute, lo, hi)
			o.Fit = i%2 == 0
			d := draw(o)
			labels := map[string]bool{}
			for _, v := range d.values {
				labels[d.tick(v)] = true
			}
			first, last := d.values[0], d.values[len(d.values)-1]
			if first > lo || last < hi*(1-1e-9) || len(d.values) > 6 || len(labels) != len(d.values) || len(labels) < 2 {
				t.Errorf("%v to %v: %v, labels %v", lo, hi, d.values, labels)
			}
		}
	}
}

func TestTimeTicks(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skip("this machine has no time zones")
	}
	for _, test := range []struct {
		from time.Time
		span time.Duration
		in   *time.Location
		want string
	}{
		{evening, time.Minute, time.UTC, "22:50 22:51"},
		{evening.Add(3 * time.Minute), 61 * time.Minute, time.UTC, "23:00 23:10 23:20 23:30 23:40 23:50"},
		{evening, 2 * time.Hour, time.UTC, "23:00 23:30 Nov 29 00:30"},
		{evening, 7*24*time.Hour + time.Hour, time.UTC, "Nov 29 Nov 30 Dec 1 Dec 2 Dec 3 Dec 4 Dec 5"},
		{evening, 14 * 24 * time.Hour, time.UTC, "Nov 30 Dec 2 Dec 4 Dec 6 Dec 8 Dec 10 Dec 12"},
		{evening, 30 * 24 * time.Hour, paris, "Dec 3 Dec 8 Dec 13 Dec 18 Dec 23 Dec 28"},
		{time.Date(2026, 10, 23, 0, 0, 0, 0, paris), 5 * 24 * time.Hour, paris, "Oct 23 Oct 24 Oct 25 Oct 26 Oct 27"},
		{evening, 5 * 365 * 24 * time.Hour, time.UTC, ""},
	} {
		d := draw(Options{Location: test.in})
		var labels []string
		for _, tick := range timeTicks(test.from, test.from.Add(test.span), test.in) {
			label, _ := d.label(tick)
			labels = append(labels, label)
		}
		if got := strings.Join(labels, " "); test.want != "" && got != test.want {
			t.Errorf("%v: %s, want %s", test.span, got, test.want)
		}
		if len(labels) > 61 {
			t.Errorf("%v: %d labels", test.span, len(labels))
		}
	}
}

// TestSeries checks the colours and the legend.
func TestSeries(t *testing.T) {
	o := options(time.Minute, 1, 2)
	if svg := render(t, o); strings.Contains(svg, "legend") || !strings.Contains(svg, `class="area c1"`) {
		t.Error("a chart of one series has a legend, or no area")
	}
	for i := range 7 {
		o.Series = append(o.Series, Series{fmt.Sprint("series ", i), []float64{1, 2}})
	}
	svg := render(t, o)
	var lines []string
	for _, m := range regexp.MustCompile(`<path class="line (c\d)"`).FindAllStringSubmatch(svg, -1) {
		lines = append(lines, m[1])
	}
	if diff := cmp.Diff(strings.Fields("c1 c2 c3 c4 c5 c6 c6 c6"), lines); diff != "" || strings.Contains(svg, "area") || !strings.Contains(svg, "series 6</li>") {
		t.Errorf("lines %v", lines)
	}
}
