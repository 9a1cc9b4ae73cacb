package progress

import "time"

// The window over which rates are measured. It is long enough to smooth pauses between
// batches, and short enough to follow a change of a limit.
const (
	window    = 20 * time.Second
	sampleGap = 500 * time.Millisecond
)

// stalled is the time without progress after which there is no forecast.
const stalled = 5 * time.Second

// A pace measures the rates of the recent past. Its first sample is the first state, so a
// resumed command does not count what an earlier one has done.
type pace struct {
	start   time.Time
	samples []sample  // oldest first
	moved   time.Time // of the last state with more bytes than the one before
	bytes   int64     // of it
}

type sample struct {
	at          time.Time
	rows, bytes int64
}

// add records a state. Samples that are older than the window go.
func (p *pace) add(now time.Time, s State) {
	next := sample{now, s.Rows, s.Bytes}
	if s.Bytes > p.bytes || len(p.samples) == 0 {
		p.moved, p.bytes = now, s.Bytes
	}
	if n := len(p.samples); n > 1 && now.Sub(p.samples[n-2].at) < sampleGap {
		p.samples[n-1] = next
	} else {
		p.samples = append(p.samples, next)
	}
	for len(p.samples) > 2 && now.Sub(p.samples[1].at) >= window {
		p.samples = p.samples[1:]
	}
}

// A report contains what a pace knows at one time.
type report struct {
	elapsed time.Duration
	rate    float64       // rows per second
	eta     time.Duration // until the end; 0 if it is unknown
}

// report returns the rates until now. The time since the last state counts, so the rate of
// a command that waits falls.
func (p *pace) report(now time.Time, s State) report {
	r := report{elapsed: now.Sub(p.start)}
	if len(p.samples) == 0 {
		return r
	}
	first := p.samples[0]
	seconds := now.Sub(first.at).Seconds()
	if seconds <= 0 {
		return r
	}
	r.rate = float64(s.Rows-first.rows) / seconds
	left, perSecond := float64(s.TotalBytes-s.Bytes), float64(s.Bytes-first.bytes)/seconds
	if left > 0 && perSecond > 0 && now.Sub(p.moved) < stalled {
		r.eta = durationOf(left / perSecond)
	}
	return r
}

// maxETA is the longest time that is shown. A longer one is no forecast.
const maxETA = 1000 * time.Hour

func durationOf(seconds float64) time.Duration {
	return time.Duration(min(seconds, maxETA.Seconds()) * float64(time.Second))
}
