package figures

import (
	"context"
	"time"

	"rollcall/internal/account"
)

// Servers that share a store count the accounts that are online now and then, because each of
// them knows only its own changes. One of them reads all login sessions every countEvery
// minutes. A server that has its store for itself counts with each change.
const (
	countEvery   = 5
	countTimeout = 2 * time.Minute
)

// noteOnline counts the accounts of an app that are online in this minute, so that an hour
// without a change has them, too.
func (f *Figures) noteOnline(app account.AppID) {
	if n, ok := f.o.Records.TakeOnline(app); ok {
		f.online(app, n)
	}
}

// online counts n accounts that are online at once in this minute.
func (f *Figures) online(app account.AppID, n int64) {
	minute := minuteOf(f.o.Now())
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > 0 {
		s := f.slot(app, minute)
		s.Online = max(s.Online, n)
	}
}

// runCounts counts the accounts that are online in a shared store until ctx ends.
func (f *Figures) runCounts(ctx context.Context) {
	ticks := time.NewTicker(time.Minute)
	defer ticks.Stop()
	last := ""
	for {
		f.warn(f.CountOnline(ctx), &last)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// CountOnline counts the accounts that are online in a shared store if it is the turn of this
// server.
func (f *Figures) CountOnline(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	mine, err := f.o.Records.ClaimOnline(ctx, minuteOf(f.o.Now()), countEvery)
	if err != nil || !mine {
		return err
	}
	counts, err := f.o.Records.CountOnline(ctx)
	if err != nil {
		return err
	}
	for app, n := range counts {
		f.online(app, n)
	}
	return nil
}
