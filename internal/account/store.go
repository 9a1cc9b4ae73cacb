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
// Methods accept batches; a single operation is a batch of one. There is one result
// for each item, in the order of the request. Ids may repeat in a batch: items apply
// in order, and each sees the effect of those before it. Callers validate ids and
// values; a store does not. Each account changes atomically. A batch as a whole is not
// atomic: another caller may see a part of it, and a crash during the call may leave
// any part of it.
//
// Upsert and Update with an Outbox are different: an engine writes a batch of up to
// [LoadBatch] items in one commit, together with the records of the Outbox. A crash leaves
// all of that commit or nothing. So a record can say which rows of a file are imported.
//
// Updated is the latest time of an account's changes, as the callers pass it. A change
// with an earlier time is applied and leaves Updated as it is. An engine that stores
// changes separately from the account may thus apply one change, or several in their
// order, again: the account stays the same.
//
// An account always belongs to an existing app. A write to an app that has no [Space]
// changes nothing and returns an error with Code [NoApp]. The engine decides this where
// the write happens, so the rule also covers a call that began before the space was
// removed. A read of such an app finds no account.
//
// # Durability
//
// A method that changes something returns a nil error only when every change
// that its results report is durable. A durable change survives a killed process
// and the loss of the machine's memory. A read returns only durable data, which no
// crash can undo. Every call observes all changes whose calls returned before it
// began.
//
// # Errors
//
// A batch returns either results or an error:
//
//   - [Unavailable]: the call changed nothing and can be retried. The queue is full, ctx
//     ended before the change began, or the engine is not reachable.
//   - [Unknown]: each change of the call may or may not have happened, or may still
//     happen. Retrying the call is safe. Reads never return it.
//   - [Internal]: the store cannot perform the call, because it has failed or its disk is
//     full. The outcome is as uncertain as with Unknown.
//
// Each method also names the Codes of its results. Detail never contains the text of a
// driver's error.
//
// The caller owns the slices that a Store returns. The caller may reuse the slices that
// it passes, and the memory of the texts that it passes to Upsert and Status, only after
// the call has returned, even if ctx has ended.
type Store interface {
	// Upsert imports accounts. It creates an account that does not exist, with a new
	// InternalID and with Created set to p.Now, if its tombstone and p.Limit allow
	// this. It updates an account that exists: Nick and FaceURL replace the stored
	// texts unless they are empty. If that changes nothing, Updated stays as it is.
	//
	// The limit is exact under concurrent calls. A batch that reaches it creates
	// accounts in order up to the limit, and refuses the rest.
	//
	// Codes of results: OK, Tombstoned, QuotaFull (checked in this order).
	Upsert(ctx context.Context, app AppID, items []Upsert, p UpsertPolicy) ([]UpsertResult, error)

	// Watermark returns the time of the last kick of an id in unix seconds, or 0 or
	// [Unkicked] if there is none. It costs no more than a look-up in memory. A handle
	// of a shared engine can miss a kick on another handle for up to [MaxStale].
	Watermark(ctx context.Context, app AppID, id UserID) (int64, error)

	// Status returns which ids exist, and their watermarks. In an engine that keeps
	// its ids in memory, it must not cost more than a look-up there.
	Status(ctx context.Context, app AppID, ids []UserID) ([]Status, error)

	// Lookup returns whole accounts. An account that does not exist has InternalID 0,
	// its ID, and zero values in all other fields.
	Lookup(ctx context.Context, app AppID, ids []UserID) ([]Account, error)

	// Update changes accounts that exist. Each patch applies as a whole, or not at
	// all if the account does not exist.
	//
	// Codes of results: OK, NoAccount.
	Update(ctx context.Context, app AppID, patches []Patch, p ChangePolicy) ([]Code, error)

	// Delete removes accounts, leaves a tombstone with the time p.Now for each, and
	// frees their quota. It does not remove the admins that the app's [Space] names
	// when the write happens.
	//
	// Codes of results: OK, AdminProtected, NoAccount.
	Delete(ctx context.Context, app AppID, ids []UserID, p ChangePolicy) ([]Code, error)

	// List returns accounts in the byte order of their ids.
	List(ctx context.Context, app AppID, q ListQuery) (ListPage, error)

	// Count returns the exact number of accounts in constant time.
	Count(ctx context.Context, app AppID) (int64, error)

	// Ready returns nil if the store accepts writes, or the reason why it does not.
	// It returns at once, even if the disk hangs.
	Ready(ctx context.Context) error

	// Close finishes the calls in progress and releases the store. No method may
	// be called after Close.
	Close() error
}

// An Upsert is one account to import.
type Upsert struct {
	ID            UserID
	Nick, FaceURL string // an empty text keeps the stored one
}

// Validate applies the rules of an import that need neither the store nor the words of an
// app: that u has a valid id (see [UserID.Validate]), and a Nick and a FaceURL of at most
// [MaxValueBytes].
//
// Codes: InvalidID, ValueTooLong.
func (u Upsert) Validate(strict bool) error {
	if err := u.ID.Validate(strict); err != nil {
		return err
	}
	switch {
	case len(u.Nick) > MaxValueBytes:
		return &Error{Code: ValueTooLong, Detail: "Nick is longer than 500 bytes; shorten it"}
	case len(u.FaceURL) > MaxValueBytes:
		return &Error{Code: ValueTooLong, Detail: "FaceUrl is longer than 500 bytes; shorten it"}
	}
	return nil
}

// CheckWords returns an error with Code SensitiveWord if a text of u contains one of the
// words of the app.
func (u Upsert) CheckWords(words *WordList) error {
	switch {
	case words.FoundIn(u.Nick):
		return &Error{Code: SensitiveWord, Detail: "Nick holds a word that the app does not allow; change it"}
	case words.FoundIn(u.FaceURL):
		return &Error{Code: SensitiveWord, Detail: "FaceUrl holds a word that the app does not allow; change it"}
	}
	return nil
}

// Apply sets the texts of u that are not empty in an account that exists. If that changes
// anything, Updated becomes the later of itself and now. Apply reports whether it changed
// anything.
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

// LoadBatch is the largest batch for which Upsert and Update write one commit. Loads of many
// accounts use it: larger batches are hardly faster, and other calls wait for the batch
// before them.
const LoadBatch = 8192

// An UpsertPolicy contains the rules of an import that the engine applies where the
// write happens.
type UpsertPolicy struct {
	Now time.Time

	// Limit is the maximum number of accounts of the app; 0 is no limit. Existing
	// accounts above it remain, and updates are never refused.
	Limit int64

	// TombstoneBefore allows importing an id again if it was deleted before this
	// time. The zero time allows none; see [AnyTombstone].
	TombstoneBefore time.Time

	// Outbox returns records to write in the same commit as the import. It is called
	// when the results of the import are decided. Rules and behaviour:
	//
	//   - Each write appends or has If AnyVersion, so no write can be refused.
	//   - Outbox must not block or call the store.
	//   - Outbox may be called more than once, and after the call has returned with
	//     [Unknown].
	//   - If an engine splits a batch of more than [LoadBatch] items into several commits, it
	//     calls Outbox for each.
	//     The results of items outside the commit are zero values, whose Code is
	//     [Internal].
	//   - If Outbox panics or its writes break a rule, the call returns an error with
	//     Code [Internal], and the store continues to work. The changes of the call may
	//     have happened without their records.
	//   - A nil Outbox writes nothing and costs nothing.
	Outbox func([]UpsertResult) []Write
}

// A ChangePolicy contains the rules of an update or a deletion.
type ChangePolicy struct {
	Now time.Time

	// Outbox works like [UpsertPolicy.Outbox], with the codes of an update or a deletion.
	Outbox func([]Code) []Write
}

// AnyTombstone is the TombstoneBefore that allows importing every id again at once.
var AnyTombstone = time.Unix(1<<40, 0)

// An UpsertResult is the outcome for one item.
type UpsertResult struct {
	Code       Code
	Created    bool
	InternalID uint64 // 0 unless Code is OK
}

// A Status is the state of an id without its profile.
type Status struct {
	InternalID uint64 // 0 if the account does not exist
	Kicked     int64  // watermark in unix seconds, 0 or [Unkicked] for none; ids without an account can have one
}

// Exists reports whether the account exists.
func (s Status) Exists() bool { return s.InternalID != 0 }

// A Patch changes one account.
type Patch struct {
	ID     UserID
	Fields []Field // fields to set, or to clear if the value is unset; the last of a repeated tag counts

	// Kicked moves the watermark to a time in unix seconds, but never back. 0 leaves
	// the watermark as it is. [Unkicked] clears it, and the next kick then sets it to
	// any time.
	Kicked int64
}

// Watermark returns the watermark after p is applied to before. The result of several
// patches depends on their order. It is the same if all of them are applied again.
func (p Patch) Watermark(before int64) int64 {
	switch p.Kicked {
	case 0:
		return before
	case Unkicked:
		return Unkicked
	}
	return max(before, p.Kicked)
}

// Apply applies p to a. Updated becomes the later of itself and now, which is truncated
// to milliseconds.
func (p Patch) Apply(a *Account, now time.Time) {
	for _, f := range p.Fields {
		a.SetField(f)
	}
	a.Kicked = p.Watermark(a.Kicked)
	a.touch(now)
}

// touch records a change at the time now. Updated never decreases, even if a clock is set
// back.
func (a *Account) touch(now time.Time) {
	if at := Millis(now); at.After(a.Updated) {
		a.Updated = at
	}
}

// Millis truncates t to the precision of stored times: whole milliseconds in UTC.
func Millis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// MaxListLimit is the largest page of a list, and the most keys of [Records.RecordsAt].
const MaxListLimit = 1000

// A ListQuery selects a page of accounts.
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
