package pebble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/sstable"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/guard"
)

// checkTables compares every block of every table with its checksum. Reading all records
// is not enough: a start also reads filters and blocks of deleted records.
func (s *Store) checkTables(ctx context.Context) error {
	levels, err := s.db.SSTables()
	if err != nil {
		return err
	}
	for _, tables := range levels {
		for _, t := range tables {
			if err := account.Ended(ctx); err != nil {
				return err
			}
			name := fmt.Sprintf("%06d.sst", uint64(t.BackingSSTNum))
			if err := s.checkTable(ctx, name); err != nil {
				return guard.Damage(fmt.Sprintf("the file %s differs from what was written (%s)", name, firstLine(err)))
			}
		}
	}
	return nil
}

func (s *Store) checkTable(ctx context.Context, name string) (err error) {
	f, err := s.fs.Open(s.fs.PathJoin(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it is missing")
	}
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(ctx, readable, s.pebble.MakeReaderOptions())
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.ValidateBlockChecksums()
}
