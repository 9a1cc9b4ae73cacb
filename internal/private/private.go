// Package private makes sure that files and folders are the caller's alone, so that
// no other user of the machine can plant or read what a server trusts.
//
// What belongs to root counts as the caller's: root can do anything anyway, and
// orchestrators mount folders and secrets as root's.
package private

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// bits of a mode.
const (
	others      = 0o077 // anything for the group and for everybody
	writable    = 0o022 // changes by the group and by everybody
	closed      = 0o700 // a folder of its owner alone
	groupMayNot = 0o037 // anything but reading by the group
)

// File returns an error unless the file belongs to the caller and is open to nobody
// else.
func File(name string, info fs.FileInfo) error {
	if info.Mode().Perm()&others != 0 && hasModes {
		return fmt.Errorf("%s can be read by others: it is not used; chmod 600 it if it is yours", name)
	}
	if uid, ok := owner(info); ok && uid != os.Getuid() {
		return fmt.Errorf("%s belongs to another user: it is not used", name)
	}
	return nil
}

// OpenSecret opens a file that holds a secret. It must belong to the caller and be
// open to nobody else, or belong to root and be readable by the group at most, as
// orchestrators mount secrets.
func OpenSecret(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkSecret(name, info)
	}
	if err != nil {
		return nil, closeWith(f, err)
	}
	return f, nil
}

func closeWith(f *os.File, err error) error {
	_ = f.Close() // it was only read
	return err
}

func checkSecret(name string, info fs.FileInfo) error {
	if err := checkOwner(name, info); err != nil {
		return err
	}
	not := fs.FileMode(others)
	if uid, ok := owner(info); ok && uid != os.Getuid() {
		not = groupMayNot
	}
	if info.Mode().Perm()&not != 0 && hasModes {
		return fmt.Errorf("%s can be read by others: chmod 600 it, and make a new secret if anybody may have read this one", name)
	}
	return nil
}

// Folder closes a folder to others and returns an error if it, or anything in it,
// may have been put there by another user. It changes the mode of a folder that is
// open, and does not refuse it: the usual umask and service managers make folders
// like that, and nobody else has any business in it. Once it is closed nothing can
// be planted any more, so what is in it then is all that there is to check.
func Folder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	if err := closeFolder(dir, info); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // it is gone by now
		}
		if !trusted(info) {
			return fmt.Errorf("%s belongs to another user%s, who may have planted it: remove it, or chown it if you know that you may trust it", filepath.Join(dir, e.Name()), who(info))
		}
	}
	return nil
}

func closeFolder(dir string, info fs.FileInfo) error {
	mode := info.Mode().Perm()
	uid, ok := owner(info)
	switch {
	case mode&others == 0 || !ok:
		return nil
	case uid == os.Getuid():
		return os.Chmod(dir, closed)
	case mode&writable != 0:
		return fmt.Errorf("%s is root's and others can write to it: choose a folder below it", dir)
	}
	return nil
}

// checkOwner returns an error unless name, and what it leads to if it is a link, is
// trusted.
func checkOwner(name string, info fs.FileInfo) error {
	if !trusted(info) {
		return fmt.Errorf("%s belongs to another user%s: run as that user, choose another, or chown it if you know that you may trust what is in it", name, who(info))
	}
	link, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !trusted(link) {
		return fmt.Errorf("%s is a link of another user%s: name what it should lead to", name, who(link))
	}
	return nil
}

// trusted reports whether a file is the caller's or root's.
func trusted(info fs.FileInfo) bool {
	uid, ok := owner(info)
	return !ok || uid == 0 || uid == os.Getuid()
}

// who names the owner of a file, for a person.
func who(info fs.FileInfo) string {
	if uid, ok := owner(info); ok {
		return fmt.Sprintf(" (uid %d)", uid)
	}
	return ""
}
