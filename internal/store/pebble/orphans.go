package pebble

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/record"
)

// orphanBatch is how many accounts one step of removeOrphans removes.
const orphanBatch = 1000

// older reports whether the data had an older format when the store was opened.
func (s *Store) older() bool { return s.format < format }

// settle converts data of an older format, and handles accounts of apps that do not exist.
// It removes them from data of format 3, which could leave them behind. In newer data they
// are a sign of damage. settle then only logs them, because creating the app again makes
// them visible.
func (s *Store) settle(ctx context.Context, o Options) error {
	switch {
	case o.readOnly && s.older():
		return s.showConverted(o)
	case o.readOnly:
		return nil
	case s.format < checkedFormat:
		err := s.dropOrphans(ctx)
		if err == nil {
			err = s.takeOver(ctx, o)
		}
		return err
	case s.older():
		if err := s.takeOver(ctx, o); err != nil {
			return err
		}
	}
	for _, app := range s.orphaned() {
		s.lg.Error("accounts of an app that does not exist: the store was damaged. Create the app again to see them",
			"sdkappid", app, "accounts", s.table.Count(app))
	}
	return nil
}

// orphaned returns the apps that have accounts but do not exist. In format 3 such accounts
// could remain after a crash, or after an import during the deletion of its app. In newer
// formats only damage causes them, such as the loss of a log with the space of the app. No
// call may be in progress.
func (s *Store) orphaned() []account.AppID {
	return slices.DeleteFunc(s.table.Apps(), func(app account.AppID) bool {
		return s.commits.group.hasSpace(app) || s.table.Count(app) == 0
	})
}

// dropOrphans removes the accounts of every app that does not exist.
func (s *Store) dropOrphans(ctx context.Context) error {
	for _, app := range s.orphaned() {
		if err := s.removeOrphans(ctx, app); err != nil {
			return err
		}
	}
	return nil
}

// removeOrphans removes the accounts of an app that does not exist. Nobody can see them,
// and a new app with the same number must start empty.
func (s *Store) removeOrphans(ctx context.Context, app account.AppID) error {
	names := s.namesOf(app)
	for part := range slices.Chunk(names, orphanBatch) {
		if err := s.removeNames(ctx, app, part); err != nil {
			return err
		}
	}
	s.lg.Warn("removed accounts of an app that does not exist", "sdkappid", app, "accounts", len(names))
	return nil
}

// namesOf returns the names of every account of an app.
func (s *Store) namesOf(app account.AppID) (names [][]byte) {
	s.table.Each(func(name []byte, e idtable.Entry) {
		if e.Live() && record.NameApp(name) == app {
			names = append(names, slices.Clone(name))
		}
	}, func() {})
	return names
}

// removeNames removes accounts without leaving tombstones.
func (s *Store) removeNames(ctx context.Context, app account.AppID, names [][]byte) error {
	return s.write(ctx, record.Overhead*len(names), func(g *group) error {
		for _, name := range names {
			g.delete(app, g.table.Hash(name), name, time.Now())
		}
		g.purge(app)
		return nil
	})
}
