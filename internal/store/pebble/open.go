package pebble

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
)

// Open opens the store in o.Dir and makes it if it does not exist. It reads
// every key once.
//
// The errors that an operator can mend are one sentence with the remedy: the
// path is not a directory, another process uses it, a newer version wrote it.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	lock, err := o.lockDir()
	if err != nil {
		return nil, err
	}
	s, err := o.open(lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// lockDir makes the directory and takes its lock.
func (o Options) lockDir() (*pebble.Lock, error) {
	info, err := o.FS.Stat(o.Dir)
	switch {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("the data directory %s is a file; move it away or use another --data", o.Dir)
	case err != nil:
		if err := o.FS.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("the data directory %s cannot be made: %w", o.Dir, cause(err))
		}
	}
	lock, err := pebble.LockDirectory(o.Dir, o.FS)
	if err == nil {
		return lock, nil
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok { // no lock file could be made
		return nil, fmt.Errorf("the data directory %s cannot be written: %w", o.Dir, cause(err))
	}
	return nil, fmt.Errorf("the data directory %s is in use by another process; stop it or use another --data", o.Dir)
}

// cause returns the system's word for err without the path, which stands in
// the sentence already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// errNewer is the refusal of data that a newer version wrote.
func (o Options) errNewer() error {
	return fmt.Errorf("the data directory %s was written by a newer version; use that version or another --data", o.Dir)
}

// open opens Pebble, reads everything and starts the store.
func (o Options) open(lock *pebble.Lock) (*Store, error) {
	if newer, err := o.engineNewer(); err != nil {
		return nil, err
	} else if newer {
		return nil, o.errNewer()
	}
	s := &Store{
		lock:    lock,
		table:   newTable(),
		apps:    &registry{m: map[account.AppID]*account.App{}},
		failure: newFailure(o.Logger),
		space:   &guard{lg: o.Logger, fs: o.FS, dir: o.Dir, min: o.MinFree},
		errors:  &limiter{lg: o.Logger},
		stop:    make(chan struct{}),
	}
	s.space.measure()
	err := shielded(func() (err error) {
		s.db, err = pebble.Open(o.Dir, o.engine(s))
		return err
	}, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the data directory %s: %w", o.Dir, errors.Join(err, s.failure.check()))
	}
	g := &group{
		db: s.db, table: s.table, apps: s.apps,
		index: map[key]int{}, counts: map[account.AppID]int64{}, changed: map[account.AppID]*account.App{},
	}
	if err := s.load(o, g); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	s.start(o, g)
	return s, nil
}

// engineNewer reports whether the directory carries a format of Pebble that
// this program does not know. Pebble's own refusal has no name to check for.
func (o Options) engineNewer() (bool, error) {
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		version, ok := strings.CutPrefix(name, "marker.format-version.")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(version[strings.LastIndexByte(version, '.')+1:], 10, 64)
		if err != nil || n > uint64(pebble.FormatNewest) {
			return true, nil
		}
	}
	return false, nil
}

// start starts the committer and the guard.
func (s *Store) start(o Options, g *group) {
	s.view = newView(s.db)
	s.commits = &committer{
		db: s.db, view: s.view, group: g, failure: s.failure, sync: pebble.Sync,
		queue: make(chan *call, maxQueue), done: make(chan struct{}), start: time.Now(),
	}
	if o.noSync {
		s.commits.sync = pebble.NoSync
	}
	go s.commits.run()
	s.ended.Go(func() { s.space.watch(o.checkSpace, s.stop) })
}

// load checks the format and reads everything that the store keeps in memory.
func (s *Store) load(o Options, g *group) error {
	if err := s.checkFormat(o); err != nil {
		return err
	}
	for _, step := range []func(*group) error{s.loadAccounts, s.loadGone, s.loadApps, s.loadCounters} {
		if err := step(g); err != nil {
			return fmt.Errorf("reading the data directory %s: %w", o.Dir, err)
		}
	}
	return nil
}

// checkFormat refuses a newer format and marks a new directory with this one.
func (s *Store) checkFormat(o Options) error {
	value, closer, err := s.db.Get(formatKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return shielded(func() error {
			return s.db.Set(formatKey, strconv.AppendInt(nil, format, 10), pebble.Sync)
		}, 0)
	}
	if err != nil {
		return err
	}
	defer func() { _ = closer.Close() }()
	n, err := strconv.Atoi(string(value))
	if err != nil || n > format {
		return o.errNewer()
	}
	return nil
}

// loadSpace calls fn with the id and the value of every key in space.
func (s *Store) loadSpace(space byte, fn func(k key, value []byte) error) error {
	lower, upper := spaceBounds(space)
	return iterate(s.db, lower, upper, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			app, id, ok := splitIDKey(it.Key())
			if !ok {
				return errCorrupt
			}
			if err := fn(key{app, id}, it.Value()); err != nil {
				return fmt.Errorf("app %d, account %q: %w", app, id, err)
			}
		}
		return nil
	})
}

func (s *Store) loadAccounts(g *group) error {
	return s.loadSpace(accountSpace, func(k key, value []byte) error {
		e, err := decodeHead(value)
		if err != nil {
			return err
		}
		s.table.put(k, entry{}, e)
		g.nextID = max(g.nextID, e.internalID)
		return nil
	})
}

func (s *Store) loadGone(*group) error {
	return s.loadSpace(goneSpace, func(k key, value []byte) error {
		e, err := decodeGone(value)
		if err == nil {
			s.table.put(k, entry{}, e)
		}
		return err
	})
}

func (s *Store) loadApps(*group) error {
	lower, upper := spaceBounds(appSpace)
	return iterate(s.db, lower, upper, func(it *pebble.Iterator) error {
		for ok := it.First(); ok; ok = it.Next() {
			a := new(account.App)
			if err := json.Unmarshal(it.Value(), a); err != nil {
				return err
			}
			s.apps.m[a.ID] = a
		}
		return nil
	})
}

// storedNextID returns the stored next InternalID, or 0.
func (s *Store) storedNextID() (uint64, error) {
	value, closer, err := s.db.Get(nextIDKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = closer.Close() }()
	if len(value) != 8 {
		return 0, errCorrupt
	}
	return binary.BigEndian.Uint64(value), nil
}

// loadCounters finds the next InternalID, which is above every one ever given,
// and the next number of the audit trail.
func (s *Store) loadCounters(g *group) error {
	g.nextID++ // above the accounts that exist
	stored, err := s.storedNextID()
	if err != nil {
		return err
	}
	g.nextID = max(g.nextID, stored)
	if g.nextID > math.MaxInt64 {
		return errCorrupt
	}
	lower, upper := spaceBounds(auditSpace)
	return iterate(s.db, lower, upper, func(it *pebble.Iterator) error {
		g.nextSeq = 1
		if it.Last() {
			g.nextSeq += binary.BigEndian.Uint64(it.Key()[len(lower):])
		}
		return nil
	})
}
