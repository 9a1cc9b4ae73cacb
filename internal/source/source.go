// Package source reads accounts from files: tables as CSV, TSV and xlsx, JSON lines, the
// JSON bodies of the wire, and lists of ids; compressed or not, in several encodings. It
// finds out what a file is by its content, and refuses what it is not sure of. Memory
// depends on [MaxRecord], not on the length of a file or a line.
package source

import (
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// MaxRecord is the longest record in bytes of UTF-8. The texts of an account, with every tag,
// have 12 KB at most. As JSON they fit unless nearly all of their bytes are control characters.
const MaxRecord = 64 << 10

// A Format is the form of the records of a file.
type Format string

// The formats.
const (
	CSV    Format = "csv"    // a table whose first line names the columns
	TSV    Format = "tsv"    // the same with tabs
	NDJSON Format = "ndjson" // a JSON object in each line
	JSON   Format = "json"   // an array of objects or ids, or bodies of account_import and multiaccount_import
	IDs    Format = "ids"    // an id in each line; only on request
	XLSX   Format = "xlsx"   // a sheet of a workbook
)

// Formats contains every format, for a message.
var Formats = []Format{CSV, TSV, NDJSON, JSON, IDs, XLSX}

// Options say what files are. The zero value finds it out.
type Options struct {
	Format    Format
	Encoding  string            // one of [Encodings]; "" for UTF-8 or what the mark at the beginning says
	Delimiter byte              // of a table; 0: a comma, a semicolon, a tab or a bar, as the header shows
	Sheet     string            // of a workbook; "" for the first
	Map       map[string]string // from a column or key to "userid", "nick", "face_url" or a tag
	Ignore    []string          // columns and keys to drop
}

// A File describes where rows come from.
type File struct {
	Name      string // for messages
	Format    Format
	Delimiter byte   // of a table; of a workbook that of Row.Raw
	Header    string // the first line of a table, as it is written; of a workbook as a line of CSV
	Size      int64  // in bytes; 0 if it is unknown, as of a pipe
	read      atomic.Int64
}

// Offset returns how many bytes of the file have been read so far, before decompression.
// Some of them may be in rows that are still to come. Any goroutine may call it.
func (f *File) Offset() int64 { return f.read.Load() }

// A Row is a record of a file. Its bytes are valid until the next one is read.
type Row struct {
	File                  *File
	Line                  int    // where the record begins, from 1; of a workbook the number of the row
	UserID, Nick, FaceURL []byte // as written, not trimmed
	Tags                  []Tag  // those that have a value
	Raw                   []byte // the record in UTF-8, without the end of its line; of a workbook as a line of CSV
	Fault                 string // why the record is not an account, and what to do; "" if it is one
}

// spoil makes a row with a fault of r.
func (r *Row) spoil(fault string) {
	r.UserID, r.Nick, r.FaceURL, r.Tags, r.Fault = nil, nil, nil, r.Tags[:0], fault
}

// Deleted reports whether the record is a deleted id of an export. It has a fault, because an
// import deletes nothing.
func (r *Row) Deleted() bool { return r.Fault == errDeleted.Error() }

// A Tag is a value of a profile besides nick and picture. The tag is one that an app can
// have. The app decides whether it has the tag, and whether the tag takes the value.
type Tag struct {
	Name     string // such as Tag_Profile_IM_Gender
	Text     []byte // not empty, if the tag is no number
	Number   uint64
	IsNumber bool
}

// An Error is the reason why a file cannot be read on. It is one sentence.
type Error struct {
	File string // "" of [Lines]
	Line int    // 0: the file as a whole
	Why  string
	err  error
}

func (e *Error) Error() string {
	text := e.Why
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.File != "" {
		text = e.File + ": " + text
	}
	return text
}

func (e *Error) Unwrap() error { return e.err }

// failure returns an error about a line. Its file is added by [Read].
func failure(line int, format string, args ...any) error {
	return &Error{Line: line, Why: fmt.Sprintf(format, args...)}
}

// broken returns the error of a file that breaks off.
func broken(line int, err error) error { return &Error{Line: line, Why: err.Error(), err: err} }

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Read reads the files in their order. An error, an [*Error], ends it; a row with a fault
// does not. Nothing is read before the iteration begins. Each file is open only while it is
// read.
func Read(names []string, stdin io.Reader, o Options) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		for _, name := range names {
			if !readFile(name, stdin, o, yield) {
				return
			}
		}
	}
}

func readFile(name string, stdin io.Reader, o Options, yield func(*Row, error) bool) bool {
	if name == Stdin {
		return readNamed("standard input", stdin, o, yield)
	}
	f, err := os.Open(name)
	if err != nil {
		return yield(nil, &Error{File: name, Why: reasonOf(err), err: err})
	}
	defer f.Close() // it was only read
	return readNamed(name, f, o, yield)
}

// ReadFrom reads one file, which the caller has opened and closes. Name is for messages. A
// workbook that is a regular file is read in place, others are copied.
func ReadFrom(name string, r io.Reader, o Options) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) { readNamed(name, r, o, yield) }
}

// readNamed yields the rows of r. It returns false when the iteration is to end.
func readNamed(name string, r io.Reader, o Options, yield func(*Row, error) bool) bool {
	more := true
	f := &File{Name: name}
	err := open(f, r, o, func(row *Row) bool {
		row.File = f
		more = yield(row, nil)
		return more
	})
	if err == nil || !more {
		return more
	}
	e, ok := err.(*Error)
	if !ok {
		e = &Error{Why: reasonOf(err), err: err}
	}
	e.File = name
	yield(nil, e)
	return false
}

// Expand returns the files of names, in which there can be patterns such as users-*.csv for
// shells that do not expand them. The files of a pattern are sorted by name, without the
// rejects files and journals that a run has written beside others. Each file must
// exist and occur once.
func Expand(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		matches, err := matching(name)
		if err != nil {
			return nil, err
		}
		for _, m := range matches {
			if slices.Contains(files, m) {
				return nil, fmt.Errorf("%s is given twice: give each file once", m)
			}
			files = append(files, m)
		}
	}
	return files, nil
}

// matching returns the files of a name or a pattern.
func matching(name string) ([]string, error) {
	if name == Stdin {
		return []string{name}, nil
	}
	_, err := os.Stat(name)
	if err == nil {
		return []string{name}, nil
	}
	if !strings.ContainsAny(name, "*?[") {
		return nil, &Error{File: name, Why: reasonOf(err), err: err}
	}
	matches, err := filepath.Glob(name)
	if err != nil {
		matches = nil
	}
	matches = without(matches, name)
	if len(matches) == 0 {
		return nil, fmt.Errorf("no file matches %s: correct the pattern", name)
	}
	return matches, nil
}

// outcome matches what the names of files end with that a run writes beside its files.
var outcome = regexp.MustCompile(`\.(rejects(-[0-9]+)?\.[a-z]+|rollcall-(delete-)?journal(\..*)?|[a-z]+\.missing\.txt)$`)

// without leaves out the files that a run has written beside others, so that the pattern means
// the same files when the run goes on. It keeps what the pattern asks for.
func without(matches []string, pattern string) (files []string) {
	for _, m := range matches {
		ending := outcome.FindString(m)
		if ending == "" || asksFor(pattern, ending) || !beside(m, strings.TrimSuffix(m, ending)) {
			files = append(files, m)
		}
	}
	return files
}

// beside reports whether a file with that stem, which is not from the same runs, is in the
// directory of file.
func beside(file, stem string) bool {
	entries, _ := os.ReadDir(filepath.Dir(file)) // the pattern has read it
	base := filepath.Base(stem)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		other := strings.TrimSuffix(e.Name(), outcome.FindString(e.Name()))
		return strings.HasPrefix(e.Name()+".", base+".") && (other == e.Name() || other != base)
	})
}

// asksFor reports whether a pattern has the word by which the ending of a written file is
// known.
func asksFor(pattern, ending string) bool {
	for _, word := range []string{".rejects", ".rollcall-", ".missing"} {
		if strings.Contains(ending, word) && strings.Contains(pattern, word) {
			return true
		}
	}
	return false
}

// Try reads each file up to its first row, so that a mistake in the header of the last one,
// or a directory, shows before the first one is imported. It leaves out what can be read only
// once.
func Try(files []string, o Options) error {
	for _, name := range files {
		if info, err := os.Stat(name); name == Stdin || err != nil || !info.Mode().IsRegular() && !info.IsDir() {
			continue
		}
		for _, err := range Read([]string{name}, nil, o) {
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// Template is a table without rows, with the mark at its beginning by which Excel knows
// UTF-8.
const Template = "\ufeffuserid,nick,face_url\r\n"
