// Package progress shows how far a long command is: as a bar on a terminal, and as JSON
// lines elsewhere, for logs and scripts.
package progress

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Intervals between two updates.
const (
	redraw    = 200 * time.Millisecond // of the bar
	everyLine = 5 * time.Second        // of JSON lines, unless Options say otherwise
)

// Options describe a progress.
type Options struct {
	Verb     string           // what the command does, such as "importing"
	Unit     string           // what it counts, in the plural, such as "rows"
	Terminal bool             // draw a bar; otherwise write JSON lines
	Quiet    bool             // show nothing
	Every    time.Duration    // between JSON lines; 0 for five seconds
	Now      func() time.Time // nil for the time of day
}

// A State says how far a command is.
type State struct {
	Bytes, TotalBytes     int64 // of the input; TotalBytes is 0 if it is unknown
	Rows, Failed, Retries int64
	Note                  string // what holds the command back; empty for nothing
}

// A Bar shows the progress of one command. Its methods are safe for concurrent use.
type Bar struct {
	o Options
	w io.Writer

	mu    sync.Mutex
	state State
	pace  pace

	bar  *mpb.Bar      // nil without a terminal
	bars *mpb.Progress // of bar
	quit chan struct{} // ends the JSON lines
	done sync.WaitGroup
}

// New returns a Bar that writes to w until Close.
func New(w io.Writer, o Options) *Bar {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Every == 0 {
		o.Every = everyLine
	}
	b := &Bar{o: o, w: w, quit: make(chan struct{})}
	b.pace.start = o.Now()
	switch {
	case o.Quiet:
	case o.Terminal:
		b.draw()
	default:
		b.done.Go(b.lines)
	}
	return b
}

// Set replaces the state. It costs little, so callers can set each batch.
func (b *Bar) Set(s State) {
	b.mu.Lock()
	b.state = s
	b.pace.add(b.o.Now(), s)
	b.mu.Unlock() // the bar waits for its texts, which need the lock
	if b.bar != nil && s.TotalBytes > 0 {
		b.bar.SetTotal(s.TotalBytes+1, false) // the bar must not complete itself before Close
		b.bar.SetCurrent(min(s.Bytes, s.TotalBytes))
	}
}

// Above runs write, whose lines appear above the bar.
func (b *Bar) Above(write func(io.Writer)) {
	if b.bars != nil {
		write(b.bars)
		return
	}
	write(b.w)
}

// Close removes the bar. The caller prints its summary after it. No other method may be
// called after Close.
func (b *Bar) Close() {
	close(b.quit)
	b.done.Wait()
	if b.bars != nil {
		b.bar.Abort(true)
		b.bars.Wait()
	}
}

// draw starts the bar.
func (b *Bar) draw() {
	b.bars = mpb.New(mpb.WithOutput(b.w), mpb.WithRefreshRate(redraw), mpb.ForceAutoRefresh(), mpb.ForceTTY())
	b.bar = b.bars.AddBar(0, mpb.BarWidth(20), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(b.before)), mpb.AppendDecorators(decor.Any(b.after)))
}

func (b *Bar) before(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return textBefore(b.o, b.state)
}

func (b *Bar) after(decor.Statistics) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return textAfter(b.o, b.state, b.pace.report(b.o.Now(), b.state))
}

// lines writes a JSON line now and then.
func (b *Bar) lines() {
	ticker := time.NewTicker(b.o.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.mu.Lock()
			line := lineOf(b.o, b.state, b.pace.report(b.o.Now(), b.state))
			b.mu.Unlock()
			_, _ = b.w.Write(line) // progress is no result: a closed log does not end the command
		case <-b.quit:
			return
		}
	}
}
