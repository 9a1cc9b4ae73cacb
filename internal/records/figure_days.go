package records

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"rollcall/internal/account"
)

// A FigureDay contains what happened in an app on a day of its zone.
type FigureDay struct {
	FigureSlot        // Start is the first minute of the day
	Date       string // such as 20260102

	// LoggedIn are accounts that logged in, by their InternalIDs. Nil is none.
	LoggedIn *roaring64.Bitmap
}

func figureDays(app account.AppID) string  { return appPrefix(app) + "d/" }
func figureUsers(app account.AppID) string { return appPrefix(app) + "u/" }

// addDay adds a day of an app, and its accounts to those that the store knows.
func (c *figureCommit) addDay(ctx context.Context, app account.AppID, node string, d *FigureDay) error {
	day, err := c.value(ctx, figureDays(app)+d.Date+"/"+node)
	if err != nil {
		return err
	}
	s := d.FigureSlot
	if d.LoggedIn != nil {
		users, err := c.r.userSet(ctx, figureUsers(app)+d.Date+"/"+node+"/")
		if err != nil {
			return err
		}
		users.add(d.LoggedIn)
		c.users = append(c.users, users.writes()...)
		s.Users = users.len()
	}
	day.add(&s, s.Start)
	return nil
}

// A StoredFigureDay contains the figures of a day on one node. Its Users are those of the
// node.
type StoredFigureDay struct {
	FigureSlot
	Date    string
	Node    string
	Version uint64 // differs after each change of the day, also of its accounts
}

// FigureDays calls each with the days of an app on all nodes, from a date on, in the order
// of their dates.
func (r *Registry) FigureDays(ctx context.Context, app account.AppID, from string, each func(StoredFigureDay)) error {
	prefix := figureDays(app)
	return r.figureRecords(ctx, account.RecordQuery{Prefix: prefix, After: prefix + from}, func(rec account.Record) (bool, error) {
		v, err := decode[figureSlots](rec.Value)
		if err != nil {
			return false, damaged(kindFigures, rec.Key, err)
		}
		date, node, _ := strings.Cut(strings.TrimPrefix(rec.Key, prefix), "/")
		day := StoredFigureDay{Date: date, Node: node, Version: rec.Version}
		for _, s := range v.Slots { // several only if the zone of the app has changed
			day.Add(s)
		}
		each(day)
		return true, nil
	})
}

// FigureUsers returns the accounts of an app that logged in on a day, on all nodes.
func (r *Registry) FigureUsers(ctx context.Context, app account.AppID, date string) (*roaring64.Bitmap, error) {
	set, err := r.userSet(ctx, figureUsers(app)+date+"/")
	if err != nil {
		return nil, err
	}
	all := roaring64.New()
	for _, p := range set.parts {
		all.Or(p.ids)
	}
	return all, nil
}

// Sizes of parts of a userSet in bytes. A flush writes a part of up to fullPart again. The
// largest ones bound a commit.
const (
	fullPart    = 8 << 10
	largestPart = 256 << 10
)

// A userSet is the accounts that logged in on a day at a node. It consists of parts without
// common accounts, so that a flush needs to write only new accounts. Parts grow like
// those of a log-structured tree: each is more than twice as large as the next one, or
// nearly as large as a part may be.
type userSet struct {
	prefix string // of the keys
	parts  []*userPart
	gone   []*userPart // stored parts that were merged into others
}

// A userPart is one record of a userSet.
type userPart struct {
	key     string
	version uint64 // 0 if it is not stored yet
	ids     *roaring64.Bitmap
	changed bool
}

func (p *userPart) size() uint64 { return p.ids.GetSerializedSizeInBytes() }

// userSet reads the parts with a prefix. That of a day without a node returns the parts of
// all nodes, which can have common accounts.
func (r *Registry) userSet(ctx context.Context, prefix string) (*userSet, error) {
	s := &userSet{prefix: prefix}
	err := r.figureRecords(ctx, account.RecordQuery{Prefix: prefix}, func(rec account.Record) (bool, error) {
		ids := roaring64.New()
		if err := ids.UnmarshalBinary(rec.Value); err != nil {
			return false, damaged(kindFigures, rec.Key, err)
		}
		s.parts = append(s.parts, &userPart{key: rec.Key, version: rec.Version, ids: ids})
		return true, nil
	})
	return s, err
}

// add adds accounts.
func (s *userSet) add(ids *roaring64.Bitmap) {
	added := ids.Clone()
	for _, p := range s.parts {
		added.AndNot(p.ids)
	}
	if added.IsEmpty() {
		return
	}
	n := len(s.parts)
	if n == 0 || s.parts[n-1].size() > fullPart {
		s.parts = append(s.parts, &userPart{key: fmt.Sprintf("%s%04x", s.prefix, s.next()), ids: roaring64.New()})
		n++
	}
	last := s.parts[n-1]
	last.ids.Or(added)
	last.changed = true
	s.merge()
}

// next returns the number of the next part.
func (s *userSet) next() uint64 {
	if len(s.parts) == 0 {
		return 0
	}
	last := strings.TrimPrefix(s.parts[len(s.parts)-1].key, s.prefix)
	n, _ := strconv.ParseUint(last, 16, 64) // add has written it
	return n + 1
}

// merge merges the last part into the one before it as long as it has grown enough.
func (s *userSet) merge() {
	for n := len(s.parts); n > 1; n-- {
		before, last := s.parts[n-2], s.parts[n-1]
		a, b := before.size(), last.size()
		if b <= fullPart || a > 2*b || a+b > largestPart {
			return
		}
		before.ids.Or(last.ids)
		before.changed = true
		if last.version != 0 {
			s.gone = append(s.gone, last)
		}
		s.parts = s.parts[:n-1]
	}
}

// len returns the number of accounts.
func (s *userSet) len() (n int64) {
	for _, p := range s.parts {
		n += int64(p.ids.GetCardinality())
	}
	return n
}

// writes returns the writes of what has changed.
func (s *userSet) writes() (ws []account.Write) {
	for _, p := range s.parts {
		if !p.changed {
			continue
		}
		p.ids.RunOptimize()
		value, err := p.ids.MarshalBinary()
		if err != nil {
			panic(err) // writing to memory does not fail
		}
		ws = append(ws, account.Write{Kind: kindFigures, Key: p.key, Value: value, If: p.version})
	}
	for _, p := range s.gone {
		ws = append(ws, account.Write{Kind: kindFigures, Key: p.key, If: p.version})
	}
	return ws
}
