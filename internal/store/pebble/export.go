package pebble

import (
	"context"
	"encoding/binary"
	"iter"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

var _ account.Exporter = (*Store)(nil)

// Export implements [account.Exporter]. A goroutine reads the snapshot and the journal of
// one moment, and copies the stored accounts into chunks. The caller's goroutine decodes
// them there. So a disk that hangs does not keep the caller after the end of ctx, and Close
// waits for the goroutine alone, which stops at once.
func (s *Store) Export(ctx context.Context, app account.AppID, q account.ExportQuery) iter.Seq2[*account.Exported, error] {
	return func(yield func(*account.Exported, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		x, err := s.beginExport(ctx, app, q)
		if err == nil {
			err = x.yieldAll(yield)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// Sizes of an export.
const (
	chunkBytes = 64 << 10 // accounts in a chunk
	chunks     = 4        // of an export
)

// An export is one export under way.
type export struct {
	ctx          context.Context // of the one call
	closing      <-chan struct{}
	st           state
	lower, upper []byte         // keys of the accounts
	gone         []account.Gone // deleted ids that were not yielded yet, in order

	full  chan *chunk // closed at the end
	spare chan *chunk
	err   error // of the reading, set before full is closed
}

// A chunk contains stored accounts. Each is a uvarint of the length of its ID, the ID, a
// uvarint of the length of its value, and the value.
type chunk struct{ data []byte }

// beginExport chooses the moment of an export and starts its goroutine.
func (s *Store) beginExport(ctx context.Context, app account.AppID, q account.ExportQuery) (*export, error) {
	if err := account.Ended(ctx); err != nil {
		return nil, err
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	x := &export{ctx: ctx, closing: s.closing, full: make(chan *chunk, chunks), spare: make(chan *chunk, chunks)}
	x.lower, x.upper = listBounds(app, account.ListQuery{Prefix: q.Prefix, After: q.After})
	for range chunks {
		x.spare <- new(chunk)
	}
	var gone *idtable.Tombstones
	x.st = s.view.acquireWith(func() {
		if q.Gone {
			gone = s.table.Gone(app, q.Prefix)
		}
	})
	x.st.kept = nil // an export does not need it
	go func() {
		defer s.calls.Done()
		defer close(x.full)
		defer s.view.release(x.st)
		x.err = x.read()
	}()
	x.gone = gone.List()
	after := sort.Search(len(x.gone), func(i int) bool { return x.gone[i].ID > q.After })
	x.gone = x.gone[after:]
	return x, nil
}

// read fills chunks with all accounts.
func (x *export) read() error {
	recent, err := x.recent()
	if err == nil {
		err = iterate(x.st.snap, x.lower, x.upper, func(it *pebble.Iterator) error { return x.merge(it, recent) })
	}
	if err == nil || account.CodeOf(err) == account.Unavailable {
		return err
	}
	return internal("the accounts cannot be read", err)
}

// recent returns the newest change of each ID in the journal, sorted by name.
func (x *export) recent() ([]journal.Item, error) {
	lower, upper := x.lower[nameOffsetInKey:], x.upper[nameOffsetInKey:]
	var items []journal.Item
	for i, c := range x.st.commits {
		if err := x.ended(); err != nil {
			return nil, err
		}
		err := c.Each(func(pos uint64, ch journal.Change) error {
			if ch.Kind != journal.Purge && within(ch.Name, lower, upper) {
				items = append(items, journal.NewItem(i, c, pos))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return journal.NewestItems(x.st.commits, items), nil
}

// ended returns an error if the export must end.
func (x *export) ended() error {
	select {
	case <-x.closing:
		return errClosed
	default:
		return account.Ended(x.ctx)
	}
}

// merge writes the accounts of it and of recent into chunks.
func (x *export) merge(it *pebble.Iterator, recent []journal.Item) error {
	m := newMerging(it, recent, x.st.commits)
	for {
		c, err := x.next()
		if err != nil {
			return err
		}
		for len(c.data) < chunkBytes {
			name, value, err := m.next()
			if err != nil {
				return err
			}
			if name == nil {
				x.full <- c // it has room for all
				return nil
			}
			c.add(name, value)
		}
		x.full <- c
	}
}

// next returns an empty chunk, once the caller has one to spare.
func (x *export) next() (*chunk, error) {
	if err := x.ended(); err != nil {
		return nil, err
	}
	select {
	case c := <-x.spare:
		c.data = c.data[:0]
		return c, nil
	case <-x.closing:
		return nil, errClosed
	case <-x.ctx.Done():
		return nil, account.Ended(x.ctx)
	}
}

func (c *chunk) add(name, value []byte) {
	id := name[record.MinName:]
	c.data = append(binary.AppendUvarint(c.data, uint64(len(id))), id...)
	c.data = append(binary.AppendUvarint(c.data, uint64(len(value))), value...)
}

// yieldAll yields what the goroutine reads, and the deleted ids between. It returns nil
// when the caller wants no more.
func (x *export) yieldAll(yield func(*account.Exported, error) bool) error {
	d := &decoder{x: x, yield: yield}
	for {
		select {
		case c, ok := <-x.full:
			if !ok {
				return d.end()
			}
			if more, err := d.chunk(c.data); err != nil || !more {
				return err
			}
			x.spare <- c // it has room for all
		case <-x.ctx.Done():
			return account.Ended(x.ctx)
		}
	}
}

// A decoder yields the accounts of chunks.
type decoder struct {
	x       *export
	yield   func(*account.Exported, error) bool
	scanner record.Scanner
	account account.Exported
	deleted account.Exported
}

// chunk yields the accounts of a chunk, and the deleted ids before them. It reports whether
// the caller wants more.
func (d *decoder) chunk(data []byte) (more bool, err error) {
	for len(data) > 0 {
		var id, value []byte
		id, data = cutText(data)
		value, data = cutText(data)
		if err := d.scanner.Scan(&d.account.Account, id, value); err != nil {
			return false, internal("the accounts cannot be read", err)
		}
		if len(d.x.gone) > 0 && !d.before(d.account.ID) || !d.yield(&d.account, nil) {
			return false, nil
		}
	}
	return true, nil
}

// cutText returns the text at the start of data, which is preceded by its length, and the
// rest.
func cutText(data []byte) (text, rest []byte) {
	n, width := binary.Uvarint(data)
	return data[width : width+int(n)], data[width+int(n):]
}

// before yields the deleted ids before id.
func (d *decoder) before(id account.UserID) bool {
	for len(d.x.gone) > 0 && strings.Compare(string(d.x.gone[0].ID), string(id)) < 0 {
		if !d.next() {
			return false
		}
	}
	return true
}

// next yields the next deleted id.
func (d *decoder) next() bool {
	g := d.x.gone[0]
	d.x.gone = d.x.gone[1:]
	d.deleted = account.Exported{Account: account.Account{ID: g.ID, Kicked: g.Kicked}, Deleted: g.Deleted}
	return d.yield(&d.deleted, nil)
}

// end yields the deleted ids after the last account, unless the reading has failed.
func (d *decoder) end() error {
	if d.x.err != nil {
		return d.x.err
	}
	for len(d.x.gone) > 0 && d.next() {
	}
	return nil
}
