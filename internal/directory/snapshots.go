package directory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/records"
)

// Limits of snapshots, which are kept in memory.
const (
	MaxSnapshots     = 20      // of an app
	MaxSnapshotIDs   = 200_000 // ids of a snapshot, deleted ids included
	MaxSnapshotMutes = records.MaxSavedMutes
	MaxSnapshotBytes = 256 << 20 // of all snapshots of the server, roughly
)

// A Snapshot describes a snapshot of a test app. It contains the accounts, robots,
// tombstones, kicks and mutes, and the record of the app: name, edition, disabled, keys, admins,
// settings and clock.
type Snapshot struct {
	Name     string
	Created  time.Time // in real time
	Accounts int
	Bytes    int64 // in memory, roughly
}

// A savedApp is the content of a snapshot. It is never changed.
type savedApp struct {
	Snapshot
	app  account.App
	dump *account.Dump
	also savedRecords
}

// savedRecords are the records that belong to the accounts of an app.
type savedRecords struct {
	mutes  []records.StoredMute
	robots []records.Robot
}

// snapshots keeps the snapshots of all apps in memory.
type snapshots struct {
	mu    sync.Mutex
	apps  map[account.AppID]map[string]*savedApp
	bytes int64
}

// TakeSnapshot keeps the state of a test app under a name, in the memory of this server. It
// replaces a snapshot of the same name.
//
// Codes: NoApp, InvalidApp if the app is no test app, BadParameter for a wrong name,
// Conflict if a limit of snapshots is reached.
func (d *Directory) TakeSnapshot(ctx context.Context, actor string, id account.AppID, name string) (Snapshot, error) {
	if !validSnapshotName(name) {
		return Snapshot{}, &account.Error{Code: account.BadParameter, Detail: fmt.Sprintf("the name %s of a snapshot must be 1 to %d letters, digits, _, - and .", account.Quote(name), account.MaxSnapshotName)}
	}
	saved, err := d.save(ctx, id)
	if err != nil {
		return Snapshot{}, err
	}
	saved.Name, saved.Created, saved.Accounts = name, account.Millis(d.clock(id)), len(saved.dump.Accounts)
	saved.Bytes = sizeOf(saved.dump) + sizeOfApp(&saved.app) + saved.also.size()
	if err := d.Record(ctx, actor, "snapshot.create", id, name); err != nil {
		return Snapshot{}, err
	}
	if err := d.snapshots.put(id, saved); err != nil {
		return Snapshot{}, err
	}
	if _, err := d.App(ctx, id); account.CodeOf(err) == account.NoApp { // deleted before put, and drop found nothing
		d.snapshots.drop(id)
		return Snapshot{}, err
	}
	return saved.Snapshot, nil
}

func validSnapshotName(name string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_-.", c)
	}
	return name != "" && len(name) <= account.MaxSnapshotName && !strings.ContainsFunc(name, other) && strings.Trim(name, ".") != ""
}

// save returns the record and the accounts of a test app at one moment. If the record
// changes while the accounts are read, save reads both again.
func (d *Directory) save(ctx context.Context, id account.AppID) (*savedApp, error) {
	dumper, ok := account.Find[account.Dumper](d.store)
	if !ok {
		return nil, &account.Error{Code: account.BadParameter, Detail: "this store cannot take snapshots"}
	}
	for {
		app, err := d.App(ctx, id)
		if err == nil {
			err = d.mustBeTest(app)
		}
		if err != nil {
			return nil, err
		}
		dump, err := dumper.Dump(ctx, id, MaxSnapshotIDs)
		if account.CodeOf(err) == account.Conflict {
			err = &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has more than %d ids, deleted ids included, which is the most of a snapshot; reset it, or test with fewer", MaxSnapshotIDs)}
		}
		if err != nil {
			return nil, err
		}
		also, err := d.savedRecords(ctx, app)
		if err != nil {
			return nil, err
		}
		again, err := d.App(ctx, id)
		if err != nil {
			return nil, err
		}
		if again.Version == app.Version && again.Created.Equal(app.Created) {
			return &savedApp{app: app.Clone(), dump: dump, also: also}, nil
		}
	}
}

// savedRecords returns the records of an app for a snapshot.
func (d *Directory) savedRecords(ctx context.Context, app *account.App) (saved savedRecords, err error) {
	saved.mutes, err = d.records.SavedMutes(ctx, app.ID)
	if account.CodeOf(err) == account.Conflict {
		err = &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has more than %d mutes, which is the most of a snapshot; lift some, or reset the app", MaxSnapshotMutes)}
	}
	if err == nil {
		saved.robots, err = d.records.Robots(ctx, app)
	}
	return saved, err
}

// sizeOf returns roughly how much memory a dump takes.
func sizeOf(dump *account.Dump) int64 {
	const perAccount, perField, perGone = 160, 56, 48
	n := 0
	for i := range dump.Accounts {
		a := &dump.Accounts[i]
		n += perAccount + len(a.ID) + len(a.Nick) + len(a.FaceURL)
		for _, f := range a.Profile {
			n += perField + len(f.Tag) + len(f.Value.Text)
		}
	}
	for _, g := range dump.Gone {
		n += perGone + len(g.ID)
	}
	return int64(n)
}

// size returns roughly how much memory s takes.
func (s *savedRecords) size() int64 {
	const perMute = 64
	n := 0
	for _, m := range s.mutes {
		n += perMute + len(m.UserID)
	}
	var robots account.Dump
	for i := range s.robots {
		robots.Accounts = append(robots.Accounts, s.robots[i].Account())
	}
	return int64(n) + sizeOf(&robots)
}

// sizeOfApp returns roughly how much memory the record of an app takes. Its largest part can
// be a megabyte of words.
func sizeOfApp(a *account.App) int64 {
	const perApp, perText, perKey, perSource = 2048, 16, 256, 32
	n := perApp + perKey*len(a.Keys) + perSource*len(a.Settings.AllowSources)
	for _, word := range a.Settings.Words {
		n += perText + len(word)
	}
	for _, admin := range a.Admins {
		n += perText + len(admin)
	}
	for _, address := range a.Settings.IPList {
		n += perText + len(address)
	}
	return int64(n)
}

// put adds a snapshot within the limits.
func (s *snapshots) put(id account.AppID, saved *savedApp) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.apps[id]
	more := saved.Bytes
	if old := of[saved.Name]; old != nil {
		more -= old.Bytes
	} else if len(of) >= MaxSnapshots {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("the app has %d snapshots, as many as it may have; delete one", len(of))}
	}
	if s.bytes+more > MaxSnapshotBytes {
		return &account.Error{Code: account.Conflict, Detail: fmt.Sprintf("all snapshots of this server would take more than %d MiB of memory, which is the most; delete some", MaxSnapshotBytes>>20)}
	}
	if of == nil {
		of = map[string]*savedApp{}
		s.apps[id] = of
	}
	of[saved.Name] = saved
	s.bytes += more
	return nil
}

// get returns a snapshot, or an error with Code NoSnapshot. It does not return a snapshot
// of an earlier app with the same id, which another node may have deleted.
func (s *snapshots) get(app *account.App, name string) (*savedApp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if saved := s.apps[app.ID][name]; saved != nil && saved.app.Created.Equal(app.Created) {
		return saved, nil
	}
	return nil, &account.Error{Code: account.NoSnapshot, Detail: fmt.Sprintf("the app has no snapshot %s; snapshots are gone after a restart of the server", account.Quote(name))}
}

// drop removes the snapshots of an app.
func (s *snapshots) drop(id account.AppID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, saved := range s.apps[id] {
		s.bytes -= saved.Bytes
	}
	delete(s.apps, id)
}

// Snapshots returns the snapshots of a test app in the order of their names.
//
// Codes: NoApp, InvalidApp if the app is no test app.
func (d *Directory) Snapshots(ctx context.Context, id account.AppID) ([]Snapshot, error) {
	app, err := d.App(ctx, id)
	if err == nil {
		err = d.mustBeTest(app)
	}
	if err != nil {
		return nil, err
	}
	d.snapshots.mu.Lock()
	defer d.snapshots.mu.Unlock()
	var all []Snapshot
	for _, saved := range d.snapshots.apps[id] {
		if saved.app.Created.Equal(app.Created) {
			all = append(all, saved.Snapshot)
		}
	}
	slices.SortFunc(all, func(a, b Snapshot) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// RestoreSnapshot returns a test app to the state of a snapshot, in one step: all accounts
// and robots with their internal ids, tombstones, kicks and mutes, and the record of the app. The time at
// which the app expires stays. The snapshot stays, too.
//
// Codes: NoApp, InvalidApp if the app is no test app, NoSnapshot.
func (d *Directory) RestoreSnapshot(ctx context.Context, actor string, id account.AppID, name string) (*account.App, error) {
	app, err := d.App(ctx, id)
	if err != nil {
		return nil, err
	}
	saved, err := d.snapshots.get(app, name)
	if err != nil {
		return nil, err
	}
	if err := d.thin(ctx, id); err != nil {
		return nil, err
	}
	return d.replace(ctx, actor, replacement{ActionRestore, name, saved.dump, saved.also}, id, func(a *account.App) {
		expires := a.Expires
		*a = saved.app.Clone()
		a.Expires = expires
	})
}

// DeleteSnapshot deletes a snapshot of an app.
//
// Codes: NoApp, NoSnapshot.
func (d *Directory) DeleteSnapshot(ctx context.Context, actor string, id account.AppID, name string) error {
	app, err := d.App(ctx, id)
	if err != nil {
		return err
	}
	saved, err := d.snapshots.get(app, name)
	if err != nil {
		return err
	}
	if err := d.Record(ctx, actor, "snapshot.delete", id, name); err != nil {
		return err
	}
	d.snapshots.mu.Lock()
	defer d.snapshots.mu.Unlock()
	if of := d.snapshots.apps[id]; of[name] == saved {
		delete(of, name)
		d.snapshots.bytes -= saved.Bytes
	}
	return nil
}
