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

// checkFiles checks every file that a setting names. A file that the server creates on
// demand must be readable if it exists.
func checkFiles(l *Loaded) *violation {
	for _, s := range settings {
		if s.file == noFile || !s.given(&l.Config) {
			continue
		}
		name := s.Text(&l.Config)
		err := readable(name)
		switch {
		case err == nil:
		case errors.Is(err, syscall.EISDIR):
			return blame(s.Key, "{%s} names %s, which is a directory: name a file", s.Key, name)
		case errors.Is(err, fs.ErrPermission):
			return blame(s.Key, "{%s} names %s, which user %d may not read: let the user of the server read it, and check as that user", s.Key, name, os.Getuid())
		case errors.Is(err, fs.ErrNotExist) && s.file == fileCreated:
			if dir := filepath.Dir(name); closedTo(dir) {
				return blame(s.Key, "{%s} names %s, which does not exist, and user %d may create nothing in %s: create the file, or let the user of the server write there", s.Key, name, os.Getuid(), dir)
			}
		default:
			return blame(s.Key, "{%s} names %s, which cannot be read: correct the name, or create the file", s.Key, name)
		}
	}
	return nil
}

// CheckDirs returns an error if a server on this machine needs a directory that does
// not exist and that it cannot create. [Load] does not check that, because the
// configuration may be for another machine.
func (l *Loaded) CheckDirs() error {
	if v := checkData(l); v != nil {
		return l.errorOf(v)
	}
	for _, s := range settings {
		if s.file != fileCreated || l.sources[s.Key].kind == fromDefault {
			continue
		}
		name := s.Text(&l.Config)
		dir := filepath.Dir(name)
		if _, err := os.Stat(dir); err != nil && dir != filepath.Clean(l.Data) { // a start creates the data directory
			return l.errorOf(blame(s.Key, "{%s} names %s, and there is no directory %s: create the directory, or correct the name", s.Key, name, dir))
		}
	}
	return nil
}

// checkData checks that the data directory exists or can be created.
func checkData(l *Loaded) *violation {
	dir := filepath.Clean(l.Data)
	for {
		info, err := os.Stat(dir)
		above := filepath.Dir(dir)
		switch {
		case err == nil && !info.IsDir():
			return blame("data", "{data} is %s, and %s is not a directory: choose another", l.Data, dir)
		case err == nil && closedTo(dir):
			return blame("data", "{data} is %s, and user %d may create nothing in %s: let the user of the server write there, or choose another directory", l.Data, os.Getuid(), dir)
		case err == nil || above == dir:
			return nil
		}
		dir = above
	}
}

// readable returns an error if a file cannot be read. The error of a directory is
// [syscall.EISDIR].
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

// closedTo reports whether dir exists but this user cannot create files in it.
func closedTo(dir string) bool {
	const writeAndSearch = 2 | 1
	err := syscall.Access(dir, writeAndSearch)
	return err != nil && !errors.Is(err, fs.ErrNotExist)
}

// Warnings returns a sentence for each allowed but dangerous value of l, with its place
// and the remedy.
func (l *Loaded) Warnings() []string {
	var all []string
	for _, key := range []string{"tls_key", "key_file", "redis_password_file", "backup_s3_credentials_file"} {
		s, _ := find(key)
		name := s.Text(&l.Config)
		if name == "" || !openSecret(name) {
			continue
		}
		from := l.sources[key]
		e := Error{Source: from, Text: fmt.Sprintf("%s %s can be read by everybody on this machine: chmod o-rwx it", from.name(*s), name)}
		all = append(all, e.Error())
	}
	for _, s := range settings {
		if _, secret := l.redact(s); secret {
			all = append(all, l.passwordWarnings(s)...)
		}
	}
	return all
}

// passwordWarnings returns a warning if others can see the password in the value of s.
func (l *Loaded) passwordWarnings(s Setting) []string {
	from := l.sources[s.Key]
	place := "PGPASSWORD or a password file"
	if s.Key == "redis" {
		place = "a file that --redis-password-file names"
	}
	var text string
	switch {
	case from.kind == fromFlag:
		text = "%s has a password, which everybody on this machine can see in the list of processes: put it into " + place + ", or give the URL in " + s.Env
	case from.kind == fromFile && openSecret(from.file):
		text = "%s has a password, and everybody on this machine can read the file: chmod o-rwx it, or put the password into " + place
	default:
		return nil
	}
	e := Error{Source: from, Text: fmt.Sprintf(text, from.name(s))}
	return []string{e.Error()}
}

// openSecret reports whether everybody may read a file that contains anything other
// than a public key.
func openSecret(name string) bool {
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return false
	}
	b, err := os.ReadFile(name)
	return err == nil && !bytes.Contains(b, []byte("-----BEGIN PUBLIC KEY-----"))
}

// Attribute returns err with the place of a setting instead of its flag. If the text of
// err begins with the flag of a setting that was given in a file or in the environment,
// the result names the line of the file or the variable. Otherwise it is err.
func (l *Loaded) Attribute(err error) error {
	text := err.Error()
	for _, s := range settings {
		rest, ok := strings.CutPrefix(text, s.Flag)
		from := l.sources[s.Key]
		if ok && rest != "" && slices.Contains([]byte(" :,"), rest[0]) && (from.kind == fromFile || from.kind == fromEnv) {
			return &Error{Source: from, Text: from.name(s) + rest}
		}
	}
	return err
}
