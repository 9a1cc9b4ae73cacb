package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rollcall/internal/durable"
	"rollcall/internal/source"
)

// Names of the columns and keys that a rejects file adds. A source drops them.
const (
	lineColumn   = "rollcall_line"
	reasonColumn = "rollcall_reason"
)

// A rejectsMark is a rejects file in the journal. Rows of another form than those of its
// first row go to another file.
type rejectsMark struct {
	Name   string `json:"name"`
	Form   string `json:"form"`
	Length int64  `json:"length"`
	SHA256 string `json:"sha256"` // of the first Length bytes
}

// rejects writes rejected rows, in the format of their source.
type rejects struct {
	l     *ledger
	open  map[string]*rejectsFile // by form
	last  *source.File
	cache *rejectsFile // of last
}

type rejectsFile struct {
	*appendFile
	mark *rejectsMark
	form form
	sum  hash.Hash // of what was written
}

// Write implements [io.Writer].
func (f *rejectsFile) Write(p []byte) (int, error) {
	_, _ = f.sum.Write(p) // never fails
	return f.appendFile.Write(p)
}

// note sets the mark of f to what was written.
func (f *rejectsFile) note() {
	f.mark.Length, f.mark.SHA256 = f.length, hex.EncodeToString(f.sum.Sum(nil))
}

func newRejects(l *ledger) *rejects { return &rejects{l: l, open: map[string]*rejectsFile{}} }

// begin finds out whether files can be written, and cuts those of the run before.
func (r *rejects) begin() error {
	if m := r.l.doc.Rejects; len(m) > 0 && r.l.job.Rejects != "" && r.l.job.Rejects != m[0].Name {
		return refused("the rejects file of the run before is %s: give the same --rejects, or begin anew with --restart", m[0].Name)
	}
	for _, m := range r.l.doc.Rejects {
		if err := r.reopen(m); err != nil {
			return err
		}
	}
	if len(r.l.doc.Rejects) > 0 {
		return nil
	}
	name := r.l.job.Rejects
	if name == "" {
		name = rejectsName(r.l.job.Files[0], ".csv")
	}
	for _, source := range r.l.job.Files {
		if same(source, name) {
			return refused("--rejects %s is a file to import: give another name", name)
		}
	}
	if _, err := os.Lstat(name); err == nil && r.l.job.Rejects != "" {
		return refused("--rejects %s exists already: give another name, or remove the file", name)
	}
	probe, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("the rejects file cannot be written: %w; give another place with --rejects", err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// same reports whether two names are of one file.
func same(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return errors.Join(err1, err2) == nil && os.SameFile(x, y)
}

// reopen opens a file of the run before. Nobody may have changed what that run has written.
// Only a run that was killed can have left more.
func (r *rejects) reopen(m *rejectsMark) error {
	sum, size, err := sumOf(m.Name, m.Length)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.Length > 0:
		return refused("the rejects file %s of the run before is gone: put it back, or begin anew with --restart", m.Name)
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return wrapRejects(m.Name, err)
	case size < m.Length, size > m.Length && !r.l.killed, m.Length > 0 && hex.EncodeToString(sum.Sum(nil)) != m.SHA256:
		return refused("the rejects file %s has changed since the run before: put it back as it was, or begin anew with --restart and another --rejects", m.Name)
	}
	a, err := openAppend(m.Name, m.Length)
	if err != nil {
		return wrapRejects(m.Name, err)
	}
	r.open[m.Form] = &rejectsFile{appendFile: a, mark: m, sum: sum}
	return nil
}

// sumOf returns the SHA-256 of the first bytes of a file, and the size of the file. Without the
// file, the sum is that of no bytes.
func sumOf(name string, length int64) (sum hash.Hash, size int64, err error) {
	sum = sha256.New()
	f, err := os.Open(name)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close() // it was only read
	if _, err := io.Copy(sum, io.LimitReader(f, length)); err != nil {
		return sum, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return sum, 0, err
	}
	return sum, info.Size(), nil
}

// write writes a rejected row.
func (r *rejects) write(row *row) error {
	f, err := r.fileOf(row.file)
	if err != nil {
		return err
	}
	place := strconv.Itoa(row.line)
	if len(r.l.job.Files) > 1 {
		place = filepath.Base(row.file.Name) + ":" + place
	}
	reason := row.reason
	if row.code > 0 {
		reason = fmt.Sprintf("%d %s", row.code, reason)
	}
	if f.length == 0 {
		_, err = f.Write(f.form.head())
	}
	if err == nil {
		_, err = f.Write(f.form.row(row, place, reason))
	}
	return wrapRejects(f.mark.Name, err)
}

func wrapRejects(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the rejects file %s cannot be written: %w", name, err)
}

// fileOf returns the rejects file for rows of f.
func (r *rejects) fileOf(f *source.File) (*rejectsFile, error) {
	if f == r.last {
		return r.cache, nil
	}
	form := formOf(f)
	file := r.open[form.name()]
	if file == nil {
		var err error
		if file, err = r.create(f, form); err != nil {
			return nil, err
		}
	}
	file.form = form
	r.last, r.cache = f, file
	return file, nil
}

// create creates a rejects file. The journal has its name first, so that a run that is
// killed leaves no file that the next one does not know.
func (r *rejects) create(f *source.File, form form) (*rejectsFile, error) {
	name := r.l.job.Rejects
	if name == "" || len(r.open) > 0 {
		name = rejectsName(f.Name, form.ending())
	}
	name = r.free(name)
	m := &rejectsMark{Name: name, Form: form.name()}
	r.l.doc.Rejects = append(r.l.doc.Rejects, m)
	if err := r.announce(); err != nil {
		return nil, err
	}
	if err := durable.Write(name, nil); err != nil { // its name is durable, too: the journal may be in another directory
		return nil, wrapRejects(name, err)
	}
	a, err := openAppend(name, 0)
	if err != nil {
		return nil, wrapRejects(name, err)
	}
	file := &rejectsFile{appendFile: a, mark: m, form: form, sum: sha256.New()}
	r.open[m.Form] = file
	return file, nil
}

// announce writes the journal as it was, with the new file. The verdicts that are not
// written yet must not be in it.
func (r *rejects) announce() error {
	if r.l.job.Journal == "" {
		return nil
	}
	d, err := readDocument(r.l.job.Journal)
	if err != nil {
		return err
	}
	if d == nil {
		return fmt.Errorf("the journal %s is gone", r.l.job.Journal)
	}
	d.Rejects = r.l.doc.Rejects
	return d.write(r.l.job.Journal)
}

// free returns a name that no file has.
func (r *rejects) free(name string) string {
	ending := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ending)
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, ending)
	}
}

// sync makes the rows durable.
func (r *rejects) sync() error {
	for _, f := range r.open {
		if err := f.sync(); err != nil {
			return wrapRejects(f.mark.Name, err)
		}
		f.note()
	}
	return nil
}

func (r *rejects) close() {
	for _, f := range r.open {
		_ = f.close() // it was synced
	}
}

// rejectsName returns the name of the rejects file beside a source.
func rejectsName(file, ending string) string {
	switch {
	case file == source.Stdin || file == "standard input":
		return "stdin.rejects" + ending
	case strings.HasPrefix(file, "/dev/") || strings.HasPrefix(file, "/proc/"): // <(command) in a shell
		return "pipe.rejects" + ending
	}
	for _, e := range []string{".gz", ".zst", ".zstd"} {
		file = strings.TrimSuffix(file, e)
	}
	return strings.TrimSuffix(file, filepath.Ext(file)) + ".rejects" + ending
}

// A form is how rejected rows of a source are written: as a table with its header and
// delimiter, or as NDJSON.
type form struct {
	json      bool
	ids       bool // the source has no header: it gets one
	delimiter byte
	header    string
	columns   int  // of the header
	again     bool // the source is a rejects file: its rows get a new place and reason
}

func formOf(f *source.File) form {
	switch f.Format {
	case source.JSON, source.NDJSON:
		return form{json: true}
	case source.IDs:
		return form{ids: true, delimiter: ',', header: "userid", columns: 1}
	}
	m := form{delimiter: f.Delimiter, header: f.Header}
	if m.delimiter == 0 {
		m.delimiter = ','
	}
	names := m.cells(m.header)
	if n := len(names); n > 2 && names[n-2] == lineColumn && names[n-1] == reasonColumn {
		m.again = true
		m.header = m.record(names[:n-2]...)
		names = names[:n-2]
	}
	m.columns = len(names)
	return m
}

// cells returns the values of a record of a table, or nil if it is malformed.
func (m form) cells(record string) []string {
	r := csv.NewReader(strings.NewReader(record))
	r.Comma = rune(m.delimiter)
	cells, err := r.Read()
	if err != nil {
		return nil
	}
	return cells
}

// name identifies the form in the journal.
func (m form) name() string {
	if m.json {
		return "ndjson"
	}
	h := sha256.Sum256([]byte(m.header))
	return fmt.Sprintf("table %q %s", m.delimiter, hex.EncodeToString(h[:8]))
}

func (m form) ending() string {
	switch {
	case m.json:
		return ".ndjson"
	case m.delimiter == '\t':
		return ".tsv"
	}
	return ".csv"
}

// byteOrderMark lets spreadsheets see that a table is UTF-8, whatever its source was.
const byteOrderMark = "\ufeff"

// head returns what a file begins with.
func (m form) head() []byte {
	if m.json {
		return nil
	}
	return fmt.Appendf(nil, "%s%s%c%s%c%s\n", byteOrderMark, m.header, m.delimiter, lineColumn, m.delimiter, reasonColumn)
}

// row returns a rejected row with its place and reason.
func (m form) row(r *row, place, reason string) []byte {
	raw := r.raw
	if strings.Contains(reason, "is not in the encoding") {
		raw = strings.ReplaceAll(raw, "\ufffd", "\xff") // still no text, so that nobody imports it unmended
	}
	switch {
	case m.json:
		return objectRow(raw, place, reason)
	case m.ids:
		raw = m.record(raw)
	}
	cells := m.cells(raw)
	if m.again && len(cells) >= m.columns+2 {
		cells = cells[:len(cells)-2]
		raw = m.record(cells...)
	}
	b := []byte(raw)
	if cells != nil {
		for n := len(cells); n < m.columns; n++ {
			b = append(b, m.delimiter)
		}
	}
	b = append(b, m.delimiter)
	return append(append(b, m.record(place, reason)...), '\n')
}

// record returns values as a record of a table.
func (m form) record(values ...string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = rune(m.delimiter)
	_ = w.Write(values) // into memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// objectRow returns the record of a JSON source on one line.
func objectRow(raw, place, reason string) []byte {
	var more bytes.Buffer
	enc := json.NewEncoder(&more)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{lineColumn: place, reasonColumn: reason}) // texts can be encoded
	added := bytes.TrimSpace(more.Bytes())
	if strings.Contains(raw, lineColumn) {
		raw = withoutReason(raw)
	}
	var one bytes.Buffer
	if json.Compact(&one, []byte(raw)) != nil || one.Len() == 0 {
		line := strings.NewReplacer("\r", " ", "\n", " ").Replace(raw)
		return fmt.Appendf(nil, "%s %s\n", line, added) // still malformed
	}
	switch text := one.Bytes(); {
	case text[0] == '"':
		return fmt.Appendf(nil, "{\"userid\":%s,%s\n", text, added[1:])
	case text[0] == '{' && len(text) > 2:
		return fmt.Appendf(nil, "%s,%s\n", text[:len(text)-1], added[1:])
	case text[0] == '{':
		return append(added, '\n')
	default:
		return fmt.Appendf(nil, "%s %s\n", text, added)
	}
}

// withoutReason returns an object of a rejects file without the keys that it got there.
func withoutReason(raw string) string {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(raw), &object) != nil {
		return raw
	}
	delete(object, lineColumn)
	delete(object, reasonColumn)
	b, err := json.Marshal(object)
	if err != nil {
		return raw
	}
	return string(b)
}
