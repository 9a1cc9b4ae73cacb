// Package backup describes the copy of a store in a directory: its files, with their
// sizes and checksums. The description is written last. A copy without it is not
// complete. A copy that differs from it has been damaged or used since.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall/internal/durable"
)

// File is the name of the description in the directory of a copy.
const File = "backup.json"

// Store is the name of the store's directory in a copy. It is the same as in the data
// directory of a server.
const Store = "accounts"

// version is the form of a description.
const version = 1

// A Description says what a copy consists of.
type Description struct {
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	Files   []Entry   `json:"files"` // in the order of names
}

// An Entry is one file of a copy.
type Entry struct {
	Name   string `json:"name"` // below the directory, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// Describe reads every file of the copy in dir and writes its description. The
// copy is complete when Describe returns, and the names in dir are durable.
func Describe(dir string, now time.Time) (*Description, error) {
	found, err := read(dir)
	if err != nil {
		return nil, err
	}
	d := &Description{Version: version, Created: now.UTC()}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		d.Files = append(d.Files, found[name])
	}
	return d, d.write(dir)
}

// Write writes the description of a copy in dir whose files are known, in the order of
// names, and durable.
func Write(dir string, files []Entry, created time.Time) error {
	d := &Description{Version: version, Created: created.UTC(), Files: files}
	return d.write(dir)
}

func (d *Description) write(dir string) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(filepath.Join(dir, File), append(b, '\n'))
}

// Check compares the copy in dir with its description. The error names the first file
// that is missing, changed or not part of the copy, and says what that means.
func Check(dir string) (*Description, error) {
	b, err := os.ReadFile(filepath.Join(dir, File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s has no %s: it is no backup, or one that was not finished; make a new one", dir, File)
	}
	if err != nil {
		return nil, err
	}
	d := new(Description)
	if err := json.Unmarshal(b, d); err != nil || d.Version != version {
		return nil, fmt.Errorf("%s cannot be read: it is damaged, or of a newer version; use another backup, or a newer version of Rollcall", filepath.Join(dir, File))
	}
	found, err := read(dir)
	if err != nil {
		return nil, err
	}
	return d, d.compare(dir, found)
}

// Untouched reports whether dir contains a copy whose files have the names and sizes in
// its description. It reads only the description. It therefore detects a copy that a
// server has used, but not a damaged one.
func Untouched(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return false
	}
	d := new(Description)
	if json.Unmarshal(b, d) != nil || d.Version != version {
		return false
	}
	for _, f := range d.Files {
		info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

func (d *Description) compare(dir string, found map[string]Entry) error {
	for _, want := range d.Files {
		got, ok := found[want.Name]
		switch {
		case !ok:
			return fmt.Errorf("%s: the file %s is missing; use another backup", dir, want.Name)
		case got != want:
			return fmt.Errorf("%s: the file %s is not as it was copied: it is damaged, or a server has used the copy; use another backup", dir, want.Name)
		}
		delete(found, want.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		return fmt.Errorf("%s: the file %s is not part of the backup: a server has used the copy; use another backup", dir, name)
	}
	return nil
}

// passing are files that do not belong to a copy: its description, files that an operator
// puts beside it, and files that a server creates there before it opens the store.
var passing = map[string]bool{File: true, "LOCK": true, ".gitignore": true, "seal.keys": true}

// read describes every file below dir.
func read(dir string) (map[string]Entry, error) {
	found := map[string]Entry{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || passing[d.Name()] {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		e, err := describe(path)
		e.Name = filepath.ToSlash(name)
		found[e.Name] = e
		return err
	})
	return found, err
}

func describe(path string) (Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return Entry{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}
