package pebble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
	"rollcall/internal/store/pebble/idtable"
)

// Open opens the store in o.Dir, and creates it if it does not exist. It reads the index
// and the part of the journal that is not flushed, not the accounts. It stops when ctx
// ends.
//
// The errors that an operator can fix are one sentence with the remedy: the path is not a
// directory, another process uses it, or a newer version wrote it.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	lock, err := o.lockDir()
	if err != nil {
		return nil, err
	}
	s, err := o.open(ctx, lock)
	if errors.Is(err, errAbandoned) {
		return nil, err // see abandon
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := s.settle(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// lockDir creates the directory and locks it. It refuses a directory without a store but
// with other files, and creates nothing there.
func (o Options) lockDir() (*pebble.Lock, error) {
	info, err := o.FS.Stat(o.Dir)
	switch {
	case err == nil && !info.IsDir():
		return nil, fmt.Errorf("the data directory %s is a file; move it away or use another --data", o.Dir)
	case err != nil:
		if err := o.FS.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("the data directory %s cannot be made: %w", o.Dir, cause(err))
		}
	default:
		if err := o.checkFiles(); err != nil { // before a file is created in a strange directory
			return nil, err
		}
	}
	lock, err := pebble.LockDirectory(o.Dir, o.FS)
	if err == nil {
		return lock, nil
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok { // no lock file could be created
		return nil, fmt.Errorf("the data directory %s cannot be written: %w", o.Dir, cause(err))
	}
	return nil, fmt.Errorf("the data directory %s is in use by another process; stop it, use another --data, or copy a running server's store with \"rollcall backup create\"", o.Dir)
}

// cause returns the system's error without the path, because the message contains the path
// already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// errNewer returns the error for data that a newer version wrote.
func (o Options) errNewer() error {
	return fmt.Errorf("the data directory %s was written by a newer version; use that version or another --data", o.Dir)
}

// open opens Pebble, reads everything and starts the store.
func (o Options) open(ctx context.Context, lock *pebble.Lock) (*Store, error) {
	space := guard.NewSpace(o.Logger, o.FS, o.Dir, minFree)
	sums, err := o.checkDamage(lock, space)
	if err != nil {
		return nil, err
	}
	s := &Store{
		fs:      o.FS,
		dir:     o.Dir,
		lg:      o.Logger,
		sums:    sums,
		lock:    lock,
		table:   idtable.New(),
		failure: guard.NewFailure(o.Logger),
		space:   space,
		errors:  guard.NewErrors(o.Logger),
		limit:   newJournalLimit(o.flushBytes),
		pacer:   new(guard.Pacer),
		closing: make(chan struct{}),
		stop:    make(chan struct{}),
		reads:   make(chan struct{}, maxReads),
		copies:  make(chan struct{}, maxCopies),
	}
	if err := s.openDB(ctx, o); err != nil {
		if !errors.Is(err, errAbandoned) {
			err = errors.Join(err, sums.Close())
		}
		return nil, err
	}
	s.view = newView(s.db, s.failure)
	g := &group{
		db: s.db, view: s.view, table: s.table, changes: &s.changes,
		counts: map[account.AppID]int64{}, kinds: map[account.Kind]bool{},
	}
	g.index.reset()
	if err := s.load(ctx, o, g); err != nil {
		if s.failure.Check() != nil {
			return nil, err // nothing can be closed any more
		}
		s.view.close()
		return nil, errors.Join(err, s.db.Close(), sums.Close())
	}
	s.start(o, g)
	s.started.Store(true)
	return s, nil
}

// openDB opens Pebble unless ctx ends, and from then on keeps the record of its logs and
// manifest.
func (s *Store) openDB(ctx context.Context, o Options) error {
	if err := o.removeLeftovers(); err != nil {
		return err
	}
	s.space.Measure()
	if free, short := s.space.Short(minFree / 2); short && !o.readOnly {
		return fmt.Errorf("the disk of the data directory %s has %d MiB free, and a start needs %d MiB; free space and start again", o.Dir, free>>20, minFree>>21)
	}
	s.pebble = o.engine(s)
	s.flusher = &flusher{s: s, fs: s.pebble.FS, dir: o.Dir, renewIndex: o.renewIndex}
	opened := make(chan error, 1)
	go func() {
		opened <- s.failure.Shielded(func() (err error) {
			if s.db, err = pebble.Open(o.Dir, s.pebble); err == nil && !o.readOnly {
				err = s.sums.Enable()
			}
			return err
		}, 0)
	}()
	select {
	case err := <-opened:
		if err != nil {
			return o.failed("opening", errors.Join(err, s.failure.Check()))
		}
		return nil
	case <-ctx.Done():
		go s.abandon(opened)
		return &account.Error{Code: account.Unavailable, Detail: "the start was ended while the data directory " + o.Dir + " was being opened", Err: errAbandoned}
	}
}

// errAbandoned marks the error of a start that ended while Pebble was opening, for example
// because Pebble tries again and again to write to a disk that refuses it.
var errAbandoned = errors.New("the storage engine is still opening")

// abandon closes everything once Pebble has opened. Until then the directory stays locked,
// because Pebble uses it.
func (s *Store) abandon(opened <-chan error) {
	<-opened
	if s.failure.Check() != nil {
		return // nothing can be closed any more
	}
	if s.db != nil {
		_ = s.db.Close() // nobody is left to hear of an error
	}
	_, _ = s.sums.Close(), s.lock.Close()
}

// checkFiles refuses two kinds of directories:
//   - One with a format of Pebble that this program does not know. Pebble refuses it, too,
//     but with an error that cannot be told from others.
//   - One with other files and no store. Pebble would create an empty store there, but an
//     operator who names the directory expects data in it.
func (o Options) checkFiles() error {
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return err
	}
	exists, stranger := false, ""
	for _, name := range names {
		version, ok := strings.CutPrefix(name, "marker.format-version.")
		if !ok {
			if !ours(name) {
				stranger = name
			}
			continue
		}
		exists = true
		n, err := strconv.ParseUint(version[strings.LastIndexByte(version, '.')+1:], 10, 64)
		if err != nil || n > uint64(pebble.FormatNewest) {
			return o.errNewer()
		}
	}
	if !exists && stranger != "" {
		return fmt.Errorf("the data directory %s holds %s, but no store: name the directory of a store, or an empty one", o.Dir, stranger)
	}
	return nil
}

// ours reports whether name can be the name of a file of a store.
func ours(name string) bool {
	for _, part := range []string{"LOCK", "MANIFEST-", "OPTIONS-", "marker.", ".log", ".sst", ".dbtmp", guard.ChecksumsFile, tablePrefix, stagePrefix} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// start starts the committer, the flusher and the guard.
func (s *Store) start(o Options, g *group) {
	s.commits = &committer{
		db: s.db, view: s.view, group: g, limit: s.limit, pacer: s.pacer, flushes: make(chan *call, 1), failure: s.failure, sync: pebble.Sync, hook: o.hook,
		queue: make(chan *call, maxQueue), quit: make(chan struct{}), done: make(chan struct{}), start: time.Now(),
	}
	if o.noSync {
		s.commits.sync = pebble.NoSync
	}
	go s.commits.run()
	if o.readOnly {
		return
	}
	s.ended.Go(func() { s.flusher.run(o.idleTick, s.stop) })
	s.ended.Go(func() { s.space.Watch(o.checkSpace, s.stop) })
	s.ended.Go(func() { s.sums.Watch(s.errors, s.stop) })
}
