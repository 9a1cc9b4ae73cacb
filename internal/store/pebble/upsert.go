package pebble

import (
	"rollcall/internal/account"
)

// An upsert is a batch of accounts to import, encoded by the goroutine of its
// caller, so that the committer has little left to do for each. It shares
// nothing with the caller.
type upsert struct {
	app    account.AppID
	now    int64 // unix milliseconds
	policy account.UpsertPolicy
	head   int // length of the head of each account
	items  []upsertItem
	hashes []uint64 // of the names
	buf    []byte   // for each item its name, and the account as it would be made
}

type upsertItem struct {
	start, name, end uint32 // the name ends, and the account begins, at name
}

// noTexts is what an account without a profile has after its head: two empty
// texts and no fields.
var noTexts = []byte{0, 0, 0}

func newUpsert(t *table, app account.AppID, items []account.Upsert, p account.UpsertPolicy) *upsert {
	u := &upsert{app: app, now: p.Now.UnixMilli(), policy: p}
	u.items, u.hashes = make([]upsertItem, len(items)), make([]uint64, len(items))
	size := 0
	for i := range items {
		size += itemBytes + len(items[i].ID) + len(items[i].Nick) + len(items[i].FaceURL)
	}
	u.buf = make([]byte, 0, size)
	for i := range items {
		u.items[i] = u.add(&items[i])
		u.hashes[i] = t.hash(u.name(i))
	}
	return u
}

// itemBytes is about what an account takes besides its texts.
const itemBytes = 48

func (u *upsert) add(item *account.Upsert) upsertItem {
	it := upsertItem{start: uint32(len(u.buf))}
	u.buf = appendName(u.buf, u.app, item.ID)
	it.name = uint32(len(u.buf))
	u.buf = appendHead(u.buf, head{created: u.now, updated: u.now})
	u.head = len(u.buf) - int(it.name)
	u.buf = appendText(u.buf, item.Nick)
	u.buf = appendText(u.buf, item.FaceURL)
	u.buf = append(u.buf, 0)
	it.end = uint32(len(u.buf))
	return it
}

// size returns how many bytes of journal it makes at most, if nothing in it is
// there already.
func (u *upsert) size() int { return len(u.buf) + changeBytes*len(u.items) }

// item returns the name of an item, and its account without an InternalID.
func (u *upsert) item(i int) (name, value []byte) {
	it := &u.items[i]
	return u.buf[it.start:it.name], u.buf[it.name:it.end]
}

func (u *upsert) name(i int) []byte { return u.buf[u.items[i].start:u.items[i].name] }

// texts returns the account of an item without its head.
func (u *upsert) texts(i int) []byte { return u.buf[int(u.items[i].name)+u.head : u.items[i].end] }

// encode returns the account of an item with a watermark.
func (u *upsert) encode(i int, kicked int64) []byte {
	b := appendHead(nil, head{kicked: kicked, created: u.now, updated: u.now})
	return append(b, u.texts(i)...)
}

// tooLong returns an error if an id is longer than the table can hold.
func tooLong[T ~string](ids ...T) error {
	for _, id := range ids {
		if idOffsetInName+len(id) > maxName {
			return &account.Error{Code: account.InvalidID, Detail: "the UserID is longer than the store can keep; shorten it"}
		}
	}
	return nil
}
