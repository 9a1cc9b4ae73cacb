package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// checkFiles looks at every file that a setting names. What a server creates must
// be readable if it exists.
func checkFiles(l *Loaded) *fault {
	for _, s := range settings {
		if s.file == noFile || !s.given(&l.Config) {
			continue
		}
		name := s.Text(&l.Config)
		err := readable(name)
		switch {
		case err == nil:
		case errors.Is(err, syscall.EISDIR):
			return blame(s.Key, "{%s} names %s, which is a folder: name a file", s.Key, name)
		case errors.Is(err, fs.ErrPermission):
			return blame(s.Key, "{%s} names %s, which user %d may not read: let the user of the server read it, and check as that user", s.Key, name, os.Getuid())
		case errors.Is(err, fs.ErrNotExist) && s.file == fileMade:
			if dir := filepath.Dir(name); closedTo(dir) {
				return blame(s.Key, "{%s} names %s, which does not exist, and user %d may create nothing in %s: create the file, or let the user of the server write there", s.Key, name, os.Getuid(), dir)
			}
		default:
			return blame(s.Key, "{%s} names %s, which cannot be read: correct the name, or make the file", s.Key, name)
		}
	}
	return nil
}

// CheckFolders reports a folder that a server on this machine would need and could
// not make. [Load] does not: a configuration may be for another machine.
func (l *Loaded) CheckFolders() error {
	if f := checkData(l); f != nil {
		return l.mistake(f)
	}
	for _, s := range settings {
		if s.file != fileMade || l.sources[s.Key].kind == fromDefault {
			continue
		}
		name := s.Text(&l.Config)
		dir := filepath.Dir(name)
		if _, err := os.Stat(dir); err != nil && dir != filepath.Clean(l.Data) { // which a start makes
			return l.mistake(blame(s.Key, "{%s} names %s, and there is no folder %s: make the folder, or correct the name", s.Key, name, dir))
		}
	}
	return nil
}

// checkData looks whether the data folder is there or can be made.
func checkData(l *Loaded) *fault {
	dir := filepath.Clean(l.Data)
	for {
		info, err := os.Stat(dir)
		above := filepath.Dir(dir)
		switch {
		case err == nil && !info.IsDir():
			return blame("data", "{data} is %s, and %s is not a folder: choose another", l.Data, dir)
		case err == nil && closedTo(dir):
			return blame("data", "{data} is %s, and user %d may create nothing in %s: let the user of the server write there, or choose another folder", l.Data, os.Getuid(), dir)
		case err == nil || above == dir:
			return nil
		}
		dir = above
	}
}

// readable returns why a file cannot be read, [syscall.EISDIR] for a directory.
func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	return err
}

// closedTo reports whether dir exists and this user can create nothing in it.
func closedTo(dir string) bool {
	const writeAndSearch = 2 | 1
	err := syscall.Access(dir, writeAndSearch)
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Warnings returns what is dangerous in l, but allowed: one sentence each, with the
// place and the remedy.
func (l *Loaded) Warnings() []string {
	var all []string
	for _, key := range []string{"tls_key", "key_file"} {
		s, _ := find(key)
		name := s.Text(&l.Config)
		if name == "" || !openSecret(name) {
			continue
		}
		from := l.sources[key]
		m := Mistake{Source: from, Text: fmt.Sprintf("%s %s can be read by everybody on this machine: chmod o-rwx it", from.name(*s), name)}
		all = append(all, m.Error())
	}
	return all
}

// openSecret reports whether everybody may read a file that holds anything else
// than a public key.
func openSecret(name string) bool {
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return false
	}
	b, err := os.ReadFile(name)
	return err == nil && !bytes.Contains(b, []byte("-----BEGIN PUBLIC KEY-----"))
}

// Attribute returns err, whose text may begin with the flag of a setting, with the
// place where the setting was given instead: a line of a file, or a variable.
func (l *Loaded) Attribute(err error) error {
	text := err.Error()
	for _, s := range settings {
		rest, ok := strings.CutPrefix(text, s.Flag)
		from := l.sources[s.Key]
		if ok && rest != "" && slices.Contains([]byte(" :,"), rest[0]) && (from.kind == fromFile || from.kind == fromEnv) {
			return &Mistake{Source: from, Text: from.name(s) + rest}
		}
	}
	return err
}
