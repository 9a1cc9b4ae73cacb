package pebble

import (
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
	u := &upsert{Imports: record.NewImports(app, items, p.Now), app: app, policy: p, hashes: make([]uint64, len(items))}
	for i := range items {
		u.hashes[i] = t.Hash(u.Name(i))
	}
	return u
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
