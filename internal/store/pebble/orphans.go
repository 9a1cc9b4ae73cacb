package pebble

import (
	"context"
	"slices"
	"time"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/record"
	"rollcall/internal/store/pebble/roster"
)

// orphanBatch is how many accounts one step of removeOrphans removes.
const orphanBatch = 1000

// removeOrphans removes the accounts of apps that do not exist. No call leaves any
// behind; versions up to format 3 could, when an app was created or deleted in the
// moment of a crash or beside an import. Nobody can see such accounts, and a new app of
// the same number must start clean.
func (s *Store) removeOrphans() error {
	for _, app := range s.table.Apps() {
		if s.apps.get(app) != nil || s.table.Count(app) == 0 {
			continue
		}
		names := s.namesOf(app)
		for part := range slices.Chunk(names, orphanBatch) {
			if err := s.removeNames(app, part); err != nil {
				return err
			}
		}
		s.lg.Warn("removed accounts of an app that does not exist", "sdkappid", app, "accounts", len(names))
	}
	return nil
}

// namesOf returns the names of every account of an app.
func (s *Store) namesOf(app account.AppID) (names [][]byte) {
	s.table.Each(func(name []byte, e roster.Entry) {
		if e.Live() && record.NameApp(name) == app {
			names = append(names, slices.Clone(name))
		}
	}, func() {})
	return names
}

// removeNames removes accounts and forgets that they ever were.
func (s *Store) removeNames(app account.AppID, names [][]byte) error {
	return s.write(context.Background(), record.Overhead*len(names), func(g *group) error {
		for _, name := range names {
			g.delete(app, g.table.Hash(name), name, time.Now())
		}
		g.purge(app)
		return nil
	})
}
