package idtable

import "rollcall/internal/store/pebble/record"

// An Entry is the state of an ID in the table. The zero Entry is an ID that was never
// imported, or is forgotten.
type Entry struct {
	InternalID uint64 // 0 if the account does not exist; at most MaxID
	Pos        uint64 // of the newest change in the journal; at most MaxPos
	Kicked     int64  // watermark, unix seconds
	Deleted    int64  // time of deletion, unix milliseconds; only if gone
	Gone       bool   // the account was deleted
}

// Live reports whether the account exists.
func (e Entry) Live() bool { return e.InternalID != 0 }

// LiveEntry decodes the Entry of an account, without Pos, from its stored form. Its only
// error is [record.ErrCorrupt].
func LiveEntry(value []byte) (Entry, error) {
	h, err := record.DecodeHead(value)
	return Entry{InternalID: h.InternalID, Kicked: h.Kicked}, err
}

// GoneEntry decodes the Entry of a deleted account, without Pos, from its tombstone. Its
// only error is [record.ErrCorrupt].
func GoneEntry(value []byte) (Entry, error) {
	g, err := record.DecodeGone(value)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Gone: true, Deleted: g.Deleted, Kicked: g.Kicked}, nil
}
