package records

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/internal/account"
)

// A FigureSlot contains what happened in an app within one minute or one hour on one
// node. A slot of app 0 is that of the whole node.
type FigureSlot struct {
	Start    int64         `json:"t"`            // first minute, as Unix time in minutes
	Calls    int64         `json:"n,omitzero"`   // of the account API
	Failed   int64         `json:"f,omitzero"`   // calls with a code other than 0
	Limited  int64         `json:"l,omitzero"`   // calls that a rate limit has refused
	Shadowed int64         `json:"s,omitzero"`   // calls over a rate limit that were served
	Codes    map[int]int64 `json:"c,omitempty"`  // failed calls by code
	Created  int64         `json:"a,omitzero"`   // accounts
	Deleted  int64         `json:"d,omitzero"`   // accounts
	TookUS   int64         `json:"us,omitzero"`  // duration of all calls, in microseconds
	MaxUS    int64         `json:"max,omitzero"` // duration of the longest call
	Accounts *FigureCount  `json:"acc,omitempty"`
	Logins   int64         `json:"li,omitzero"` // of devices
	Online   int64         `json:"on,omitzero"` // largest number of accounts of the app that were online at once, on all nodes
	Sent     int64         `json:"ws,omitzero"` // webhooks, each attempt
	Answered int64         `json:"wa,omitzero"` // of them, those with a response of success
	Users    int64         `json:"lu,omitzero"` // different accounts that logged in; only in the slot of a day
}

// A FigureCount is the number of accounts of an app at a time.
type FigureCount struct {
	At int64 `json:"t"` // Unix time in minutes
	N  int64 `json:"n"`
}

// Limits of figures.
const (
	// MaxFigureCodes is the largest number of codes that a slot tells apart. Further ones
	// are counted under OtherCode.
	MaxFigureCodes = 64

	// OtherCode is the code of calls whose own code has no place in a slot.
	OtherCode = -1

	// FigureMinutes is the number of minutes that are kept of a node.
	FigureMinutes = 61

	// MaxFigureApps is the largest number of apps of [Registry.AddFigures], and
	// MaxFigureUsers the largest number of accounts of all days together.
	MaxFigureApps  = 5
	MaxFigureUsers = 1 << 18
)

// AddCode counts n failed calls with a code.
func (s *FigureSlot) AddCode(code int, n int64) {
	if s.Codes == nil {
		s.Codes = map[int]int64{}
	}
	if _, ok := s.Codes[code]; !ok && s.full() {
		code = OtherCode
	}
	s.Codes[code] += n
}

// full reports whether s has no place for a further code.
func (s *FigureSlot) full() bool {
	n := len(s.Codes)
	if _, ok := s.Codes[OtherCode]; ok {
		n--
	}
	return n >= MaxFigureCodes
}

// Add adds the figures of other, and leaves the Start of s. MaxUS, Online and Users become
// the larger number, and Accounts the later one. Users of a node are the size of its set, which
// only grows. Those of several nodes cannot be added up, because an account may be in several
// sets; see [Registry.FigureUsers].
func (s *FigureSlot) Add(other *FigureSlot) {
	s.Calls += other.Calls
	s.Failed += other.Failed
	s.Limited += other.Limited
	s.Shadowed += other.Shadowed
	s.Created += other.Created
	s.Deleted += other.Deleted
	s.TookUS += other.TookUS
	s.MaxUS = max(s.MaxUS, other.MaxUS)
	s.Logins += other.Logins
	s.Online = max(s.Online, other.Online)
	s.Sent += other.Sent
	s.Answered += other.Answered
	s.Users = max(s.Users, other.Users)
	for _, code := range slices.Sorted(maps.Keys(other.Codes)) {
		s.AddCode(code, other.Codes[code])
	}
	if a := other.Accounts; a != nil && (s.Accounts == nil || a.At >= s.Accounts.At) {
		s.Accounts = &FigureCount{a.At, a.N}
	}
}

// figureSlots is the value of a record of figures: slots in the order of their starts.
type figureSlots struct {
	Slots []*FigureSlot `json:"slots"`
}

// add adds slot to the one that begins at start, which add creates if necessary.
func (f *figureSlots) add(slot *FigureSlot, start int64) {
	i, ok := slices.BinarySearchFunc(f.Slots, start, func(s *FigureSlot, start int64) int { return cmp.Compare(s.Start, start) })
	if !ok {
		f.Slots = slices.Insert(f.Slots, i, &FigureSlot{Start: start})
	}
	f.Slots[i].Add(slot)
}

// cut removes the slots that are too old beside the newest one.
func (f *figureSlots) cut() {
	newest := f.Slots[len(f.Slots)-1].Start
	f.Slots = slices.DeleteFunc(f.Slots, func(s *FigureSlot) bool { return s.Start <= newest-FigureMinutes })
}

// Keys of figures are the key of an app, a letter and more; see [kindFigures].
func figureHours(app account.AppID) string   { return appPrefix(app) + "h/" }
func figureMinutes(app account.AppID) string { return appPrefix(app) + "m/" }

// figureDay returns the name of the day of a minute in a key, in UTC.
func figureDay(minute int64) string {
	return time.Unix(minute*60, 0).UTC().Format("20060102")
}

// hourOf returns the first minute of the hour of a minute.
func hourOf(minute int64) int64 { return minute - minute%60 }

// AppFigures are figures of an app to add.
type AppFigures struct {
	Slots []*FigureSlot // of minutes
	Days  []FigureDay   // each with another date
}

// AddFigures adds figures to what the store knows of a node, in one commit. The number of
// apps is at most [MaxFigureApps], and that of accounts at most [MaxFigureUsers]. After an
// error with Code Unknown, the figures may be stored.
func (r *Registry) AddFigures(ctx context.Context, node string, apps map[account.AppID]AppFigures) error {
	for {
		c := figureCommit{r: r, values: map[string]*figureSlots{}, versions: map[string]uint64{}}
		for app, f := range apps {
			if err := c.add(ctx, app, node, f); err != nil {
				return err
			}
		}
		_, err := r.e.Commit(ctx, account.Commit{Writes: c.writes()})
		if account.CodeOf(err) != account.Stale { // otherwise another server has the name of this node
			return err
		}
	}
}

// A figureCommit collects the records that a commit changes.
type figureCommit struct {
	r        *Registry
	values   map[string]*figureSlots // by key
	versions map[string]uint64       // by key
	users    []account.Write
}

func (c *figureCommit) add(ctx context.Context, app account.AppID, node string, f AppFigures) error {
	for _, s := range f.Slots {
		hours, err := c.value(ctx, figureHours(app)+figureDay(s.Start)+"/"+node)
		if err != nil {
			return err
		}
		hours.add(s, hourOf(s.Start))
		minutes, err := c.value(ctx, figureMinutes(app)+node)
		if err != nil {
			return err
		}
		minutes.add(s, s.Start)
		minutes.cut()
	}
	for i := range f.Days {
		if err := c.addDay(ctx, app, node, &f.Days[i]); err != nil {
			return err
		}
	}
	return nil
}

// value returns the value of the record with that key, which may be new.
func (c *figureCommit) value(ctx context.Context, key string) (*figureSlots, error) {
	if v := c.values[key]; v != nil {
		return v, nil
	}
	v := new(figureSlots)
	rec, err := c.r.e.Record(ctx, kindFigures, key)
	switch {
	case account.CodeOf(err) == account.NoRecord:
	case err != nil:
		return nil, err
	default:
		if v, err = decode[figureSlots](rec.Value); err != nil {
			return nil, damaged(kindFigures, key, err)
		}
	}
	c.values[key], c.versions[key] = v, rec.Version
	return v, nil
}

func (c *figureCommit) writes() (ws []account.Write) {
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		ws = append(ws, account.Write{Kind: kindFigures, Key: key, Value: encode(c.values[key]), If: c.versions[key]})
	}
	return append(ws, c.users...)
}

// FigureHours calls each with the slots of hours of an app on all nodes, from the day of a
// minute on. Their order is not defined.
func (r *Registry) FigureHours(ctx context.Context, app account.AppID, from int64, each func(*FigureSlot)) error {
	prefix := figureHours(app)
	return r.figures(ctx, account.RecordQuery{Prefix: prefix, After: prefix + figureDay(from)}, each)
}

// FigureMinutes calls each with the slots of the newest minutes of an app on all nodes.
// Their order is not defined.
func (r *Registry) FigureMinutes(ctx context.Context, app account.AppID, each func(*FigureSlot)) error {
	return r.figures(ctx, account.RecordQuery{Prefix: figureMinutes(app)}, each)
}

// figurePage is the number of records of figures that are read at once. A record has
// seldom more than some 100 KB.
const figurePage = 50

func (r *Registry) figures(ctx context.Context, q account.RecordQuery, each func(*FigureSlot)) error {
	return r.figureRecords(ctx, q, func(rec account.Record) (bool, error) {
		v, err := decode[figureSlots](rec.Value)
		if err != nil {
			return false, damaged(kindFigures, rec.Key, err)
		}
		for _, s := range v.Slots {
			each(s)
		}
		return true, nil
	})
}

// figureRecords calls fn with the records that q selects until fn returns false.
func (r *Registry) figureRecords(ctx context.Context, q account.RecordQuery, fn func(account.Record) (more bool, err error)) error {
	for q.Kind, q.Limit = kindFigures, figurePage; ; {
		page, err := r.e.Records(ctx, q)
		if err != nil {
			return err
		}
		for _, rec := range page.Records {
			if more, err := fn(rec); err != nil || !more {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// RemoveFigures removes the figures of an app.
func (r *Registry) RemoveFigures(ctx context.Context, app account.AppID) error {
	return r.removeFigures(ctx, appPrefix(app), func(account.Record) (bool, bool) { return true, true })
}

// PruneFigures removes the figures from before the day of a minute, and those of apps for
// which keep returns false.
func (r *Registry) PruneFigures(ctx context.Context, before int64, keep func(account.AppID) bool) error {
	for after := ""; ; {
		page, err := r.e.Records(ctx, account.RecordQuery{Kind: kindFigures, After: after, Limit: 1})
		if err != nil || len(page.Records) == 0 {
			return err
		}
		key, _, _ := strings.Cut(page.Records[0].Key, "/")
		app, err := parseAppKey(key)
		if err != nil {
			return err
		}
		if keep(app) {
			err = r.pruneApp(ctx, app, before)
		} else {
			err = r.RemoveFigures(ctx, app)
		}
		if err != nil {
			return err
		}
		after = key + "0" // after the slash, so behind all keys of the app
	}
}

// pruneApp removes what is too old of the figures of an app. A list of minutes is too old
// if its newest one is.
func (r *Registry) pruneApp(ctx context.Context, app account.AppID, before int64) error {
	for _, prefix := range []string{figureHours(app), figureDays(app), figureUsers(app)} {
		first := prefix + figureDay(before)
		err := r.removeFigures(ctx, prefix, func(rec account.Record) (bool, bool) {
			return rec.Key < first, rec.Key < first
		})
		if err != nil {
			return err
		}
	}
	return r.removeFigures(ctx, figureMinutes(app), func(rec account.Record) (bool, bool) {
		v, err := decode[figureSlots](rec.Value)
		return err == nil && (len(v.Slots) == 0 || v.Slots[len(v.Slots)-1].Start < before), true
	})
}

// removeFigures removes the records below prefix for which choose says so, until choose
// says that there are no more of them.
func (r *Registry) removeFigures(ctx context.Context, prefix string, choose func(account.Record) (remove, more bool)) error {
	var ws []account.Write
	err := r.figureRecords(ctx, account.RecordQuery{Prefix: prefix}, func(rec account.Record) (bool, error) {
		remove, more := choose(rec)
		if remove {
			ws = append(ws, account.Write{Kind: kindFigures, Key: rec.Key, If: account.AnyVersion})
		}
		return more, nil
	})
	for chunk := range slices.Chunk(ws, account.MaxWrites) {
		if err != nil {
			return err
		}
		_, err = r.e.Commit(ctx, account.Commit{Writes: chunk})
	}
	return err
}
