package figures

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

const (
	// keepDays is the number of days for which figures are kept.
	keepDays = 31

	// flushTimeout bounds one flush. Slots that are not stored in time remain for the next
	// one.
	flushTimeout = 10 * time.Second

	// endTimeout bounds the last flush, so that a store that hangs does not hold up the end
	// of the server.
	endTimeout = 3 * time.Second

	dayMinutes = 24 * 60
)

// Run stores the counts once a minute until ctx ends, and then once more.
func (f *Figures) Run(ctx context.Context) error {
	var counts sync.WaitGroup
	if f.o.Shared {
		counts.Go(func() { f.runCounts(ctx) })
	}
	defer counts.Wait()
	last := ""
	for {
		now := f.o.Now()
		timer := time.NewTimer(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			f.warn(f.flushLast(context.WithoutCancel(ctx)), &last)
			return nil
		case <-timer.C:
		}
		f.warn(f.store(ctx), &last)
	}
}

func (f *Figures) flushLast(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	err := f.countAccounts(ctx, minuteOf(f.o.Now()))
	return errors.Join(err, f.Flush(ctx))
}

// store stores the counts and does what is due once an hour and once a day. It runs at the
// begin of a minute, so the number of accounts is that at the end of the minute before.
func (f *Figures) store(ctx context.Context) error {
	err := f.countAccounts(ctx, minuteOf(f.o.Now())-1)
	return errors.Join(err, f.Flush(ctx), f.prune(ctx))
}

// warn logs an error once, as long as it stays the same.
func (f *Figures) warn(err error, last *string) {
	text := ""
	if err != nil && !errors.Is(err, context.Canceled) {
		text = err.Error()
	}
	if text != "" && text != *last {
		f.o.Logger.Warn("figures were not stored; the server keeps them in memory and tries again as long as it runs", slog.String("err", text))
	}
	*last = text
}

// countAccounts counts the accounts of apps in which some were created or deleted, and once
// an hour those of all apps. The numbers are those at the end of a minute.
func (f *Figures) countAccounts(ctx context.Context, minute int64) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	hour := minuteOf(f.o.Now()) / 60
	hourly := hour != f.hour
	changed := f.changed()
	if !hourly && !changed[all] {
		return nil
	}
	apps, err := f.o.Apps.Apps(ctx)
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, a := range apps {
		n, err := f.o.Apps.Count(ctx, a.ID)
		if account.CodeOf(err) == account.NoApp { // deleted meanwhile
			continue
		}
		if err != nil {
			return err
		}
		sum += n
		if hourly || changed[a.ID] {
			f.counted(a.ID, n, minute)
		}
		if hourly {
			f.noteOnline(a.ID)
		}
	}
	f.counted(all, sum, minute)
	f.hour = hour
	return nil
}

// changed returns the apps in which accounts were created or deleted.
func (f *Figures) changed() map[account.AppID]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	apps := map[account.AppID]bool{}
	for app, list := range f.slots {
		if slices.ContainsFunc(list, func(s *slot) bool { return s.Created+s.Deleted > 0 }) {
			apps[app] = true
		}
	}
	return apps
}

// counted notes the number of accounts of an app at the end of a minute. Its slot
// may be an older one, because the next minute counts already.
func (f *Figures) counted(app account.AppID, n, minute int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.slots[app]
	i, ok := slices.BinarySearchFunc(list, minute, func(s *slot, minute int64) int { return cmp.Compare(s.Start, minute) })
	if !ok {
		list = slices.Insert(list, i, &slot{FigureSlot: records.FigureSlot{Start: minute}})
	}
	list[i].Accounts = &records.FigureCount{At: minute, N: n}
	f.slots[app] = bounded(list)
}

// Flush adds the counts to the store. It keeps those that were not stored, and does not
// store those of an app that does not exist any more.
func (f *Figures) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	f.stored.Lock()
	defer f.stored.Unlock()
	taken := f.take()
	apps, err := f.apps(ctx) // read later than taken, so that an app that is missing was deleted
	if err != nil {
		f.restore(taken)
		return err
	}
	maps.DeleteFunc(taken, func(app account.AppID, _ []*slot) bool { return app != all && apps[app] == nil })
	var errs []error
	for chunk := range chunks(taken) {
		errs = append(errs, f.flush(ctx, chunk, apps))
	}
	return errors.Join(errs...)
}

// flush adds slots to the store in one commit, or keeps them in memory if they are not stored.
// Slots whose outcome is unknown are dropped, so that nothing is counted twice.
func (f *Figures) flush(ctx context.Context, chunk map[account.AppID][]*slot, apps map[account.AppID]*account.App) error {
	adds, err := f.additions(ctx, chunk, apps)
	if err != nil {
		f.restore(chunk)
		return err
	}
	err = f.o.Records.AddFigures(ctx, f.o.Node, adds)
	if err != nil && account.CodeOf(err) != account.Unknown {
		f.restore(chunk)
	}
	return err
}

// additions returns what slots add to the store. It adds accounts that are too many for the
// same commit at once. If that fails, even with an unknown outcome, the slots can be added
// again, because an account is in a set once.
func (f *Figures) additions(ctx context.Context, chunk map[account.AppID][]*slot, apps map[account.AppID]*account.App) (map[account.AppID]records.AppFigures, error) {
	adds := map[account.AppID]records.AppFigures{}
	for app, list := range chunk {
		var add records.AppFigures
		for _, s := range list {
			add.Slots = append(add.Slots, &s.FigureSlot)
		}
		if app != all {
			add.Days = daysOf(list, apps[app].Zone())
		}
		for i := range add.Days {
			if err := f.addUsers(ctx, app, &add.Days[i]); err != nil {
				return nil, err
			}
		}
		adds[app] = add
	}
	return adds, nil
}

// addUsers adds accounts of d to the store until the rest of them is few enough for a commit
// with other figures.
func (f *Figures) addUsers(ctx context.Context, app account.AppID, d *records.FigureDay) error {
	const some = records.MaxFigureUsers / (2 * records.MaxFigureApps) // days of an app, over midnight
	for d.LoggedIn != nil && d.LoggedIn.GetCardinality() > some {
		part := roaring64.New()
		ids := make([]uint64, records.MaxFigureUsers)
		part.AddMany(ids[:d.LoggedIn.ManyIterator().NextMany(ids)])
		only := records.FigureDay{Date: d.Date, FigureSlot: records.FigureSlot{Start: d.Start}, LoggedIn: part}
		err := f.o.Records.AddFigures(ctx, f.o.Node, map[account.AppID]records.AppFigures{app: {Days: []records.FigureDay{only}}})
		if err != nil {
			return err
		}
		d.LoggedIn = roaring64.AndNot(d.LoggedIn, part)
	}
	return nil
}

// apps returns the apps that exist, by their ids.
func (f *Figures) apps(ctx context.Context) (map[account.AppID]*account.App, error) {
	list, err := f.o.Apps.Apps(ctx)
	if err != nil {
		return nil, err
	}
	by := map[account.AppID]*account.App{}
	for _, a := range list {
		by[a.ID] = a
	}
	return by, nil
}

// take removes the slots from memory and returns them.
func (f *Figures) take() map[account.AppID][]*slot {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := f.slots
	f.slots = map[account.AppID][]*slot{}
	return taken
}

// chunks returns parts of taken that fit into a commit.
func chunks(taken map[account.AppID][]*slot) func(yield func(map[account.AppID][]*slot) bool) {
	return func(yield func(map[account.AppID][]*slot) bool) {
		chunk := map[account.AppID][]*slot{}
		for app, list := range taken {
			chunk[app] = list
			if len(chunk) < records.MaxFigureApps {
				continue
			}
			if !yield(chunk) {
				return
			}
			chunk = map[account.AppID][]*slot{}
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}

// restore returns slots to memory.
func (f *Figures) restore(chunk map[account.AppID][]*slot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for app, old := range chunk {
		for _, s := range f.slots[app] { // counted after old, perhaps in its last minute
			if last := old[len(old)-1]; s.Start <= last.Start {
				last.add(s)
			} else {
				old = append(old, s)
			}
		}
		f.slots[app] = bounded(old)
	}
}

// prune removes figures that are too old, and those of apps that do not exist, once a day.
func (f *Figures) prune(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	minute := minuteOf(f.o.Now())
	if minute/dayMinutes == f.pruned {
		return nil
	}
	apps, err := f.apps(ctx)
	if err != nil {
		return err
	}
	err = f.o.Records.PruneFigures(ctx, minute-keepDays*dayMinutes, func(app account.AppID) bool { return app == all || apps[app] != nil })
	if err == nil {
		f.pruned = minute / dayMinutes
	}
	return err
}

// Forget removes the figures of an app that was deleted. It is a directory's Sink. What it
// leaves is removed within a day.
func (f *Figures) Forget(e account.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	f.stored.Lock()
	defer f.stored.Unlock()
	f.mu.Lock()
	delete(f.slots, e.App)
	f.mu.Unlock()
	f.users.drop(e.App)
	if err := f.o.Records.RemoveFigures(ctx, e.App); err != nil {
		f.o.Logger.Warn("the figures of a deleted app were not removed; the server tries again within a day",
			slog.Uint64("app", uint64(e.App)), slog.String("err", err.Error()))
	}
}
