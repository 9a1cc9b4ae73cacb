package diff

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"rollcall/internal/account"
	"rollcall/internal/source"
)

// Sizes of a sort. Together they limit its memory to about 16 MiB.
const (
	runBytes   = 6 << 20  // records that are sorted in memory
	maxRuns    = 64       // runs that are merged at once
	readBytes  = 32 << 10 // buffer for each
	maxFaults  = 10       // that are kept
	maxRecord  = 1 << 20  // bytes
	tempPrefix = "rollcall-diff-"
)

// A File contains the accounts of files, sorted by id. Rows of one id are combined as an
// import combines them.
type File struct {
	Fields Fields   // that occur in the files
	Tags   []string // that occur, in order
	Rows   int64    // that are accounts
	Faulty int64    // that are not
	Faults []string // the first ones: where and why

	runBytes int
	tags     map[string]bool
	temp     *os.File // nil as long as everything is in memory
	runs     []run
	size     int64 // of temp

	data    []byte // records of the run in memory
	records [][]byte
	row     Row
}

// A run is a part of the temporary file with records in order.
type run struct{ start, end int64 }

// Sort reads all rows of files and sorts them, in a temporary file if they are many. The
// caller must close the File.
func Sort(rows func(yield func(*source.Row, error) bool)) (*File, error) {
	return sortRows(rows, runBytes)
}

func sortRows(rows func(yield func(*source.Row, error) bool), size int) (f *File, err error) {
	f = &File{runBytes: size, tags: map[string]bool{}, data: make([]byte, 0, size+maxRecord)}
	for row, rowErr := range rows {
		if err = rowErr; err == nil {
			err = f.add(row)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	f.Tags = sortedKeys(f.tags)
	f.Fields.Profile = len(f.Tags) > 0
	if f.temp != nil {
		err = f.spill()
	} else {
		f.sortMemory()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// add adds a row of a file.
func (f *File) add(row *source.Row) error {
	if row.Deleted() {
		return nil
	}
	if why := fault(row); why != "" {
		f.Faulty++
		if len(f.Faults) < maxFaults {
			f.Faults = append(f.Faults, fmt.Sprintf("%s: line %d: %s", row.File.Name, row.Line, why))
		}
		return nil
	}
	f.Rows++
	f.Fields.Nick = f.Fields.Nick || row.Nick != nil
	f.Fields.FaceURL = f.Fields.FaceURL || row.FaceURL != nil
	r := &f.row
	r.ID, r.Nick, r.FaceURL, r.Tags = row.UserID, row.Nick, row.FaceURL, r.Tags[:0]
	for _, t := range row.Tags {
		value := string(t.Text)
		if t.IsNumber {
			value = fmt.Sprint(t.Number)
		}
		f.tags[t.Name] = true
		r.set(Tag{strings.Clone(t.Name), value, t.IsNumber})
	}
	start := len(f.data)
	f.data = appendRecord(f.data, r)
	f.records = append(f.records, f.data[start:len(f.data):len(f.data)])
	if len(f.data) < f.runBytes {
		return nil
	}
	return f.spill()
}

// fault returns why no import accepts a row, or "". The vendor would refuse to answer about
// an id that breaks the rules, together with the other ids of the call.
func fault(row *source.Row) string {
	if row.Fault != "" {
		return row.Fault
	}
	u := account.Upsert{ID: account.UserID(row.UserID), Nick: string(row.Nick), FaceURL: string(row.FaceURL)}
	return account.DetailOf(u.Validate(false))
}

// sortMemory sorts the records in memory. Records of one id keep their order.
func (f *File) sortMemory() { slices.SortStableFunc(f.records, compareIDs) }

// spill writes the records in memory as a run.
func (f *File) spill() error {
	if len(f.records) == 0 {
		return nil
	}
	f.sortMemory()
	err := f.write(func(w *bufio.Writer) error {
		for _, r := range f.records {
			if err := writeRecord(w, r); err != nil {
				return err
			}
		}
		return nil
	})
	f.data, f.records = f.data[:0], f.records[:0]
	if err == nil && len(f.runs) == maxRuns {
		err = f.compact()
	}
	return err
}

func writeRecord(w *bufio.Writer, record []byte) error {
	var length [binary.MaxVarintLen64]byte
	if _, err := w.Write(length[:binary.PutUvarint(length[:], uint64(len(record)))]); err != nil {
		return err
	}
	_, err := w.Write(record)
	return err
}

// write appends a run, which fill writes, to the temporary file.
func (f *File) write(fill func(*bufio.Writer) error) error {
	if f.temp == nil {
		temp, err := os.CreateTemp("", tempPrefix) // mode 0600
		if err != nil {
			return fmt.Errorf("no temporary file for sorting: %w; choose another directory with $TMPDIR", err)
		}
		f.temp = temp
		_ = os.Remove(temp.Name()) // the open file goes on, and nothing is left after the end
	}
	start := f.size
	counted := &countingWriter{w: io.NewOffsetWriter(f.temp, start)}
	w := bufio.NewWriterSize(counted, readBytes)
	if err := errors.Join(fill(w), w.Flush()); err != nil {
		return fmt.Errorf("the temporary file cannot be written: %w; free space there, or choose another directory with $TMPDIR", err)
	}
	f.size += counted.n
	f.runs = append(f.runs, run{start, f.size})
	return nil
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// compact merges all runs into one, in a new file.
func (f *File) compact() error {
	old, runs := f.temp, f.runs
	f.temp, f.runs, f.size = nil, nil, 0
	defer old.Close()
	return f.write(func(w *bufio.Writer) error {
		var b []byte
		for row, err := range mergeRuns(old, runs) {
			if err != nil {
				return err
			}
			b = appendRecord(b[:0], row)
			if err := writeRecord(w, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sorted returns the accounts in the order of their ids.
func (f *File) Sorted() Rows {
	if f.temp == nil {
		return combined(func(yield func([]byte, error) bool) {
			for _, r := range f.records {
				if !yield(r, nil) {
					return
				}
			}
		})
	}
	return mergeRuns(f.temp, f.runs)
}

// Close removes the temporary file.
func (f *File) Close() error {
	if f == nil || f.temp == nil {
		return nil
	}
	return f.temp.Close()
}

// combined decodes records in order and combines those of one id.
func combined(records func(yield func([]byte, error) bool)) Rows {
	return func(yield func(*Row, error) bool) {
		var row, later Row
		var kept []byte // the memory of row
		begun := false
		for record, err := range records {
			if err == nil {
				err = decodeRecord(record, &later)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if begun && bytes.Equal(row.ID, later.ID) {
				row.apply(later.clone())
				continue
			}
			if begun && !yield(&row, nil) {
				return
			}
			begun, kept = true, append(kept[:0], record...)
			_ = decodeRecord(kept, &row) // as before
		}
		if begun {
			yield(&row, nil)
		}
	}
}

// mergeRuns returns the accounts of runs in order. Later runs contain later rows.
func mergeRuns(file io.ReaderAt, runs []run) Rows {
	return combined(func(yield func([]byte, error) bool) {
		var h runHeap
		for i, r := range runs {
			c := &cursor{r: bufio.NewReaderSize(io.NewSectionReader(file, r.start, r.end-r.start), readBytes), order: i}
			if err := c.next(); err != nil {
				yield(nil, err)
				return
			}
			h = append(h, c)
		}
		heap.Init(&h)
		for len(h) > 0 {
			c := h[0]
			if !yield(c.record, nil) {
				return
			}
			switch err := c.next(); {
			case err == io.EOF:
				heap.Pop(&h)
			case err != nil:
				yield(nil, err)
				return
			default:
				heap.Fix(&h, 0)
			}
		}
	})
}

// A cursor reads the records of a run.
type cursor struct {
	r      *bufio.Reader
	order  int
	record []byte
}

func (c *cursor) next() error {
	n, err := binary.ReadUvarint(c.r)
	if err != nil {
		return err
	}
	if n > maxRecord {
		return errRun
	}
	c.record = slices.Grow(c.record[:0], int(n))[:n]
	if _, err := io.ReadFull(c.r, c.record); err != nil {
		return errRun
	}
	return nil
}

// A runHeap orders cursors by their ids and, for the same id, by the order of runs.
type runHeap []*cursor

func (h runHeap) Len() int      { return len(h) }
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(any)     { panic("never called") }

func (h runHeap) Less(i, j int) bool {
	c := compareIDs(h[i].record, h[j].record)
	return c < 0 || c == 0 && h[i].order < h[j].order
}

func (h *runHeap) Pop() any {
	n := len(*h) - 1
	*h = (*h)[:n]
	return nil
}
