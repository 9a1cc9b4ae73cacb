package pebble

import (
	"slices"

	"rollcall/internal/account"
	"rollcall/internal/store/pebble/idtable"
	"rollcall/internal/store/pebble/journal"
	"rollcall/internal/store/pebble/record"
)

// An upsert is a batch of accounts to import, with the values that the decision needs. It
// shares no memory with the caller.
type upsert struct {
	record.Imports
	app    account.AppID
	policy account.UpsertPolicy
	hashes []uint64 // of the names
}

func newUpsert(t *idtable.Table, app account.AppID, items []account.Upsert, p account.UpsertPolicy) *upsert {
	u := new(upsert)
	u.fill(t, app, items, p)
	return u
}

// fill replaces the content of u. It uses the memory of u again.
func (u *upsert) fill(t *idtable.Table, app account.AppID, items []account.Upsert, p account.UpsertPolicy) {
	u.app, u.policy = app, p
	u.Encode(app, items, p.Now)
	u.hashes = slices.Grow(u.hashes[:0], len(items))
	for i := range items {
		u.hashes = append(u.hashes, t.Hash(u.Name(i)))
	}
}

// upsert returns an upsert in the memory of one that was given to reuse.
func (s *Store) upsert(app account.AppID, items []account.Upsert, p account.UpsertPolicy) *upsert {
	u, ok := s.upserts.Get().(*upsert)
	if !ok {
		u = new(upsert)
	}
	u.fill(s.table, app, items, p)
	return u
}

// reuse gives the memory of u to later calls. The call of u must have returned without an
// error. After an error, the committer may still use u.
func (s *Store) reuse(u *upsert) {
	u.policy = account.UpsertPolicy{}
	s.upserts.Put(u)
}

// bytes returns the maximum size of the changes of u in the journal, in bytes.
func (u *upsert) bytes() int { return u.Size() + journal.Overhead*len(u.hashes) }

// tooLong returns an error if an ID is longer than the table can store.
func tooLong[T ~string](ids ...T) error {
	for _, id := range ids {
		if record.MinName+len(id) > idtable.MaxName {
			return &account.Error{Code: account.InvalidID, Detail: "the UserID is longer than the store can keep; shorten it"}
		}
	}
	return nil
}
