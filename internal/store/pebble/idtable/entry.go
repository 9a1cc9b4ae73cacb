package idtable

import "rollcall/internal/store/pebble/record"

// An Entry is what the table knows of one id. The zero entry is an id that was
// never imported.
type Entry struct {
	InternalID uint64 // 0: there is no such account; at most MaxID
	Pos        uint64 // of the newest change in the journal; at most MaxPos
	Kicked     int64  // watermark, unix seconds
	Deleted    int64  // time of deletion, unix milliseconds; only if gone
	Gone       bool   // there was an account, and it is deleted
}

// Live reports whether there is such an account.
func (e Entry) Live() bool { return e.InternalID != 0 }

// LiveEntry reads the Entry, without Pos, of an account from its stored form. Its
// only error is [record.ErrCorrupt].
func LiveEntry(value []byte) (Entry, error) {
	h, err := record.DecodeHead(value)
	return Entry{InternalID: h.InternalID, Kicked: h.Kicked}, err
}

// GoneEntry reads the Entry, without Pos, of a deleted account from the stored form
// of what is left of it. Its only error is [record.ErrCorrupt].
func GoneEntry(value []byte) (Entry, error) {
	g, err := record.DecodeGone(value)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Gone: true, Deleted: g.Deleted, Kicked: g.Kicked}, nil
}
