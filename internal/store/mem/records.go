package mem

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"rollcall/internal/account"
)

// Record implements [account.Records].
func (s *Store) Record(ctx context.Context, kind account.Kind, key string) (r account.Record, err error) {
	err = s.locked(ctx, func(st *state) error {
		var ok bool
		if r, ok = st.records[kind][key]; !ok {
			return &account.Error{Code: account.NoRecord}
		}
		r.Value = bytes.Clone(r.Value)
		return nil
	})
	return r, err
}

// RecordsAt implements [account.Records].
func (s *Store) RecordsAt(ctx context.Context, kind account.Kind, keys []string) (rs []account.Record, err error) {
	err = s.locked(ctx, func(st *state) error {
		rs = make([]account.Record, len(keys))
		for i, key := range keys {
			r := st.records[kind][key]
			rs[i] = account.Record{Key: key, Value: bytes.Clone(r.Value), Version: r.Version}
		}
		return nil
	})
	return rs, err
}

// Records implements [account.Records].
func (s *Store) Records(ctx context.Context, q account.RecordQuery) (page account.RecordPage, err error) {
	err = s.locked(ctx, func(st *state) error {
		all := st.records[q.Kind]
		var keys []string
		for key := range all {
			if matches(q, key) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		if q.Reverse {
			slices.Reverse(keys)
		}
		for _, key := range keys {
			if len(page.Records) == q.Limit {
				page.Next = page.Records[q.Limit-1].Key
				break
			}
			r := all[key]
			r.Value = bytes.Clone(r.Value)
			page.Records = append(page.Records, r)
		}
		return nil
	})
	return page, err
}

// matches reports whether q selects the record of a key, apart from its limit.
func matches(q account.RecordQuery, key string) bool {
	switch {
	case !strings.HasPrefix(key, q.Prefix):
		return false
	case q.After == "":
		return true
	case q.Reverse:
		return key < q.After
	}
	return key > q.After
}

// Commit implements [account.Records].
func (s *Store) Commit(ctx context.Context, c account.Commit) (number uint64, err error) {
	if err := c.Validate(); err != nil {
		return 0, err
	}
	err = s.locked(ctx, func(st *state) error {
		if err := st.refuse(c); err != nil {
			return err
		}
		for _, sp := range c.Spaces {
			s.put(st, sp)
		}
		number = s.write(st, c.Writes)
		return nil
	})
	return number, err
}

// refuseWrites returns an error if a record does not have the version that its write expects.
func (st *state) refuseWrites(ws []account.Write) error {
	for _, w := range ws {
		if have := st.records[w.Kind][w.Key].Version; !w.Append && w.If != account.AnyVersion && w.If != have {
			return &account.Error{Code: account.Stale}
		}
	}
	return nil
}

// refuse returns an error if c cannot be applied.
func (st *state) refuse(c account.Commit) error {
	if err := st.refuseWrites(c.Writes); err != nil {
		return err
	}
	for _, sp := range c.Spaces {
		d, ok := st.spaces[sp.App]
		switch {
		case sp.Replace != nil && sp.Replace.NewestID() > st.lastID:
			return account.ErrForeignDump
		case sp.Replace != nil && ok && len(d.live) > account.MaxReplaced:
			return &account.Error{Code: account.Conflict}
		case sp.Replace != nil || !ok || !sp.Remove:
			continue
		}
		for id := range d.live {
			if !slices.Contains(d.admins, id) {
				return &account.Error{Code: account.Conflict}
			}
		}
	}
	return nil
}

// put creates, changes or removes a space.
func (s *Store) put(st *state, sp account.Space) {
	if sp.Remove {
		delete(st.spaces, sp.App)
		s.forget(func(e event) bool { return e.app == sp.App })
		return
	}
	d, ok := st.spaces[sp.App]
	switch {
	case sp.Replace != nil:
		d = restored(sp.App, sp.Replace)
		s.forget(func(e event) bool { return e.app == sp.App })
	case !ok:
		d = newSpace(sp.App)
	}
	st.spaces[sp.App] = d
	d.admins = slices.Clone(sp.Admins)
	for _, id := range sp.Admins {
		st.upsert(d, account.Upsert{ID: id}, account.UpsertPolicy{Now: sp.Now, TombstoneBefore: account.AnyTombstone})
	}
}

// write writes records without checking their versions. It returns the number of the
// commit.
func (s *Store) write(st *state, ws []account.Write) uint64 {
	st.number++
	kinds := map[account.Kind]bool{}
	for _, w := range ws {
		kinds[w.Kind] = true
		key := w.KeyIn(st.number)
		if w.Value == nil {
			delete(st.records[w.Kind], key)
			continue
		}
		if st.records[w.Kind] == nil {
			st.records[w.Kind] = map[string]account.Record{}
		}
		st.records[w.Kind][key] = account.Record{Key: key, Value: bytes.Clone(w.Value), Version: st.number}
	}
	for kind := range kinds {
		s.publish(event{kind: kind})
	}
	return st.number
}

// Changes implements [account.Records].
func (s *Store) Changes(kind account.Kind) (n uint64) {
	_ = s.locked(context.Background(), func(*state) error {
		s.settle()
		n = s.changes[kind]
		return nil
	})
	return n
}
