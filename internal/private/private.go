// Package private makes sure that files and folders belong to the caller alone, so
// that no other user of the machine can plant or read what a server trusts.
//
// Files of root are trusted as those of the caller are: root can do anything anyway,
// and orchestrators mount folders and secrets as root.
package private

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// bits of a mode.
const (
	others      = 0o077 // anything for the group and for everybody
	writable    = 0o022 // changes by the group and by everybody
	closed      = 0o700 // a folder of its owner alone
	groupMayNot = 0o037 // anything but reading by the group
)

// A holder is the user who asks, and the owner and mode of a file. All rules of this
// package are about these three values, so that tests can judge any user's files as
// any user.
type holder struct {
	caller, owner int
	mode          fs.FileMode
}

// holderOf returns the holder of a file that this process asks about.
func holderOf(info fs.FileInfo) holder {
	return holder{caller: os.Getuid(), owner: int(info.Sys().(*syscall.Stat_t).Uid), mode: info.Mode()}
}

// trusted reports whether a file belongs to the caller or to root.
func (h holder) trusted() bool { return h.owner == 0 || h.owner == h.caller }

// secret reports whether nobody but the caller, root and a group that root chose can
// read or change a file of a trusted owner.
func (h holder) secret() bool {
	if h.owner == h.caller {
		return h.mode&others == 0
	}
	return h.mode&groupMayNot == 0
}

// closing reports whether the caller can close a folder of a trusted owner to others,
// and whether the folder is safe afterwards.
func (h holder) closing() (change, safe bool) {
	if h.owner == h.caller {
		return h.mode&others != 0, true
	}
	return false, h.mode&writable == 0
}

// altered reports whether other users can change the content of a file. Folders do
// not count: their entries are judged instead. The mode of a link means nothing.
func (h holder) altered() bool { return h.mode.IsRegular() && h.mode&writable != 0 }

// File returns an error unless the file belongs to the caller and is open to nobody
// else.
func File(name string, info fs.FileInfo) error { return holderOf(info).checkFile(name) }

func (h holder) checkFile(name string) error {
	if h.mode&others != 0 {
		return fmt.Errorf("%s can be read by others: it is not used; chmod 600 it if it is yours", name)
	}
	if h.owner != h.caller {
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
		_ = f.Close() // it was only read
		return nil, err
	}
	return f, nil
}

func checkSecret(name string, info fs.FileInfo) error {
	if err := checkOwner(name, info); err != nil {
		return err
	}
	if !holderOf(info).secret() {
		return fmt.Errorf("%s can be read by others: chmod 600 it, and make a new secret if anybody may have read this one", name)
	}
	return nil
}

// Folder closes a folder to others and returns an error if another user may have
// planted or changed anything in it: if the folder or an entry belongs to another
// user, or other users can write to a file in it.
//
// Folder changes the mode of an open folder and does not refuse it, because the usual
// umask and service managers make such folders. Nothing can be planted in a closed
// folder, so Folder checks the entries after it closed the folder. The mode of a file
// counts whatever the mode of the folder was: it is all that is left to see of a
// folder that was open to everybody until a moment ago.
func Folder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	change, safe := holderOf(info).closing()
	if !safe {
		return fmt.Errorf("%s is root's and others can write to it: choose a folder below it", dir)
	}
	if change {
		if err := os.Chmod(dir, closed); err != nil {
			return err
		}
	}
	return checkEntries(dir)
}

func checkEntries(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // it is gone by now
		}
		if err := holderOf(info).checkEntry(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (h holder) checkEntry(name string) error {
	if !h.trusted() {
		return fmt.Errorf("%s belongs to another user (uid %d), who may have planted it: remove it, or chown it if you know that you may trust it", name, h.owner)
	}
	if h.altered() {
		return fmt.Errorf("%s can be written by others (mode %04o), who may have changed it: restore a backup, or chmod -R go-w %s if nobody else used this machine", name, h.mode.Perm(), filepath.Dir(name))
	}
	return nil
}

// checkOwner returns an error unless name, and what it leads to if it is a link, is
// trusted.
func checkOwner(name string, info fs.FileInfo) error {
	if h := holderOf(info); !h.trusted() {
		return fmt.Errorf("%s belongs to another user (uid %d): run as that user, choose another, or chown it if you know that you may trust what is in it", name, h.owner)
	}
	link, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if h := holderOf(link); !h.trusted() {
		return fmt.Errorf("%s is a link of another user (uid %d): name what it should lead to", name, h.owner)
	}
	return nil
}
