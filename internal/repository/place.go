package repository

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"rollcall/internal/durable"
)

// A Place says where a repository is.
type Place struct {
	dir string
}

// ParsePlace parses the place of a repository: the name of a directory.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, errors.New("the place of the backups is empty: name a directory")
	}
	if strings.ContainsRune(text, 0) {
		return Place{}, errors.New("the place of the backups has a character NUL, which no path may have: remove it")
	}
	dir, err := filepath.Abs(text)
	return Place{dir: dir}, err
}

// String returns the place as people write it, without secrets.
func (p Place) String() string { return p.dir }

// Is reports whether a text names a repository, and not a plain copy of a store or nothing
// at all. It reads nothing but the name of a file.
func Is(text string) bool {
	p, err := ParsePlace(text)
	if err != nil {
		return false
	}
	_, err = os.Lstat(filepath.Join(p.dir, formatFile))
	return err == nil
}

// create creates the directory of a place.
func (p Place) create() error { return durable.Mkdir(p.dir) }

// backend opens the backend of a place.
func (p Place) backend(Options) (backend, error) { return openDirectory(p.dir) }
