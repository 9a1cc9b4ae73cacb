package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"rollcall/internal/durable"
	"rollcall/internal/source"
)

// journalVersion is the version of the form of a journal.
const journalVersion = 1

// A document is the content of a journal.
type document struct {
	Version   int        `json:"version"`
	State     string     `json:"state"`
	Operation Operation  `json:"operation"`
	Target    string     `json:"target"`
	App       uint32     `json:"sdkappid"`
	Way       Way        `json:"way"`
	Options   options    `json:"options"`
	Files     []fileMark `json:"files"`

	// Key is the key of the stream under way, and Base the row before its first row.
	Key           string `json:"key,omitempty"`
	Base          int64  `json:"base,omitempty"`
	KeyRejected   int64  `json:"key_rejected,omitempty"`   // rows that the server rejected
	CreatedBefore int64  `json:"created_before,omitempty"` // new accounts of earlier keys

	Row      int64    `json:"row"` // every verdict up to it is known, and written if it is a rejection
	Done     int64    `json:"done"`
	Created  int64    `json:"created"` // by streams
	Absent   int64    `json:"absent,omitempty"`
	Rejected int64    `json:"rejected"`
	Reasons  []Reason `json:"reasons,omitempty"`
	Retries  int64    `json:"retries,omitempty"`

	Rejects      []*rejectsMark `json:"rejects,omitempty"`
	RejectedRows int64          `json:"rejected_rows"` // length of the list of rejected rows in bytes

	Seconds   float64   `json:"seconds"` // under way
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// options are the options that decide what the rows of a file are.
type options struct {
	Format    source.Format     `json:"format,omitempty"`
	Encoding  string            `json:"encoding,omitempty"`
	Delimiter string            `json:"delimiter,omitempty"`
	Sheet     string            `json:"sheet,omitempty"`
	Map       map[string]string `json:"map,omitempty"`
	Ignore    []string          `json:"ignore,omitempty"`
}

func optionsOf(o source.Options) options {
	m := options{Format: o.Format, Encoding: o.Encoding, Sheet: o.Sheet, Map: o.Map, Ignore: o.Ignore}
	if o.Delimiter != 0 {
		m.Delimiter = string(rune(o.Delimiter))
	}
	return m
}

// A fileMark shows whether a file has changed.
type fileMark struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Ends     string    `json:"ends"` // SHA-256 of the first and the last markSize bytes
}

const markSize = 64 << 10

// markOf returns the mark of a file.
func markOf(name string) (fileMark, error) {
	f, err := os.Open(name)
	if err != nil {
		return fileMark{}, err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return fileMark{}, err
	}
	m := fileMark{Name: name, Size: info.Size(), Modified: info.ModTime().UTC()}
	h := sha256.New()
	last := io.NewSectionReader(f, max(m.Size-markSize, 0), markSize)
	if _, err := io.Copy(h, io.MultiReader(io.LimitReader(f, markSize), last)); err != nil {
		return fileMark{}, err
	}
	m.Ends = hex.EncodeToString(h.Sum(nil))
	return m, nil
}

func marksOf(names []string) ([]fileMark, error) {
	marks := make([]fileMark, len(names))
	for i, name := range names {
		var err error
		if marks[i], err = markOf(name); err != nil {
			return nil, err
		}
	}
	return marks, nil
}

// Resumable reports whether files can be read again from the beginning, as a journal needs
// it. Standard input and pipes cannot.
func Resumable(files []string) bool {
	for _, name := range files {
		if info, err := os.Stat(name); name == source.Stdin || err == nil && !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// JournalFor returns the name of the journal of a run of files.
func JournalFor(o Operation, files []string) string {
	if o == Delete {
		return files[0] + ".rollcall-delete-journal"
	}
	return files[0] + ".rollcall-journal"
}

// newDocument returns the document of a run that begins.
func (j *Job) newDocument(marks []fileMark) *document {
	now := time.Now().UTC()
	return &document{
		Version: journalVersion, State: Running, Operation: j.Operation, Target: j.Target, App: j.App, Way: j.Way,
		Options: optionsOf(j.Source), Files: marks, StartedAt: now, UpdatedAt: now,
	}
}

// ReadWay returns the way of the journal of an earlier run, or "" if there is none. A run
// that is repeated goes the same way.
func ReadWay(journal string) (Way, error) {
	d, err := readDocument(journal)
	if d == nil || err != nil {
		return "", err
	}
	return d.Way, nil
}

// readDocument reads a journal. Without one it returns nil. A journal of another version comes
// with an error.
func readDocument(name string) (*document, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := new(document)
	decoder := json.NewDecoder(bytes.NewReader(b))
	if err := decoder.Decode(d); err != nil || d.Version == 0 {
		return nil, refused("%s is no journal of an import: give another name with --journal, or remove the file", name)
	}
	if d.Version != journalVersion {
		return d, refused("the journal %s is of another version of Rollcall: go on with that one, or begin anew with --restart", name)
	}
	return d, nil
}

// added names the first file of begun that d does not have, in a part of a sentence.
func (d *document) added(begun *document) string {
	for _, f := range begun.Files {
		if !slices.ContainsFunc(d.Files, func(g fileMark) bool { return g.Name == f.Name }) {
			return "; " + f.Name + " is new"
		}
	}
	return ""
}

// differs returns an error if the run of d is another one than that of new.
func (d *document) differs(journal string, begun *document) error {
	const remedy = "begin anew with --restart, or give another --journal"
	switch {
	case d.Operation != begun.Operation:
		return refused("the journal %s is of another operation (%s): %s", journal, d.Operation, remedy)
	case d.Target != begun.Target:
		return refused("the journal %s is of the target %s, not of %s: %s", journal, d.Target, begun.Target, remedy)
	case d.App != begun.App:
		return refused("the journal %s is of the app %d, not of %d: %s", journal, d.App, begun.App, remedy)
	case d.Way != begun.Way:
		return refused("the journal %s is of a run by %s, not by %s: give --via %s, or begin anew with --restart", journal, d.Way, begun.Way, d.Way)
	case !reflect.DeepEqual(d.Options, begun.Options) && !equalJSON(d.Options, begun.Options):
		return refused("the options that say what the files are differ from those of the journal %s: give the same again, or begin anew with --restart", journal)
	case len(d.Files) != len(begun.Files):
		return refused("the journal %s is of %d files, not of %d%s: name the same files, or begin anew with --restart", journal, len(d.Files), len(begun.Files), d.added(begun))
	}
	for i, f := range d.Files {
		g := begun.Files[i]
		switch {
		case f.Name != g.Name:
			return refused("file %d of the journal %s is %s, not %s: name the same files in the same order, or begin anew with --restart", i+1, journal, f.Name, g.Name)
		case f.Size != g.Size || f.Ends != g.Ends || !f.Modified.Equal(g.Modified):
			return refused("%s has changed since row %d of it was reached: begin anew with --restart, which imports all rows of it", f.Name, d.Row)
		}
	}
	return nil
}

func equalJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return errors.Join(err1, err2) == nil && bytes.Equal(x, y)
}

// write writes d in one step.
func (d *document) write(name string) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.Write(name, append(b, '\n')); err != nil {
		return fmt.Errorf("the journal cannot be written: %w", err)
	}
	return nil
}

// A lock keeps two runs of one journal apart.
type lock struct {
	name string
	*flock.Flock
}

// lockJournal takes the lock of a journal. The lock ends with the process.
func lockJournal(journal string) (*lock, error) {
	name := journal + ".lock"
	for {
		f := flock.New(name, flock.SetPermissions(0o600))
		ok, err := f.TryLock()
		if err != nil {
			return nil, fmt.Errorf("the lock of the journal cannot be taken: %w; give another place with --journal", err)
		}
		if !ok {
			return nil, refused("another run with the journal %s is under way: wait for its end, or stop it", journal)
		}
		if held(f, name) {
			return &lock{name, f}, nil
		}
		_ = f.Close() // the holder before has removed the file meanwhile
	}
}

// held reports whether the locked file still has its name.
func held(f *flock.Flock, name string) bool {
	named, err1 := os.Stat(name)
	open, err2 := f.Stat()
	return errors.Join(err1, err2) == nil && os.SameFile(named, open)
}

func (l *lock) release() {
	_ = os.Remove(l.name) // the next run makes it again
	_ = l.Close()
}
