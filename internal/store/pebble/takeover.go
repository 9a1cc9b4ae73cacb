package pebble

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/store/pebble/catalog"
)

// takeOver turns apps, tokens and the audit trail into records, in one commit with the
// format of this version.
func (s *Store) takeOver(ctx context.Context, o Options) error {
	b, err := s.convert(o)
	if err := errors.Join(err, setFormat(b)); err != nil {
		return errors.Join(err, b.Close())
	}
	return s.write(ctx, b.Len(), func(g *group) error {
		g.pending = b
		g.number++
		return nil
	})
}

// showConverted lets the readers of a store that cannot be changed see what takeOver
// would make of it.
func (s *Store) showConverted(o Options) (err error) {
	s.converted, err = s.convert(o)
	return err
}

// convert returns what turns the data of an older format into records, in the next
// commit.
func (s *Store) convert(o Options) (*pebble.Batch, error) {
	b := s.db.NewIndexedBatch()
	return b, catalog.Convert(s.db, b, o.Convert, s.commits.group.number+1)
}
