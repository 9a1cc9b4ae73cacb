package account

import (
	"cmp"
	"context"
	"time"
)

// A Store keeps accounts. Implementations are safe for concurrent use.
//
// # Batches
//
// Methods take batches; a single operation is a batch of one. Results come in
// the order of the request, one for each item. Ids may repeat in a batch: its
// items apply in order, each seeing what the ones before it did. Callers
// validate; a store does not judge ids or values. Each account changes
// atomically. A batch as a whole is not atomic: another caller may see it half
// applied, and after a crash in mid-call any part of it may be there.
//
// Updated is the latest of the times of an account's changes, as their callers say them.
// A change of an earlier time than the one before it applies, and leaves Updated as it
// is. So an engine that stores changes apart from the account may apply one, or several
// of them in their order, once more: the account stays the same.
//
// No account is without its app: a write to an app that has no [Space] changes nothing
// and returns an error with Code [NoApp]. That is decided where the write happens, so it
// holds for a call that began before the space was removed, too. A read of such an app
// finds no account.
//
// # Durability
//
// A method that changes something returns a nil error only when every change
// that its results report is durable: it survives a killed process and the
// loss of the machine's memory. What a read has returned is durable too: no
// answer rests on a change that a crash could still undo. Every call observes
// all changes whose calls returned before it was made.
//
// # Errors
//
// A batch either returns results or an error:
//
//   - [Unavailable]: the call changed nothing and can be retried. The queue is full, ctx
//     ended before the change began, or the engine is not reachable.
//   - [Unknown]: each change of the call may or may not have happened, or may still
//     happen. Retrying the call is safe. Reads never return it.
//   - [Internal]: the store cannot do what was asked. It has failed or its disk is full.
//     The outcome is as open as with Unknown.
//
// Each method also names the Codes of its results. Detail never holds a driver's text.
//
// Slices that a Store returns belong to the caller; slices given to it, and the
// memory of the texts given to Upsert and Status, may be reused after the call
// has returned, but not before, also when ctx ends.
type Store interface {
	// Upsert imports accounts. An id that does not exist is created with a new
	// InternalID and Created set to p.Now, if its tombstone and p.Limit allow
	// it. For one that exists, Nick and FaceURL overwrite what is stored where
	// they are not empty; if that changes nothing, Updated stays as it is.
	//
	// The limit holds also under concurrent calls: a batch that reaches it
	// fills it in order and the rest is refused.
	//
	// Codes of results: OK, Tombstoned, QuotaFull (judged in this order).
	Upsert(ctx context.Context, app AppID, items []Upsert, p UpsertPolicy) ([]UpsertResult, error)

	// Watermark returns the time of the last kick of an id in unix seconds, 0 or
	// [Unkicked] for none. It costs no more than a look-up in memory. A handle of a
	// shared engine can miss a kick on another handle for up to [MaxStale].
	Watermark(ctx context.Context, app AppID, id UserID) (int64, error)

	// Status tells which ids exist, and their watermarks. It is the cheap
	// read: it must not cost more than a look-up in memory where an engine
	// keeps its ids there.
	Status(ctx context.Context, app AppID, ids []UserID) ([]Status, error)

	// Lookup returns whole accounts. One that does not exist has InternalID 0
	// and nothing else but its ID.
	Lookup(ctx context.Context, app AppID, ids []UserID) ([]Account, error)

	// Update changes accounts that exist. Each patch applies as a whole or,
	// where the account does not exist, not at all.
	//
	// Codes of results: OK, NoAccount.
	Update(ctx context.Context, app AppID, patches []Patch, p ChangePolicy) ([]Code, error)

	// Delete removes accounts, leaves a tombstone with the time p.Now for each,
	// and frees their quota. Admins, as the app's [Space] names them when the write
	// happens, are not removed.
	//
	// Codes of results: OK, AdminProtected, NoAccount.
	Delete(ctx context.Context, app AppID, ids []UserID, p ChangePolicy) ([]Code, error)

	// List returns accounts in the byte order of their ids.
	List(ctx context.Context, app AppID, q ListQuery) (ListPage, error)

	// Count returns how many accounts exist, exactly, in constant time.
	Count(ctx context.Context, app AppID) (int64, error)

	// Ready returns nil if the store can take writes, or says why it cannot.
	// It answers at once, also when the disk does not.
	Ready(ctx context.Context) error

	// Close finishes the calls under way and releases the store. No method may
	// be called after Close.
	Close() error
}

// An Upsert is one account to import.
type Upsert struct {
	ID            UserID
	Nick, FaceURL string // empty leaves what is stored
}

// Apply lays u's texts over an account that exists. If that changes anything, Updated
// becomes the later of itself and now. Apply reports whether it changed anything.
func (u Upsert) Apply(a *Account, now time.Time) bool {
	before, beforeURL := a.Nick, a.FaceURL
	a.Nick = cmp.Or(u.Nick, a.Nick)
	a.FaceURL = cmp.Or(u.FaceURL, a.FaceURL)
	if a.Nick == before && a.FaceURL == beforeURL {
		return false
	}
	a.touch(now)
	return true
}

// An UpsertPolicy is what the rules say about an import, for the engine to
// apply where the write happens.
type UpsertPolicy struct {
	Now time.Time

	// Limit is the most accounts that the app may hold; 0 is no limit.
	// Accounts above it stay, and updates are never refused.
	Limit int64

	// TombstoneBefore lets an id come back if it was deleted before this time.
	// The zero time lets none come back; see [AnyTombstone].
	TombstoneBefore time.Time

	// Outbox returns records to write in the same commit as the import, once its results
	// are decided. Each of them appends or has If AnyVersion: none can be refused. If
	// Outbox is nil, nothing is written and nothing is paid. Outbox must not block or call
	// the store. It may be called more than once, and after the call has returned with
	// [Unknown]. A batch that an engine splits into several commits has a call for each,
	// with the results of all items that are not in it set to the zero value, whose Code is
	// [Internal]. If Outbox panics or returns what breaks a rule, the call returns an error
	// with Code [Internal], and the store goes on: the changes may be there without records.
	Outbox func([]UpsertResult) []Write
}

// A ChangePolicy is what the rules say about a change or a deletion.
type ChangePolicy struct {
	Now time.Time

	// Outbox is as [UpsertPolicy.Outbox], for the codes of an update or a deletion.
	Outbox func([]Code) []Write
}

// AnyTombstone is the TombstoneBefore that lets every id come back at once.
var AnyTombstone = time.Unix(1<<40, 0)

// An UpsertResult is the outcome for one item.
type UpsertResult struct {
	Code       Code
	Created    bool
	InternalID uint64 // 0 unless Code is OK
}

// A Status is what is known of an id without its profile.
type Status struct {
	InternalID uint64 // 0 if there is no such account
	Kicked     int64  // watermark in unix seconds, 0 or [Unkicked] for none; also of ids without an account
}

// Exists reports whether there is such an account.
func (s Status) Exists() bool { return s.InternalID != 0 }

// A Patch changes one account.
type Patch struct {
	ID     UserID
	Fields []Field // set; those with an unset value are cleared; for a repeated tag the last counts

	// Kicked moves the watermark to a time in unix seconds, but never back. 0
	// leaves it as it is; [Unkicked] clears it, so that the next kick counts
	// whatever its time.
	Kicked int64
}

// Watermark returns what p makes of a watermark. The outcome of several patches
// depends on their order, and is the same if all of them are applied once more.
func (p Patch) Watermark(before int64) int64 {
	switch p.Kicked {
	case 0:
		return before
	case Unkicked:
		return Unkicked
	}
	return max(before, p.Kicked)
}

// Apply makes the changes of p to a. Updated becomes the later of itself and now, which
// is cut to milliseconds.
func (p Patch) Apply(a *Account, now time.Time) {
	for _, f := range p.Fields {
		a.SetField(f)
	}
	a.Kicked = p.Watermark(a.Kicked)
	a.touch(now)
}

// touch notes a change at the time now. Updated does not go back, also if clocks do.
func (a *Account) touch(now time.Time) {
	if at := Millis(now); at.After(a.Updated) {
		a.Updated = at
	}
}

// Millis cuts t to what accounts keep of a time: whole milliseconds in UTC.
func Millis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// MaxListLimit is the largest page of a list.
const MaxListLimit = 1000

// A ListQuery asks for a page.
type ListQuery struct {
	Prefix UserID // only ids that start with it; empty for all
	After  UserID // only ids after it; empty starts at the first
	Limit  int    // 1 to MaxListLimit
}

// A ListPage is one page of a list.
type ListPage struct {
	Accounts []Account
	Next     UserID // After of the next page; empty when there is none
}
