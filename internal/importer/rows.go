package importer

import (
	"context"
	"errors"

	"rollcall/client"
	"rollcall/internal/account"
	"rollcall/internal/source"
)

// Limits of a chunk. A chunk is long enough to make the cost of passing it on small.
const (
	chunkRows  = 512
	chunkBytes = 64 << 10
)

// A row is a copy of a row of a file, and its verdict.
type row struct {
	number        int64
	file          *source.File
	line          int
	id            string
	nick, faceURL string
	tags          []client.Field
	raw           string // the record as it was written

	verdict
	answered bool // the call under way has set the verdict
	judged   bool // the verdict is known to the run
	faulty   bool // judged when it was read; no server gets it
	next     *row // the next row of the same id that is under way
}

// A verdict says what became of a row.
type verdict struct {
	code   client.Code
	reason string // "" if the row was not rejected
	absent bool   // a deletion of an id that does not exist
}

func (r *row) account() client.Account {
	return client.Account{UserID: r.id, Nick: r.nick, FaceURL: r.faceURL}
}

// judge sets the verdict.
func (r *row) judge(v verdict) { r.verdict, r.judged = v, true }

// answer sets the verdict in the goroutine of a call.
func (r *row) answer(v verdict) { r.verdict, r.answered = v, true }

// A chunk contains consecutive rows. Their texts share memory.
type chunk struct {
	rows []row
	size int   // bytes of the texts
	at   int64 // bytes of the input up to the end of the chunk
	end  bool  // no rows follow
	err  error // with which the files end
}

// A builder fills a chunk.
type builder struct {
	rows  []row
	ends  []int // of the four texts of each row in text
	text  []byte
	check func(*row) verdict
}

// add copies r.
func (b *builder) add(number int64, r *source.Row) {
	b.rows = append(b.rows, row{number: number, file: r.File, line: r.Line, tags: fieldsOf(r), verdict: verdict{reason: r.Fault}, judged: r.Fault != ""})
	for _, text := range [][]byte{r.UserID, r.Nick, r.FaceURL, r.Raw} {
		b.text = append(b.text, text...)
		b.ends = append(b.ends, len(b.text))
	}
}

// full reports whether no row may be added.
func (b *builder) full() bool { return len(b.rows) == chunkRows || len(b.text) >= chunkBytes }

// chunk returns the rows that were added, and begins anew. Rows that no server would accept
// have their verdict.
func (b *builder) chunk() *chunk {
	text := string(b.text)
	c := &chunk{rows: b.rows, size: len(text)}
	start := 0
	next := func() string {
		end := b.ends[0]
		b.ends = b.ends[1:]
		part := text[start:end]
		start = end
		return part
	}
	all := b.ends[:0]
	for i := range c.rows {
		r := &c.rows[i]
		r.id, r.nick, r.faceURL, r.raw = next(), next(), next(), next()
		if !r.judged {
			if v := b.check(r); v.reason != "" {
				r.judge(v)
			}
		}
		r.faulty = r.judged
	}
	b.rows, b.ends, b.text = make([]row, 0, chunkRows), all, b.text[:0]
	return c
}

// read copies the rows after skip, in another goroutine. The last chunk says so. The channel is
// closed after it, and when ctx ends. A read of a terminal or a pipe cannot be interrupted, so
// nobody waits for the goroutine.
func (j *Job) read(ctx context.Context, skip int64) <-chan *chunk {
	chunks := make(chan *chunk, 2)
	go func() {
		defer close(chunks)
		b := &builder{rows: make([]row, 0, chunkRows), check: j.check}
		p := &position{sizes: map[*source.File]int64{}}
		send := func(end bool, err error) bool {
			c := b.chunk()
			c.end, c.err, c.at = end, err, p.total()
			select {
			case chunks <- c:
				return true
			case <-ctx.Done():
				return false
			}
		}
		number := int64(0)
		for r, err := range source.Read(j.Files, j.Stdin, j.Source) {
			if err != nil {
				send(true, err)
				return
			}
			if number++; number <= skip {
				if number%4096 == 0 && ctx.Err() != nil {
					return
				}
				continue
			}
			p.see(r.File)
			if b.add(number, r); b.full() && !send(false, nil) {
				return
			}
		}
		if number < skip {
			send(true, errors.New("the files have fewer rows than an earlier run has read: they have changed; begin anew with --restart"))
			return
		}
		send(true, nil)
	}()
	return chunks
}

// check applies the rules that need no server. Calls whose rows are all well-formed need no
// second call to find out which row is not.
func (j *Job) check(r *row) verdict {
	err := account.Upsert{ID: account.UserID(r.id), Nick: r.nick, FaceURL: r.faceURL}.Validate(j.Strict)
	if j.Operation == Delete {
		err = account.UserID(r.id).Validate(false)
	}
	if err == nil {
		return verdict{}
	}
	code := client.CodeBadParameter
	if account.CodeOf(err) == account.ValueTooLong {
		code = client.CodeValueTooLong
	}
	return verdict{code: code, reason: account.DetailOf(err)}
}

// fieldsOf returns copies of the tags of r.
func fieldsOf(r *source.Row) []client.Field {
	if len(r.Tags) == 0 {
		return nil
	}
	fields := make([]client.Field, len(r.Tags))
	for i, t := range r.Tags {
		fields[i] = client.Field{Tag: t.Name, Text: string(t.Text), Number: t.Number, IsNumber: t.IsNumber}
	}
	return fields
}
