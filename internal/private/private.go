// Package private checks that files and directories belong to the caller alone. Other
// users of the machine must not be able to plant or read files that a server trusts.
//
// Files of root are trusted like those of the caller. Root can do anything anyway, and
// orchestrators mount directories and secrets as root.
package private

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Bits of a mode.
const (
	others      = 0o077 // anything for the group and for everybody
	writable    = 0o022 // changes by the group and by everybody
	closed      = 0o700 // a directory for its owner alone
	groupMayNot = 0o037 // anything but reading by the group
)

// A holder is the calling user, and the owner and mode of a file. All rules of this
// package are about these three values. Tests can therefore check the files of any user
// as any user.
type holder struct {
	caller, owner int
	mode          fs.FileMode
}

// holderOf returns the holder of a file for this process.
func holderOf(info fs.FileInfo) holder {
	return holder{caller: os.Getuid(), owner: int(info.Sys().(*syscall.Stat_t).Uid), mode: info.Mode()}
}

// trusted reports whether a file belongs to the caller or to root.
func (h holder) trusted() bool { return h.owner == 0 || h.owner == h.caller }

// secret reports whether only the caller, root and a group that root chose can read or
// change a file of a trusted owner.
func (h holder) secret() bool {
	if h.owner == h.caller {
		return h.mode&others == 0
	}
	return h.mode&groupMayNot == 0
}

// closing is for a directory of a trusted owner. It reports whether the caller has to
// close the directory to others, and whether the directory is safe afterwards.
func (h holder) closing() (change, safe bool) {
	if h.owner == h.caller {
		return h.mode&others != 0, true
	}
	return false, h.mode&writable == 0
}

// altered reports whether other users can change the content of a file. It is false for
// directories, because their entries are checked instead, and for links, because their
// mode means nothing.
func (h holder) altered() bool { return h.mode.IsRegular() && h.mode&writable != 0 }

// File returns an error unless the file belongs to the caller and nobody besides the
// caller has access to it.
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

// OpenSecret opens a file that contains a secret. The file must belong to one of these:
//   - the caller, without access for anybody besides the caller
//   - root, with at most read access for the group, as orchestrators mount secrets
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
		return fmt.Errorf("%s can be read by others: chmod 600 it, and create a new secret if anybody may have read this one", name)
	}
	return nil
}

// Dir closes a directory to others. It returns an error if another user may have planted
// or changed anything in it, which is so in two cases:
//   - The directory or an entry belongs to another user.
//   - Other users can write to a file in the directory.
//
// Dir changes the mode of an open directory instead of refusing it, because the usual
// umask and service managers create such directories. Nothing can be planted in a closed
// directory, so Dir checks the entries after it has closed the directory. It checks the
// mode of files also in a directory that is closed already: the directory may have been
// open to everybody a moment ago, and only the modes of its files still show that.
func Dir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	change, safe := holderOf(info).closing()
	if !safe {
		return fmt.Errorf("%s is root's and others can write to it: choose a directory below it", dir)
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
			continue // it has been removed meanwhile
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

// checkOwner returns an error unless the owner of name is trusted. If name is a link, the
// owners of the link and of its target must be trusted.
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
