package dryrun

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
)

// Sizes of the memory for ids. A file of less than about a million rows needs no temporary
// file.
const (
	entrySize   = 24
	chunkSize   = 170 * entrySize // not more than a page
	partitions  = 2048
	maxExamples = 10
	defaultKept = 8 << 20 // of full chunks in memory, in bytes
)

// A place is where a row is: the number of its file in the upper bits, its line in the
// others. Places rise in the order of the rows. Zero is none.
type place uint64

const lineBits = 44

func placeOf(file, line int) place { return place(file)<<lineBits | place(line) }
func (p place) file() int          { return int(p >> lineBits) }
func (p place) line() int          { return int(p & (1<<lineBits - 1)) }

// An idHash stands for an id. Both parts together tell ids apart: they have 128 bits of
// which a file knows nothing. The first part alone is the same for ids that differ only in
// case.
type idHash struct{ folded, exact uint64 }

// An entry is an id and where it is.
type entry struct {
	idHash
	at place
}

// A collision is a row with the id of an earlier row, or one that differs only in case.
type collision struct {
	earlier, later entry
}

// ids finds the ids that occur more than once, in files of any length. The ids are divided
// by their hashes into partitions, of which each is small enough for memory at the end. A
// partition keeps the order of the rows. What is too much for memory is written to a
// temporary file.
type ids struct {
	dir   string // for the file; "" for the usual one
	kept  int    // bytes of full chunks that stay in memory, at most
	seeds [2]maphash.Seed
	parts [partitions]partition
	file  *os.File
	size  uint32 // of file, in chunks
}

type partition struct {
	open []byte   // the chunk that is being filled
	full [][]byte // chunks in memory, before those in the file
	at   []uint32 // which chunks of the file are the others
}

func newIDs(dir string, kept int) *ids {
	return &ids{dir: dir, kept: cmp.Or(kept, defaultKept), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

// hash returns the hash of id, which is folded in lower case.
func (s *ids) hash(id, folded []byte) idHash {
	return idHash{maphash.Bytes(s.seeds[0], folded), maphash.Bytes(s.seeds[1], id)}
}

// add adds an id.
func (s *ids) add(h idHash, at place) error {
	p := &s.parts[h.folded%partitions]
	if p.open == nil {
		p.open = make([]byte, 0, chunkSize)
	}
	n := len(p.open)
	p.open = p.open[:n+entrySize]
	e := p.open[n:]
	binary.LittleEndian.PutUint64(e, h.folded)
	binary.LittleEndian.PutUint64(e[8:], h.exact)
	binary.LittleEndian.PutUint64(e[16:], uint64(at))
	if len(p.open) < chunkSize {
		return nil
	}
	return s.put(p)
}

// put puts the open chunk of p away.
func (s *ids) put(p *partition) error {
	if s.kept >= chunkSize {
		s.kept -= chunkSize
		p.full = append(p.full, p.open)
		p.open = make([]byte, 0, chunkSize)
		return nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "rollcall-")
		if err != nil {
			return spillError(err)
		}
		s.file = f
		_ = os.Remove(f.Name()) // so that nothing is left when the process is killed; close tries again
	}
	if _, err := s.file.WriteAt(p.open, int64(s.size)*chunkSize); err != nil {
		return spillError(err)
	}
	p.at = append(p.at, s.size)
	s.size++
	p.open = p.open[:0]
	return nil
}

func spillError(err error) error {
	return fmt.Errorf("the ids are too many for memory, and the temporary file fails: set TMPDIR to a directory with more space (%w)", err)
}

// close removes the file.
func (s *ids) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// A count is the number of collisions of a kind, and the first of them.
type count struct {
	rows  int64
	first []collision // in the order of their later rows
}

// add counts a collision.
func (c *count) add(e collision) {
	c.rows++
	later := func(a collision, at place) int { return cmp.Compare(a.later.at, at) }
	if i, _ := slices.BinarySearchFunc(c.first, e.later.at, later); i < maxExamples {
		c.first = slices.Insert(c.first, i, e)
		c.first = c.first[:min(len(c.first), maxExamples)]
	}
}

// A tally is what ids finds.
type tally struct {
	different int64 // ids
	same      count // rows with the id of an earlier row
	folded    count // ids that differ from an earlier one only in case
	byExact   table
	byFolded  table
}

// add adds entries.
func (t *tally) add(entries []byte) {
	for ; len(entries) > 0; entries = entries[entrySize:] {
		e := entry{at: place(binary.LittleEndian.Uint64(entries[16:]))}
		e.folded, e.exact = binary.LittleEndian.Uint64(entries), binary.LittleEndian.Uint64(entries[8:])
		slot := t.byExact.slot(e.exact, func(s *entry) bool { return s.idHash == e.idHash })
		before := *slot
		*slot = e
		if before.at != 0 {
			t.same.add(collision{before, e})
			continue
		}
		t.byExact.used++
		t.different++
		slot = t.byFolded.slot(e.folded, func(s *entry) bool { return s.folded == e.folded })
		if slot.at != 0 {
			t.folded.add(collision{*slot, e})
			continue
		}
		*slot = e
		t.byFolded.used++
	}
}

// tally goes through all ids. The ids can be used only once.
func (s *ids) tally(ended func() error) (*tally, error) {
	t, chunk := new(tally), make([]byte, chunkSize)
	t.byExact.key, t.byFolded.key = exactOf, foldedOf
	for i := range s.parts {
		if err := ended(); err != nil {
			return nil, err
		}
		t.byExact.clear()
		t.byFolded.clear()
		p := &s.parts[i]
		for _, c := range p.full {
			t.add(c)
		}
		for _, at := range p.at {
			if _, err := s.file.ReadAt(chunk, int64(at)*chunkSize); err != nil {
				return nil, spillError(unexpected(err))
			}
			t.add(chunk)
		}
		t.add(p.open)
		*p = partition{}
	}
	return t, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A table contains entries by one part of their hash.
type table struct {
	key   func(*entry) uint64
	slots []entry // its length is a power of two; a slot is free if it has no place
	used  int
}

func exactOf(e *entry) uint64  { return e.exact }
func foldedOf(e *entry) uint64 { return e.folded }

// clear empties the table.
func (t *table) clear() {
	if t.used > 0 {
		clear(t.slots)
		t.used = 0
	}
}

// slot returns the slot that is the same as an entry with a key, or a free one for it.
func (t *table) slot(key uint64, same func(*entry) bool) *entry {
	if t.used >= len(t.slots)*3/4 {
		t.grow()
	}
	for i := t.home(key); ; i = (i + 1) & (len(t.slots) - 1) {
		if s := &t.slots[i]; s.at == 0 || same(s) {
			return s
		}
	}
}

// home returns the place of a key. It leaves out the bits that are the same in a partition.
func (t *table) home(key uint64) int { return int(key>>16) & (len(t.slots) - 1) }

func (t *table) grow() {
	old := t.slots
	t.slots = make([]entry, max(2*len(old), 256))
	for i := range old {
		e := &old[i]
		if e.at != 0 {
			*t.slot(t.key(e), func(*entry) bool { return false }) = *e
		}
	}
}
