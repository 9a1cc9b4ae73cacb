package bulk

import (
	"unicode/utf8"

	"rollcall/internal/account"
	"rollcall/internal/directory"
	"rollcall/internal/records"
	"rollcall/internal/source"
)

// Limits of a chunk. With them, the event of a chunk fits into a record of the outbox,
// even if each byte is escaped.
const (
	maxChunkRows = 8192
	maxChunkCost = 640 << 10 // of its rows; see rowCost

	// Costs of the frame of an item and of a tag in an event.
	rowCost = 25
	tagCost = 13
)

// A chunk contains consecutive rows of an import. It is reused.
type chunk struct {
	first, last int64 // its rows, including empty ones; last is first-1 if there are none
	rows        []chunkRow
	tags        []chunkTag
	text        []byte // of all rows
	cost        int
	items       []account.Upsert // set by seal
	joined      string           // text, after seal
}

// A chunkRow is a row that is not empty. Its texts are in the text of the chunk.
type chunkRow struct {
	row             int64
	line            int
	id, nick, image int // ends of the texts, which begin at start
	start           int
	tagsEnd         int // end of its tags in the tags of the chunk
	fault           string
}

// A chunkTag is a tag of a row.
type chunkTag struct {
	start, name, text int // of its texts
	number            uint64
	isNumber          bool
}

// reset prepares c for rows from first on.
func (c *chunk) reset(first int64) {
	c.first, c.last = first, first-1
	c.rows, c.tags, c.text, c.items = c.rows[:0], c.tags[:0], c.text[:0], c.items[:0]
	c.cost, c.joined = 0, ""
}

// empty reports whether c has no rows.
func (c *chunk) empty() bool { return c.last < c.first }

// skip adds an empty row.
func (c *chunk) skip() { c.last++ }

// add adds the next row and copies its texts.
func (c *chunk) add(r *source.Row) {
	c.last++
	row := chunkRow{row: c.last, line: r.Line, start: len(c.text), fault: r.Fault}
	id := r.UserID
	if r.Fault != "" {
		id = clip(id)
	}
	c.text = append(c.text, id...)
	row.id = len(c.text)
	if r.Fault == "" {
		c.text = append(c.text, r.Nick...)
		row.nick = len(c.text)
		c.text = append(c.text, r.FaceURL...)
		row.image = len(c.text)
		for i := range r.Tags {
			c.addTag(&r.Tags[i])
		}
	}
	row.tagsEnd = len(c.tags)
	c.rows = append(c.rows, row)
	c.cost += rowCost + len(c.text) - row.start + len(r.Fault)
}

func (c *chunk) addTag(t *source.Tag) {
	tag := chunkTag{start: len(c.text), number: t.Number, isNumber: t.IsNumber}
	c.text = append(c.text, t.Name...)
	tag.name = len(c.text)
	c.text = append(c.text, t.Text...)
	tag.text = len(c.text)
	c.tags = append(c.tags, tag)
	c.cost += tagCost
}

// maxShownID is the largest part of an id in a rejection, in bytes.
const maxShownID = 64

// clip shortens an id that is too long for an account, for a rejection.
func clip[T ~string | ~[]byte](id T) T {
	if len(id) <= maxShownID {
		return id
	}
	n := maxShownID
	for n > 0 && !utf8.RuneStart(id[n]) {
		n--
	}
	return id[:n]
}

// full reports whether c should be committed before the next row, given a limit of rows.
func (c *chunk) full(rows int) bool {
	return c.last-c.first+1 >= int64(rows) || c.cost >= maxChunkCost
}

// seal sets the items of c: a row with a fault has none.
func (c *chunk) seal() {
	c.joined, c.items = string(c.text), c.items[:0]
	for i := range c.rows {
		if r := &c.rows[i]; r.fault == "" {
			c.items = append(c.items, account.Upsert{
				ID: account.UserID(c.joined[r.start:r.id]), Nick: c.joined[r.id:r.nick], FaceURL: c.joined[r.nick:r.image],
			})
		}
	}
}

// changes returns the tags of the row i as changes of a profile.
func (c *chunk) changes(i int) []directory.Change {
	from := 0
	if i > 0 {
		from = c.rows[i-1].tagsEnd
	}
	tags := c.tags[from:c.rows[i].tagsEnd]
	if len(tags) == 0 {
		return nil
	}
	changes := make([]directory.Change, len(tags))
	for j, t := range tags {
		v := account.Value{Number: t.number, IsNumber: t.isNumber}
		if !t.isNumber {
			v.Text = c.joined[t.name:t.text]
		}
		changes[j] = directory.Change{Tag: account.Tag(c.joined[t.start:t.name]), Value: v}
	}
	return changes
}

// rejection returns the rejection of the row i.
func (c *chunk) rejection(i int, code int, reason string) records.Rejection {
	r := &c.rows[i]
	return records.Rejection{Row: r.row, Line: r.line, UserID: clip(c.joined[r.start:r.id]), Code: code, Reason: reason}
}
