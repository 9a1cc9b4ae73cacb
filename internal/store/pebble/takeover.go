package pebble

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/store/pebble/catalog"
)

// takeOver converts apps, tokens and the audit trail to records. The same commit stores
// the number of the current format.
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

// showConverted lets the readers of a read-only store see the records that takeOver would
// write.
func (s *Store) showConverted(o Options) (err error) {
	s.converted, err = s.convert(o)
	return err
}

// convert returns a batch that converts the data of an older format in the next commit.
func (s *Store) convert(o Options) (*pebble.Batch, error) {
	b := s.db.NewIndexedBatch()
	return b, catalog.Convert(s.db, b, o.Convert, s.commits.group.number+1)
}
