package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall/internal/private"
)

// MakeDataDir creates the data folder, closed to others and ignored by git. When it
// returns, the folder is on disk with every folder above it that it created:
// nothing that is stored in it later can be lost with its name. A folder that
// exists is closed, and refused if another user may have put anything into it; see
// [private.Folder].
func MakeDataDir(dir string) error {
	d := durable{sync: (*os.File).Sync}
	if err := d.mkdir(filepath.Clean(dir)); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := private.Folder(dir); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(ignore); err == nil {
		return nil // an owner may have changed it
	}
	if err := d.write(ignore, []byte("*\n")); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// durable changes folders so that a loss of power takes nothing back. Tests
// watch its syncs.
type durable struct {
	sync func(*os.File) error
}

// mkdir makes dir and the folders above it that are missing. Some file systems,
// as /proc, say that nothing can be made in a folder by denying that it exists:
// dir is tried once more after the folder above it, and no oftener.
func (d durable) mkdir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if above := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && above != dir {
		if err := d.mkdir(above); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return isFolder(dir)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: nothing can be made in %s, choose another folder", err, filepath.Dir(dir))
	case err != nil:
		return err
	}
	return d.syncDir(filepath.Dir(dir))
}

// isFolder returns an error unless name is a folder, or a link to one.
func isFolder(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder: choose another, or move it away", name)
	}
	return err
}

// write puts b into file in one step: a reader, and a server after a crash, sees
// the old content or the new one. Its mode is 0600.
func (d durable) write(file string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return d.syncDir(filepath.Dir(file))
}

// syncDir makes the names in dir durable.
func (d durable) syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.sync(f), f.Close())
}
