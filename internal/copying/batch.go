package copying

import (
	"strings"
	"unsafe"

	"rollcall/internal/account"
)

// Sizes of a batch.
const (
	textBytes  = 1 << 20  // of its texts
	rowBytes   = 32 << 10 // of the texts of an account; a longer one gets memory of its own
	someFields = 4096     // of profiles
)

// A batch is a part of the rows of an app, in memory of its own, which is used again.
type batch struct {
	rows   []account.Exported
	text   []byte          // memory of texts; it never grows
	fields []account.Field // memory of profiles; it never grows
	upTo   int64           // rows of the app up to the end of the batch
}

func newBatch() *batch {
	return &batch{
		rows:   make([]account.Exported, 0, account.LoadBatch),
		text:   make([]byte, 0, textBytes+rowBytes),
		fields: make([]account.Field, 0, someFields),
	}
}

func (b *batch) reset() { b.rows, b.text, b.fields = b.rows[:0], b.text[:0], b.fields[:0] }

// full reports whether b takes no more than most rows.
func (b *batch) full(most int) bool { return len(b.rows) == most || len(b.text) >= textBytes }

// last returns the last id of b.
func (b *batch) last() account.UserID { return b.rows[len(b.rows)-1].ID }

// add adds a copy of a row.
func (b *batch) add(e *account.Exported) {
	b.rows = append(b.rows, *e)
	r := &b.rows[len(b.rows)-1]
	r.ID, r.Nick, r.FaceURL = account.UserID(b.own(string(e.ID))), b.own(e.Nick), b.own(e.FaceURL)
	if len(e.Profile) > 0 {
		r.Profile = b.profile(e.Profile)
	}
}

// own returns a copy of a text, in the memory of b if there is space.
func (b *batch) own(text string) string {
	if text == "" {
		return ""
	}
	if len(b.text)+len(text) > cap(b.text) {
		return strings.Clone(text)
	}
	start := len(b.text)
	b.text = append(b.text, text...)
	return unsafe.String(&b.text[start], len(text))
}

// profile returns a copy of fields.
func (b *batch) profile(fields []account.Field) []account.Field {
	if len(b.fields)+len(fields) > cap(b.fields) {
		b.fields = make([]account.Field, 0, max(len(fields), someFields)) // rows keep the one before
	}
	start := len(b.fields)
	for _, f := range fields {
		f.Tag, f.Value.Text = account.Tag(b.own(string(f.Tag))), b.own(f.Value.Text)
		b.fields = append(b.fields, f)
	}
	return b.fields[start:len(b.fields):len(b.fields)]
}
