package figures

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Days is the number of days that can be read, with today.
const Days = 30

// dateForm is the form of dates in records.
const dateForm = "20060102"

// A Day contains what happened in an app on a day of its zone. For today it is what has
// happened so far.
type Day struct {
	Date     time.Time // begin of the day
	Created  int64     // accounts
	Deleted  int64     // accounts
	Accounts int64     // that existed at the end of the day; 0 before the app was created
	Logins   int64     // of devices
	Users    int64     // different accounts that logged in
	Online   int64     // largest number of accounts that were online at once
	Sent     int64     // webhooks, each attempt
	Answered int64     // of them, those with a response of success
}

// ReadDays returns the last days of an app, oldest first, with those on which nothing
// happened. The last one is today.
func (f *Figures) ReadDays(ctx context.Context, app *account.App) ([]Day, error) {
	if err := f.lockStored(ctx); err != nil {
		return nil, err
	}
	defer f.stored.RUnlock()
	f.noteOnline(app.ID)
	dates := lastDays(f.o.Now().In(app.Zone()))
	stored, err := f.storedDays(ctx, app.ID)
	if err != nil {
		return nil, err
	}
	waiting, days := f.waitingDays(app), make([]Day, Days)
	for i, date := range dates {
		r := dayReader{f: f, app: app.ID, date: date.Format(dateForm), today: i == Days-1}
		r.stored, r.waiting = stored[r.date], waiting[r.date]
		if days[i], err = r.read(ctx); err != nil {
			return nil, err
		}
		days[i].Date = date
	}
	if days[Days-1].Accounts, err = f.o.Apps.Count(ctx, app.ID); err != nil {
		return nil, err
	}
	fillAccounts(days, countBefore(stored, dates[0].Format(dateForm)), app.Created)
	return days, nil
}

// storedDays returns the days of an app that are in the store, by their dates: one for each
// node. There are more than can be read, because figures are kept for longer.
func (f *Figures) storedDays(ctx context.Context, app account.AppID) (map[string][]records.StoredFigureDay, error) {
	stored := map[string][]records.StoredFigureDay{}
	err := f.o.Records.FigureDays(ctx, app, "", func(d records.StoredFigureDay) {
		stored[d.Date] = append(stored[d.Date], d)
	})
	return stored, err
}

// lockStored locks stored for a reader. A call of the account API has less time than a flush
// to a store that hangs, so it must not wait for the flush until its end.
func (f *Figures) lockStored(ctx context.Context) error {
	for !f.stored.TryRLock() {
		select {
		case <-ctx.Done():
			return account.Ended(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// lastDays returns the begins of the last days, oldest first. The last one is that of now.
func lastDays(now time.Time) []time.Time {
	y, m, d := now.Date()
	dates := make([]time.Time, Days)
	for i := range dates {
		date := time.Date(y, m, d+i-Days+1, 0, 0, 0, 0, time.UTC) // a zone may have no midnight on it
		dates[i] = dayBegin(date, now.Location())
	}
	return dates
}

// dayBegin returns the begin of the date of t in a zone. It is the change of the clocks if
// they skip midnight.
func dayBegin(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.Date()
	begin := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if begin.Day() != d { // still the day before
		_, begin = begin.ZoneBounds()
	}
	return begin
}

// waitingDays returns the days of what is not stored yet, by their dates.
func (f *Figures) waitingDays(app *account.App) map[string]*records.FigureDay {
	f.mu.Lock()
	defer f.mu.Unlock()
	days, by := daysOf(f.slots[app.ID], app.Zone()), map[string]*records.FigureDay{}
	for i := range days {
		by[days[i].Date] = &days[i]
	}
	return by
}

// daysOf sums up slots by the days of a zone. The days share no memory with the slots.
func daysOf(list []*slot, zone *time.Location) (days []records.FigureDay) {
	by := map[string]*slot{}
	var dates []string
	for _, s := range list {
		t := time.Unix(s.Start*60, 0).In(zone)
		date := t.Format(dateForm)
		if by[date] == nil {
			by[date] = &slot{FigureSlot: records.FigureSlot{Start: minuteOf(dayBegin(t, zone))}}
			dates = append(dates, date)
		}
		by[date].add(s)
	}
	for _, date := range dates {
		days = append(days, records.FigureDay{FigureSlot: by[date].FigureSlot, Date: date, LoggedIn: by[date].users})
	}
	return days
}

// A dayReader reads a day.
type dayReader struct {
	f       *Figures
	app     account.AppID
	date    string
	today   bool
	stored  []records.StoredFigureDay // one for each node
	waiting *records.FigureDay        // nil is none
}

func (r *dayReader) read(ctx context.Context) (Day, error) {
	var sum records.FigureSlot
	for i := range r.stored {
		sum.Add(&r.stored[i].FigureSlot)
	}
	if r.waiting != nil {
		sum.Add(&r.waiting.FigureSlot)
	}
	day := Day{
		Accounts: accountsOf(&sum), Created: sum.Created, Deleted: sum.Deleted, Logins: sum.Logins, Online: sum.Online, Sent: sum.Sent, Answered: sum.Answered,
	}
	var err error
	day.Users, err = r.users(ctx)
	return day, err
}

// users returns the number of accounts that logged in. It reads the set of them only if they
// logged in at several places.
func (r *dayReader) users(ctx context.Context) (int64, error) {
	waiting := roaring64.New()
	if r.waiting != nil && r.waiting.LoggedIn != nil {
		waiting = r.waiting.LoggedIn
	}
	if len(r.stored) == 0 {
		return int64(waiting.GetCardinality()), nil
	}
	if len(r.stored) == 1 && waiting.IsEmpty() {
		return r.stored[0].Users, nil
	}
	state := r.state()
	known, ok := r.f.users.get(r.app, r.date, state)
	if !ok || known.set == nil && !waiting.IsEmpty() {
		set, err := r.f.o.Records.FigureUsers(ctx, r.app, r.date)
		if err != nil {
			return 0, err
		}
		known = knownUsers{state: state, n: int64(set.GetCardinality()), set: set}
		r.f.users.put(r.app, r.date, known, r.today)
	}
	if waiting.IsEmpty() {
		return known.n, nil
	}
	return int64(known.set.OrCardinality(waiting)), nil
}

// state returns a text that differs after each change of what is stored of the day.
func (r *dayReader) state() string {
	var b strings.Builder
	for i := range r.stored {
		fmt.Fprintf(&b, "%s %d,", r.stored[i].Node, r.stored[i].Version)
	}
	return b.String()
}
